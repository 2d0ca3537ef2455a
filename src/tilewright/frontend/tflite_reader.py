"""Typed, bounds-checked reading of FlatBuffers tables.

Accessors that a schema compiler generates trust every offset, and in Python a negative one wraps
around silently. A model file may come from anywhere, so each read here is checked against the
file's size, and a vector can never be longer than the file.

Source: FlatBuffers internals (the wire format), https://flatbuffers.dev/internals.
"""

import struct
from dataclasses import dataclass

import numpy as np

from tilewright.errors import ModelError
from tilewright.ir.types import Array

_NUMBERS = {
    "int8": ("<b", 1),
    "uint8": ("<B", 1),
    "uint16": ("<H", 2),
    "int32": ("<i", 4),
    "uint32": ("<I", 4),
    "int64": ("<q", 8),
    "uint64": ("<Q", 8),
}


@dataclass(frozen=True, slots=True)
class Bytes:
    """A file's contents and the name that messages use for it."""

    name: str
    data: bytes

    def slice(self, start: int, size: int) -> bytes:
        """Bytes [start, start + size). Raises ModelError where they leave the file."""
        if start < 0 or size < 0 or start + size > len(self.data):
            raise ModelError(
                f"{self.name}: damaged: an offset points at bytes {start} to {start + size}, the "
                f"file has {len(self.data)}; get the file again"
            )
        return self.data[start : start + size]

    def integer(self, kind: str, position: int) -> int:
        """One little-endian integer."""
        form, size = _NUMBERS[kind]
        (number,) = struct.unpack(form, self.slice(position, size))
        return int(number)

    def root(self, identifier: bytes) -> "Table":
        """The outermost table. Raises ModelError where the identifier is another one."""
        if self.data[4:8] != identifier:
            raise ModelError(
                f"{self.name}: not a {identifier.decode()} FlatBuffers file: bytes 4 to 8 are "
                f"{self.data[4:8]!r}; is this a .tflite file at all?"
            )
        return Table(self, self.integer("uint32", 0))


@dataclass(frozen=True, slots=True)
class Table:
    """One table; fields are asked for by their slot, the position in the schema's declaration."""

    file: Bytes
    position: int

    def _field(self, slot: int) -> int | None:
        """Where a field lies; None where the file leaves it at its default."""
        vtable = self.position - self.file.integer("int32", self.position)
        entry = 4 + 2 * slot
        if entry + 2 > self.file.integer("uint16", vtable):
            return None
        offset = self.file.integer("uint16", vtable + entry)
        return self.position + offset if offset else None

    def _target(self, slot: int) -> int | None:
        """Where the object lies that an offset field points at."""
        field = self._field(slot)
        return None if field is None else field + self.file.integer("uint32", field)

    def integer(self, slot: int, kind: str, default: int = 0) -> int:
        """A number of type ``kind``."""
        field = self._field(slot)
        return default if field is None else self.file.integer(kind, field)

    def real(self, slot: int, default: float = 0.0) -> float:
        """A float32."""
        field = self._field(slot)
        if field is None:
            return default
        (number,) = struct.unpack("<f", self.file.slice(field, 4))
        return float(number)

    def flag(self, slot: int) -> bool:
        """A boolean; False by default."""
        return self.integer(slot, "uint8") != 0

    def text(self, slot: int) -> str:
        """A string; bytes that are no UTF-8 are replaced, a missing string is empty."""
        target = self._target(slot)
        if target is None:
            return ""
        size = self.file.integer("uint32", target)
        return self.file.slice(target + 4, size).decode("utf-8", "replace")

    def table(self, slot: int) -> "Table | None":
        """A nested table."""
        target = self._target(slot)
        return None if target is None else Table(self.file, target)

    def tables(self, slot: int) -> tuple["Table", ...]:
        """A vector of tables; empty where missing."""
        target = self._target(slot)
        if target is None:
            return ()
        size = self.file.integer("uint32", target)
        self.file.slice(target + 4, 4 * size)
        places = range(target + 4, target + 4 + 4 * size, 4)
        return tuple(Table(self.file, at + self.file.integer("uint32", at)) for at in places)

    def array(self, slot: int, dtype: str) -> Array | None:
        """A vector of numbers as a read-only array of little-endian ``dtype``; None if missing."""
        target = self._target(slot)
        if target is None:
            return None
        element = np.dtype(dtype).newbyteorder("<")
        size = self.file.integer("uint32", target) * element.itemsize
        return np.frombuffer(self.file.slice(target + 4, size), element)

    def integers(self, slot: int, dtype: str = "int32") -> tuple[int, ...]:
        """A vector of integers; empty where missing."""
        found = self.array(slot, dtype)
        return () if found is None else tuple(int(n) for n in found)
