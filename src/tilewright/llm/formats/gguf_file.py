"""The container GGUF, versions 2 and 3: keys with values, then tensors, little-endian.

Nothing that the file says about itself is believed before it has been compared with the file's
size: counts and lengths are 64-bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.ir.types import Array
from tilewright.llm.formats.file_bytes import Cursor, FileBytes
from tilewright.llm.formats.gguf_blocks import BLOCK_FORMATS

MAGIC = b"GGUF"

GgufValue = int | float | bool | bytes | tuple[bytes, ...] | Array
"""Arrays of numbers are numpy arrays, arrays of strings tuples; other arrays are not kept."""

_INTEGERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 10: "Q", 11: "q"}
_REALS = {6: "f", 12: "d"}
_BOOL, _STRING, _ARRAY = 7, 8, 9
_ELEMENTS = {
    0: "u1", 1: "i1", 2: "<u2", 3: "<i2", 4: "<u4", 5: "<i4", 6: "<f4", 7: "u1", 10: "<u8",
    11: "<i8", 12: "<f8",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """Where a tensor lies. ``shape`` outermost first; ``start`` in bytes of the file."""

    name: str
    shape: tuple[int, ...]
    kind: int
    start: int

    @property
    def size_bytes(self) -> int:
        """Bytes in the file; rows are whole blocks."""
        form = BLOCK_FORMATS[self.kind]
        return prod(self.shape) // form.values * form.size_bytes


@dataclass(frozen=True, slots=True)
class GgufFile:
    """What the header says; tensors are decoded one by one."""

    file: FileBytes
    keys: Mapping[str, GgufValue]
    tensors: Mapping[str, GgufTensor]

    def decoded(self, name: str) -> Array:
        """The tensor as float32."""
        tensor = self.tensors[name]
        form = BLOCK_FORMATS[tensor.kind]
        raw = self.file.part(tensor.start, tensor.size_bytes, f"tensor {name}")
        with np.errstate(over="ignore", invalid="ignore"):  # damaged scales are found afterwards
            values: Array = form.decode(raw.reshape(-1, form.size_bytes))
        return values.reshape(tensor.shape)


def is_gguf(path: Path) -> bool:
    """Whether it is a file that can be read, and begins as GGUF does."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read_gguf_file(path: Path) -> GgufFile:
    """The keys and the places of all tensors.

    Raises ModelError for anything that does not fit into the file, UnsupportedError for a number
    format that is not read.
    """
    file = FileBytes(path)
    cursor = Cursor(file)
    if cursor.take(4, "magic number") != MAGIC:
        raise ModelError(f"{path}: this is no GGUF file: it does not begin with the bytes GGUF")
    version = cursor.number("I", "version")
    if version not in (2, 3):
        big = int.from_bytes(version.to_bytes(4, "big"), "little") in (2, 3)
        why = "is stored with the most significant byte first" if big else f"has version {version}"
        raise ModelError(f"{path}: this GGUF file {why}; versions 2 and 3, little-endian, are read")
    tensor_count = cursor.number("Q", "count of tensors")
    key_count = cursor.number("Q", "count of keys")
    _check_count(cursor, key_count, 13, "keys")
    keys: dict[str, GgufValue] = {}
    for _ in range(key_count):
        name = _text(cursor, "key")
        if name in keys:
            raise ModelError(f"{path}: key {name} is there twice")
        value = _value(cursor, cursor.number("I", f"type of {name}"), name)
        if value is not None:
            keys[name] = value
    _check_count(cursor, tensor_count, 32, "tensors")
    found = [_tensor_info(cursor) for _ in range(tensor_count)]
    return GgufFile(file, keys, _placed(file, keys, found, cursor.position))


def _check_count(cursor: Cursor, count: int, least_bytes: int, what: str) -> None:
    """Before anything is done ``count`` times, each of which takes bytes of the file."""
    if count * least_bytes > cursor.left:
        raise ModelError(
            f"{cursor.file.name}: {count} {what} take at least {count * least_bytes} bytes from "
            f"byte {cursor.position}; the file has {cursor.file.size} bytes, so it is cut off or "
            "damaged"
        )


