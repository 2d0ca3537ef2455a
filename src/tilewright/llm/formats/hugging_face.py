"""A folder as Hugging Face has it: config.json and safetensors. q and k rotate halves there."""

from collections.abc import Mapping
from pathlib import Path

from tilewright.errors import ModelError, UnsupportedError
from tilewright.ir.types import Array
from tilewright.llm.formats.json_fields import JsonFields, parse_json
from tilewright.llm.formats.safetensors_file import StoredTensor, read_safetensors
from tilewright.llm.formats.shape_checks import checked, checked_shape, divided
from tilewright.llm.model import Llama, LlamaLayer, LlamaShape

_LAYER_TENSORS = {
    "attention_norm": "input_layernorm", "q": "self_attn.q_proj", "k": "self_attn.k_proj",
    "v": "self_attn.v_proj", "o": "self_attn.o_proj", "mlp_norm": "post_attention_layernorm",
    "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj",
}  # fmt: skip
_INDEX = "model.safetensors.index.json"
_UNUSED = "rotary_emb.inv_freq"
"""Frequencies that older files store; they follow from theta."""


def read_hugging_face(folder: Path) -> Llama:
    """The model in a folder with config.json and model.safetensors, or several with an index.

    Raises ModelError for what is missing or contradictory, UnsupportedError for another
    architecture or a feature that is not read.
    """
    shape = _shape(read_json(folder / "config.json"))
    tensors = _read_tensors(folder)
    layers = tuple(_layer(folder, tensors, shape, index) for index in range(shape.layers))
    embedding = _decoded(folder, tensors, "model.embed_tokens.weight")
    final_norm = _decoded(folder, tensors, "model.norm.weight")
    if shape.is_tied:
        tensors.pop("lm_head.weight", None)
    head = embedding if shape.is_tied else _decoded(folder, tensors, "lm_head.weight")
    for name in tensors:
        if not name.endswith(_UNUSED):
            raise UnsupportedError(
                f"{folder}: tensor {name} is none that a llama of {shape.layers} layers has"
            )
    return checked(Llama(folder.name, shape, embedding, layers, final_norm, head))


def read_json(path: Path) -> JsonFields:
    """A file's JSON object. Raises ModelError where there is none."""
    if not path.is_file():
        raise ModelError(f"{path}: no such file; a model's folder has one")
    return parse_json(str(path), path.read_bytes())


def _shape(config: JsonFields) -> LlamaShape:
    kind = config.text("model_type", "llama")
    architectures = config.items("architectures") if config.has("architectures") else []
    if kind != "llama" or architectures not in ([], ["LlamaForCausalLM"]):
        raise UnsupportedError(
            f"{config.name}: model_type {kind}, architectures {architectures}; llama with "
            "LlamaForCausalLM is read"
        )
    for key in ("attention_bias", "mlp_bias"):
        if config.flag(key, default=False):
            raise UnsupportedError(f"{config.name}: {key} is true; layers with biases are not read")
    activation = config.text("hidden_act", "silu")
    if activation != "silu":
        raise UnsupportedError(f"{config.name}: hidden_act is {activation}; silu is read")
    dim, heads = config.integer("hidden_size"), config.integer("num_attention_heads")
    head_dim = config.integer("head_dim", -1)
    shape = LlamaShape(
        dim, config.integer("intermediate_size"), config.integer("num_hidden_layers"), heads,
        config.integer("num_key_value_heads", heads),
        divided(config.name, dim, heads) if head_dim == -1 else head_dim,
        config.integer("vocab_size"), config.integer("max_position_embeddings"), _theta(config),
        config.real("rms_norm_eps", 1e-6), config.flag("tie_word_embeddings", default=False),
    )  # fmt: skip
    return checked_shape(config.name, shape)


def _theta(config: JsonFields) -> float:
    """RoPE's base, under the new or the old name. Raises UnsupportedError for scaled positions."""
    theta = config.real("rope_theta", 10000.0)
    for key in ("rope_scaling", "rope_parameters"):
        if not config.has(key):
            continue
        fields = config.fields(key)
        kind = fields.text("rope_type", fields.text("type", "default"))
        if kind != "default":
            raise UnsupportedError(f"{fields.name}: RoPE scaling {kind} is not read; default is")
        theta = fields.real("rope_theta", theta)
    return theta


def _read_tensors(folder: Path) -> dict[str, StoredTensor]:
    if not (folder / _INDEX).is_file():
        return read_safetensors(folder / "model.safetensors")
    weight_map = read_json(folder / _INDEX).fields("weight_map")
    tensors: dict[str, StoredTensor] = {}
    for name in sorted({weight_map.text(key) for key in weight_map.values}):
        if Path(name).name != name:
            raise ModelError(f"{folder / _INDEX}: {name!r} is no name of a file beside it")
        tensors |= read_safetensors(folder / name)
    return tensors


def _decoded(folder: Path, tensors: dict[str, StoredTensor], name: str) -> Array:
    """The tensor, which is then no longer among those that nobody asked for."""
    tensor = tensors.pop(name, None)
    if tensor is None:
        raise ModelError(f"{folder}: tensor {name} is missing from the safetensors files")
    return tensor.decoded()


def _layer(
    folder: Path, tensors: dict[str, StoredTensor], shape: LlamaShape, index: int
) -> LlamaLayer:
    found: Mapping[str, Array] = {
        ours: _decoded(folder, tensors, f"model.layers.{index}.{theirs}.weight")
        for ours, theirs in _LAYER_TENSORS.items()
    }
    rotated = {
        "q": _neighbours(folder, found["q"], shape.heads, shape),
        "k": _neighbours(folder, found["k"], shape.kv_heads, shape),
    }
    return LlamaLayer(**{**found, **rotated})


def _neighbours(folder: Path, rows: Array, heads: int, shape: LlamaShape) -> Array:
    """[heads * head_dim][dim]: rows i and i + head_dim/2 of each head become 2i and 2i + 1."""
    wanted = (heads * shape.head_dim, shape.dim)
    if rows.shape != wanted:
        raise ModelError(
            f"{folder}: a projection to {heads} heads is {list(rows.shape)}; config.json wants "
            f"{list(wanted)}"
        )
    halves = rows.reshape(heads, 2, shape.head_dim // 2, shape.dim)
    return halves.swapaxes(1, 2).reshape(wanted).copy()
