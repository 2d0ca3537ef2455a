"""Writes language models as GGUF, version 3: one file with weights in float16 and a tokenizer.

Source: the GGUF specification (ggml, docs/gguf.md); the reader is ``llm/formats/gguf_file.py``.
"""

import struct
from collections.abc import Sequence

import numpy as np

from tilewright.llm.formats.gguf_file import MAGIC
from tilewright.llm.formats.gguf_llama import LAYER_TENSORS
from tilewright.llm.formats.vocabulary import StoredToken
from tilewright.llm.model import Llama

ALIGNMENT = 32
_U32, _I32, _F32, _TEXT, _ARRAY = 4, 5, 6, 8, 9
_TENSOR_F32, _TENSOR_F16 = 0, 1


def gguf_bytes(llama: Llama, tokens: Sequence[StoredToken]) -> bytes:
    """The file: matrices in float16, norms in float32, begin and end are tokens 1 and 2."""
    tensors = {"token_embd": llama.embedding, "output_norm": llama.final_norm}
    for index, layer in enumerate(llama.layers):
        stored = dict(layer.tensors())
        tensors |= {f"blk.{index}.{name}": stored[ours] for ours, name in LAYER_TENSORS.items()}
    if not llama.shape.is_tied:
        tensors["output"] = llama.head
    infos, data = bytearray(), bytearray()
    for name, array in tensors.items():
        is_matrix = array.ndim == 2
        infos += _text(f"{name}.weight".encode()) + struct.pack("<I", array.ndim)
        infos += struct.pack(f"<{array.ndim}Q", *reversed(array.shape))
        infos += struct.pack("<IQ", _TENSOR_F16 if is_matrix else _TENSOR_F32, len(data))
        data += array.astype("<f2" if is_matrix else "<f4").tobytes()
        data += bytes(-len(data) % ALIGNMENT)
    keys = _keys(llama) + _tokenizer_keys(tokens)
    head = MAGIC + struct.pack("<IQQ", 3, len(tensors), len(keys)) + b"".join(keys) + infos
    return bytes(head + bytes(-len(head) % ALIGNMENT) + data)


def _keys(llama: Llama) -> list[bytes]:
    shape = llama.shape
    numbers = {
        "context_length": shape.context, "embedding_length": shape.dim,
        "block_count": shape.layers, "feed_forward_length": shape.hidden_dim,
        "attention.head_count": shape.heads, "attention.head_count_kv": shape.kv_heads,
        "attention.key_length": shape.head_dim, "attention.value_length": shape.head_dim,
        "rope.dimension_count": shape.head_dim, "vocab_size": shape.vocabulary,
    }  # fmt: skip
    reals = {"rope.freq_base": shape.rope_theta, "attention.layer_norm_rms_epsilon": shape.norm_eps}
    return [
        _key("general.architecture", _TEXT, _text(b"llama")),
        _key("general.name", _TEXT, _text(llama.name.encode())),
        *(_key(f"llama.{name}", _U32, struct.pack("<I", n)) for name, n in numbers.items()),
        *(_key(f"llama.{name}", _F32, struct.pack("<f", x)) for name, x in reals.items()),
    ]


def _tokenizer_keys(tokens: Sequence[StoredToken]) -> list[bytes]:
    scores = np.array([token.score for token in tokens], "<f4")
    kinds = np.array([token.kind for token in tokens], "<i4")
    of = "tokenizer.ggml"
    return [
        _key(f"{of}.model", _TEXT, _text(b"llama")),
        _key(f"{of}.tokens", _ARRAY, _array(_TEXT, len(tokens), _texts(tokens))),
        _key(f"{of}.scores", _ARRAY, _array(_F32, len(tokens), scores.tobytes())),
        _key(f"{of}.token_type", _ARRAY, _array(_I32, len(tokens), kinds.tobytes())),
        _key(f"{of}.bos_token_id", _U32, struct.pack("<I", 1)),
        _key(f"{of}.eos_token_id", _U32, struct.pack("<I", 2)),
    ]


def _texts(tokens: Sequence[StoredToken]) -> bytes:
    return b"".join(_text(token.piece) for token in tokens)


def _key(name: str, kind: int, value: bytes) -> bytes:
    return _text(name.encode()) + struct.pack("<I", kind) + value


def _array(kind: int, count: int, values: bytes) -> bytes:
    return struct.pack("<IQ", kind, count) + values


def _text(raw: bytes) -> bytes:
    return struct.pack("<Q", len(raw)) + raw