def _text(cursor: Cursor, what: str) -> str:
    raw = cursor.take(cursor.number("Q", f"length of a {what}"), what)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"{cursor.file.name}: the name {raw[:64]!r} is not UTF-8") from error


def _value(cursor: Cursor, kind: int, name: str) -> GgufValue | None:
    if kind in _INTEGERS:
        return cursor.number(_INTEGERS[kind], name)
    if kind in _REALS:
        return cursor.real(_REALS[kind], name)
    if kind == _BOOL:
        return cursor.number("B", name) != 0
    if kind == _STRING:
        return cursor.take(cursor.number("Q", f"length of {name}"), name)
    if kind != _ARRAY:
        raise ModelError(
            f"{cursor.file.name}: key {name} has type {kind}, which GGUF does not have"
        )
    element = cursor.number("I", f"element type of {name}")
    count = cursor.number("Q", f"count of {name}")
    if element in _ELEMENTS:
        layout = np.dtype(_ELEMENTS[element])
        _check_count(cursor, count, layout.itemsize, f"values of {name}")
        return np.frombuffer(cursor.take(count * layout.itemsize, name), layout)
    if element == _STRING:
        _check_count(cursor, count, 8, f"strings of {name}")
        return tuple(cursor.take(cursor.number("Q", name), name) for _ in range(count))
    raise ModelError(
        f"{cursor.file.name}: key {name} is an array of type {element}; arrays of numbers and of "
        "strings are read"
    )


def _tensor_info(cursor: Cursor) -> GgufTensor:
    name = _text(cursor, "tensor name")
    dimensions = cursor.number("I", f"dimensions of {name}")
    if not 1 <= dimensions <= 4:
        raise ModelError(
            f"{cursor.file.name}: tensor {name} has {dimensions} dimensions; GGUF allows 1 to 4"
        )
    extents = [cursor.number("Q", f"shape of {name}") for _ in range(dimensions)]
    kind = cursor.number("I", f"type of {name}")
    start = cursor.number("Q", f"offset of {name}")
    return GgufTensor(name, tuple(reversed(extents)), kind, start)


def _placed(
    file: FileBytes, keys: Mapping[str, GgufValue], found: list[GgufTensor], header_end: int
) -> dict[str, GgufTensor]:
    alignment = keys.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1 or alignment > 2**20:
        raise ModelError(f"{file.name}: general.alignment is {alignment!r}; 32 is usual")
    data = -(-header_end // alignment) * alignment
    placed: dict[str, GgufTensor] = {}
    for tensor in found:
        if tensor.name in placed:
            raise ModelError(f"{file.name}: tensor {tensor.name} is there twice")
        if tensor.kind not in BLOCK_FORMATS:
            names = ", ".join(form.name for form in BLOCK_FORMATS.values())
            raise UnsupportedError(
                f"{file.name}: tensor {tensor.name} has number format {tensor.kind}; read are "
                f"{names}. Convert the file to one of them"
            )
        form = BLOCK_FORMATS[tensor.kind]
        if tensor.shape[-1] % form.values or 0 in tensor.shape:
            raise ModelError(
                f"{file.name}: tensor {tensor.name} is {list(tensor.shape)}; rows in {form.name} "
                f"are multiples of {form.values}"
            )
        moved = GgufTensor(tensor.name, tensor.shape, tensor.kind, data + tensor.start)
        file.part(moved.start, moved.size_bytes, f"tensor {tensor.name}")
        placed[tensor.name] = moved
    _check_apart(file, sorted(placed.values(), key=lambda tensor: tensor.start))
    return placed


def _check_apart(file: FileBytes, tensors: list[GgufTensor]) -> None:
    for before, after in pairwise(tensors):
        if before.start + before.size_bytes > after.start:
            raise ModelError(
                f"{file.name}: tensor {after.name} begins at byte {after.start}, inside tensor "
                f"{before.name}, which ends at byte {before.start + before.size_bytes}"
            )
