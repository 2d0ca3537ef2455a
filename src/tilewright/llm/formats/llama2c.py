"""Checkpoints of llama2.c: versions 0 and 1 (float32) and 2 (int8 in groups with a scale each).

Little-endian. Every version starts from seven int32: dim, hidden_dim, layers, heads, kv_heads,
vocabulary, context. Version 0 has nothing before them and says by a negative vocabulary that the
head is not tied; the others have a header of 256 bytes. Matrices are [out][in], all layers of one
kind together; q and k rotate neighbours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from tilewright.errors import ModelError
from tilewright.ir.types import Array
from tilewright.llm.formats.file_bytes import FileBytes
from tilewright.llm.formats.shape_checks import checked, checked_shape, divided
from tilewright.llm.model import Llama, LlamaLayer, LlamaShape

MAGIC = 0x616B3432
HEADER_BYTES = 256
_LAYER_MATRICES = ("q", "k", "v", "o", "gate", "down", "up")


@dataclass(frozen=True, slots=True)
class _Part:
    """``count`` tensors of one shape, one after the other. ``group`` = 0: float32; otherwise each
    is its int8 values and then a float32 scale per group of them."""

    name: str
    shape: tuple[int, ...]
    count: int
    group: int = 0

    @property
    def values(self) -> int:
        return prod(self.shape)

    @property
    def tensor_bytes(self) -> int:
        return self.values + 4 * (self.values // self.group) if self.group else 4 * self.values

    @property
    def size_bytes(self) -> int:
        return self.count * self.tensor_bytes


def is_llama2c(file: FileBytes) -> bool:
    """Whether the file has the magic number or, without one, exactly a version 0's size."""
    if file.size < 28:
        return False
    if file.number("I", 0, "magic number") == MAGIC:
        return True
    try:
        return _size(_parts_v0(_shape(file, 0, None))) + 28 == file.size
    except ModelError:
        return False


def read_llama2c(path: Path) -> Llama:
    """The model in a llama2.c checkpoint of version 0, 1 or 2.

    Raises ModelError for another version, impossible hyper-parameters, or a size that they do not
    give, naming both sizes.
    """
    file = FileBytes(path)
    version = 0
    if file.number("I", 0, "magic number") == MAGIC:
        version = file.number("i", 4, "version")
        if version not in (1, 2):
            raise ModelError(
                f"{path}: version {version} of the llama2.c format is not known; export version "
                "0, 1 or 2"
            )
    if not version:
        shape, start = _shape(file, 0, None), 28
        parts = _parts_v0(shape)
    else:
        is_tied = file.number("B", 36, "tied flag") != 0
        shape, start = _shape(file, 8, is_tied), HEADER_BYTES
        group = file.number("i", 37, "group size") if version == 2 else 0
        parts = _parts_with_header(shape, _checked_group(path, shape, group, version))
    wanted = start + _size(parts)
    if wanted != file.size:
        raise ModelError(
            f"{path}: a llama2.c checkpoint of version {version} with these hyper-parameters "
            f"(dim {shape.dim}, {shape.layers} layers, vocabulary {shape.vocabulary}) has "
            f"{wanted} bytes; the file has {file.size}"
        )
    tensors = {part.name: _tensors(file, offset, part) for offset, part in _placed(parts, start)}
    return checked(_llama(path.stem, shape, tensors))


def _shape(file: FileBytes, start: int, is_tied: bool | None) -> LlamaShape:
    dim, hidden, layers, heads, kv_heads, vocabulary, context = (
        file.number("i", start + 4 * index, "hyper-parameters") for index in range(7)
    )
    shape = LlamaShape(
        dim, hidden, layers, heads, kv_heads, divided(file.name, dim, heads),
        abs(vocabulary) if is_tied is None else vocabulary, context,
        is_tied=vocabulary > 0 if is_tied is None else is_tied,
    )  # fmt: skip
    return checked_shape(file.name, shape)


def _checked_group(path: Path, shape: LlamaShape, group: int, version: int) -> int:
    if version == 2 and (group < 1 or shape.dim % group or shape.hidden_dim % group):
        raise ModelError(
            f"{path}: groups of {group} values do not divide rows of {shape.dim} and "
            f"{shape.hidden_dim}"
        )
    return group


def _matrices(shape: LlamaShape, group: int) -> dict[str, _Part]:
    sizes = {
        "q": (shape.q_dim, shape.dim), "k": (shape.kv_dim, shape.dim),
        "v": (shape.kv_dim, shape.dim), "o": (shape.dim, shape.q_dim),
        "gate": (shape.hidden_dim, shape.dim), "down": (shape.dim, shape.hidden_dim),
        "up": (shape.hidden_dim, shape.dim),
    }  # fmt: skip
    return {name: _Part(name, size, shape.layers, group) for name, size in sizes.items()}


def _parts_v0(shape: LlamaShape) -> list[_Part]:
    table, row = (shape.vocabulary, shape.dim), (shape.dim,)
    matrices = _matrices(shape, 0)
    return [
        _Part("embedding", table, 1),
        _Part("attention_norm", row, shape.layers),
        *(matrices[name] for name in ("q", "k", "v", "o")),
        _Part("mlp_norm", row, shape.layers),
        *(matrices[name] for name in ("gate", "down", "up")),
        _Part("final_norm", row, 1),
        # cosines and sines, which follow from theta
        _Part("rope", (shape.context, shape.head_dim // 2), 2),
        *([] if shape.is_tied else [_Part("head", table, 1)]),
    ]


def _parts_with_header(shape: LlamaShape, group: int) -> list[_Part]:
    table, row = (shape.vocabulary, shape.dim), (shape.dim,)
    matrices = _matrices(shape, group)
    return [
        _Part("attention_norm", row, shape.layers),
        _Part("mlp_norm", row, shape.layers),
        _Part("final_norm", row, 1),
        _Part("embedding", table, 1, group),
        *(matrices[name] for name in _LAYER_MATRICES),
        *([] if shape.is_tied else [_Part("head", table, 1, group)]),
    ]


def _size(parts: list[_Part]) -> int:
    return sum(part.size_bytes for part in parts)


def _placed(parts: list[_Part], start: int) -> Iterator[tuple[int, _Part]]:
    for part in parts:
        yield start, part
        start += part.size_bytes


def _tensors(file: FileBytes, start: int, part: _Part) -> list[Array]:
    starts = range(start, start + part.size_bytes, part.tensor_bytes)
    return [_tensor(file, at, part).reshape(part.shape) for at in starts]


def _tensor(file: FileBytes, start: int, part: _Part) -> Array:
    if not part.group:
        return file.floats(start, part.values, part.name)
    integers = file.part(start, part.values, part.name).view(np.int8)
    scales = file.floats(start + part.values, part.values // part.group, part.name)
    with np.errstate(over="ignore", invalid="ignore"):  # damaged scales are found afterwards
        values: Array = integers.reshape(-1, part.group).astype(np.float32) * scales[:, None]
    return values


def _llama(name: str, shape: LlamaShape, tensors: dict[str, list[Array]]) -> Llama:
    layers = tuple(
        LlamaLayer(
            **{
                kind: tensors[kind][index]
                for kind in ("attention_norm", "mlp_norm", *_LAYER_MATRICES)
            }
        )
        for index in range(shape.layers)
    )
    embedding = tensors["embedding"][0]
    head = embedding if shape.is_tied else tensors["head"][0]
    return Llama(name, shape, embedding, layers, tensors["final_norm"][0], head)
