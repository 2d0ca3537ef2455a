"""The container safetensors: uint64 size of a JSON header, the header, raw data in row-major order.

Stricter than the format's own package: a key that is there twice is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.ir.types import Array
from tilewright.llm.formats.file_bytes import Cursor, FileBytes
from tilewright.llm.formats.gguf_blocks import bfloat16
from tilewright.llm.formats.json_fields import JsonFields, parse_json

LARGEST_HEADER = 100_000_000
"""Bytes; the limit of the format's own package."""

_DECODERS: Mapping[str, tuple[int, Callable[[Array], Array]]] = {
    "F32": (4, lambda raw: raw.view("<f4").astype(np.float32)),
    "F16": (2, lambda raw: raw.view("<f2").astype(np.float32)),
    "BF16": (2, bfloat16),
}


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """Where a tensor lies: ``start`` in bytes of ``file``."""

    file: FileBytes
    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int

    def decoded(self) -> Array:
        """As float32. Raises UnsupportedError for other types than F32, F16 and BF16."""
        if self.dtype not in _DECODERS:
            raise UnsupportedError(
                f"{self.file.name}: tensor {self.name} is {self.dtype}; F32, F16 and BF16 are read"
            )
        width, decode = _DECODERS[self.dtype]
        raw = self.file.part(self.start, width * prod(self.shape), f"tensor {self.name}")
        values: Array = decode(raw.copy())
        return values.reshape(self.shape)


def read_safetensors(path: Path) -> dict[str, StoredTensor]:
    """All tensors of a file by name.

    Raises ModelError where header and data do not fit each other: every byte after the header
    belongs to exactly one tensor.
    """
    file = FileBytes(path)
    cursor = Cursor(file)
    size = cursor.number("Q", "size of the header")
    if size > LARGEST_HEADER:
        raise ModelError(
            f"{path}: a header of {size} bytes where safetensors allows {LARGEST_HEADER}; is this "
            "a safetensors file?"
        )
    header = parse_json(f"{path}: header", cursor.take(size, "header"))
    found = [
        _tensor(file, header.fields(name), name, cursor.position)
        for name in header.values
        if name != "__metadata__"
    ]
    _check_complete(file, sorted(found, key=lambda pair: pair[0].start), cursor.position)
    return {tensor.name: tensor for tensor, _ in found}


def _tensor(file: FileBytes, fields: JsonFields, name: str, data: int) -> tuple[StoredTensor, int]:
    """A tensor and where it ends."""
    dtype = fields.text("dtype")
    shape, offsets = _integers(fields, "shape"), _integers(fields, "data_offsets")
    if len(offsets) != 2 or offsets[1] < offsets[0]:
        raise ModelError(f"{fields.name}: data_offsets are {list(offsets)}; begin and end are two")
    size = offsets[1] - offsets[0]
    file.part(data + offsets[0], size, f"tensor {name}")
    if dtype in _DECODERS and size != _DECODERS[dtype][0] * prod(shape):
        raise ModelError(
            f"{fields.name}: {dtype}{list(shape)} takes {_DECODERS[dtype][0] * prod(shape)} "
            f"bytes; data_offsets give it {size}"
        )
    return StoredTensor(file, name, dtype, shape, data + offsets[0]), data + offsets[1]


def _integers(fields: JsonFields, key: str) -> tuple[int, ...]:
    items = fields.items(key)
    if len(items) > 8 or not all(
        isinstance(item, int) and not isinstance(item, bool) and 0 <= item < 2**63 for item in items
    ):
        raise ModelError(f"{fields.name}: {key} must be a few whole numbers, 0 or more")
    return tuple(item for item in items if isinstance(item, int))


def _check_complete(file: FileBytes, tensors: list[tuple[StoredTensor, int]], data: int) -> None:
    expected = data
    for tensor, end in tensors:
        if tensor.start != expected:
            raise ModelError(
                f"{file.name}: tensor {tensor.name} begins at byte {tensor.start}; the one before "
                f"ends at byte {expected}"
            )
        expected = end
    if expected != file.size:
        raise ModelError(
            f"{file.name}: the last tensor ends at byte {expected}; the file has {file.size} bytes"
        )
