"""GGUF's ``llama`` architecture: which key and which tensor is what. q and k rotate neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.ir.types import Array
from tilewright.llm.formats.gguf_file import GgufFile, GgufValue, read_gguf_file
from tilewright.llm.formats.shape_checks import checked, checked_shape, divided
from tilewright.llm.model import Llama, LlamaLayer, LlamaShape

LAYER_TENSORS = {
    "attention_norm": "attn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v",
    "o": "attn_output", "mlp_norm": "ffn_norm", "gate": "ffn_gate", "up": "ffn_up",
    "down": "ffn_down",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GgufKeys:
    """Keys by type. Each method raises ModelError where a key is missing or of another type."""

    name: str
    values: Mapping[str, GgufValue]

    def integer(self, key: str, default: int | None = None) -> int:
        """A whole number of any width."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(key, "a whole number")
        return value

    def real(self, key: str, default: float | None = None) -> float:
        """A floating-point number: the shortest decimal that its float32 has, so that 1e-5 is the
        same 1e-5 as in formats that write it in words."""
        value = self.values.get(key, default)
        if not isinstance(value, float):
            raise self._wrong(key, "a floating-point number")
        with np.errstate(over="ignore"):
            return float(str(np.float32(value)))

    def flag(self, key: str, default: bool) -> bool:
        """A truth value."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "a truth value")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A string; bytes that are not UTF-8 are replaced."""
        value = self.values.get(key, None if default is None else default.encode())
        if not isinstance(value, bytes):
            raise self._wrong(key, "a string")
        return value.decode(errors="replace")

    def strings(self, key: str) -> tuple[bytes, ...]:
        """An array of strings."""
        value = self.values.get(key)
        if not isinstance(value, tuple):
            raise self._wrong(key, "an array of strings")
        return value

    def numbers(self, key: str) -> Array:
        """An array of numbers."""
        value = self.values.get(key)
        if not isinstance(value, np.ndarray):
            raise self._wrong(key, "an array of numbers")
        return value

    def _wrong(self, key: str, wanted: str) -> ModelError:
        found = "is missing" if key not in self.values else "is something else"
        return ModelError(f"{self.name}: key {key} {found}; it must be {wanted}")


def read_gguf(path: Path) -> Llama:
    """The model in a GGUF file.

    Raises ModelError for what is missing or contradictory, UnsupportedError for another
    architecture or a feature that is not read.
    """
    file = read_gguf_file(path)
    keys = GgufKeys(str(path), file.keys)
    _check_features(keys)
    shape = _shape(keys, file)
    _check_tensors(path, file, shape)
    layers = tuple(
        LlamaLayer(
            **{
                ours: file.decoded(f"blk.{index}.{theirs}.weight")
                for ours, theirs in LAYER_TENSORS.items()
            }
        )
        for index in range(shape.layers)
    )
    embedding = file.decoded("token_embd.weight")
    head = embedding if shape.is_tied else file.decoded("output.weight")
    final_norm = file.decoded("output_norm.weight")
    return checked(Llama(path.stem, shape, embedding, layers, final_norm, head))


def _check_features(keys: GgufKeys) -> None:
    architecture = keys.text("general.architecture")
    if architecture != "llama":
        raise UnsupportedError(
            f"{keys.name}: the architecture is {architecture}; of GGUF files, llama is read"
        )
    scaling = keys.text("llama.rope.scaling.type", "none")
    if scaling != "none":
        raise UnsupportedError(f"{keys.name}: RoPE scaling {scaling} is not read; only none is")
    experts = keys.integer("llama.expert_count", 0)
    if experts:
        raise UnsupportedError(f"{keys.name}: {experts} experts per layer are not read; 0 are")


def _shape(keys: GgufKeys, file: GgufFile) -> LlamaShape:
    dim = keys.integer("llama.embedding_length")
    heads = keys.integer("llama.attention.head_count")
    if "llama.attention.key_length" in keys.values:
        head_dim = keys.integer("llama.attention.key_length")
    else:
        head_dim = divided(keys.name, dim, heads)
    for key in ("llama.attention.value_length", "llama.rope.dimension_count"):
        other = keys.integer(key, head_dim)
        if other != head_dim:
            raise UnsupportedError(
                f"{keys.name}: {key} is {other} where heads have {head_dim} elements; equal ones "
                "are read"
            )
    embedding = file.tensors.get("token_embd.weight")
    if embedding is None:
        raise ModelError(f"{keys.name}: tensor token_embd.weight is missing")
    shape = LlamaShape(
        dim, keys.integer("llama.feed_forward_length"), keys.integer("llama.block_count"), heads,
        keys.integer("llama.attention.head_count_kv", heads), head_dim,
        keys.integer("llama.vocab_size", embedding.shape[0]),
        keys.integer("llama.context_length"),
        keys.real("llama.rope.freq_base", 10000.0),
        keys.real("llama.attention.layer_norm_rms_epsilon"),
        is_tied="output.weight" not in file.tensors,
    )  # fmt: skip
    return checked_shape(keys.name, shape)


def _check_tensors(path: Path, file: GgufFile, shape: LlamaShape) -> None:
    """Every tensor that a Llama of this shape has, and no other."""
    wanted = 9 * shape.layers + (2 if shape.is_tied else 3)
    known = {"token_embd.weight", "output_norm.weight", "output.weight"}
    for index in range(min(shape.layers, len(file.tensors))):
        known |= {f"blk.{index}.{theirs}.weight" for theirs in LAYER_TENSORS.values()}
    for name in file.tensors:
        if name not in known:
            raise UnsupportedError(
                f"{path}: tensor {name} is none that a llama of {shape.layers} layers has; "
                "biases, experts and frequency factors are not read"
            )
    if len(file.tensors) != wanted:
        missing = sorted(known - set(file.tensors) - {"output.weight"})
        raise ModelError(
            f"{path}: {len(file.tensors)} tensors where {shape.layers} layers have {wanted}"
            + (f"; {missing[0]} is missing" if missing else "")
        )
