"""A file that may be damaged: every range is compared with the file's size before it is read."""

import struct
from pathlib import Path

import numpy as np

from tilewright.errors import ModelError
from tilewright.ir.types import Array


class FileBytes:
    """The bytes of a file, mapped, not read."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ModelError(f"{path}: no such file")
        self.name = str(path)
        self.size = path.stat().st_size
        self._bytes: Array = np.memmap(path, np.uint8, "r") if self.size else np.empty(0, np.uint8)

    def part(self, start: int, size: int, what: str) -> Array:
        """``size`` bytes from ``start``, as uint8.

        Raises ModelError naming both sizes where the file ends before.
        """
        if start < 0 or size < 0 or start + size > self.size:
            raise ModelError(
                f"{self.name}: {what} takes {size} bytes from byte {start}; the file has "
                f"{self.size} bytes, so it is cut off or damaged"
            )
        return self._bytes[start : start + size]

    def floats(self, start: int, count: int, what: str) -> Array:
        """``count`` little-endian float32 values from byte ``start``, in memory of their own."""
        return np.frombuffer(self.part(start, 4 * count, what).tobytes(), "<f4").astype(np.float32)

    def number(self, layout: str, start: int, what: str) -> int:
        """One little-endian integer by its ``struct`` letter."""
        raw = self.part(start, struct.calcsize("<" + layout), what).tobytes()
        return int(struct.unpack("<" + layout, raw)[0])


class Cursor:
    """Reads a file from front to back."""

    def __init__(self, file: FileBytes, position: int = 0) -> None:
        self.file = file
        self.position = position

    @property
    def left(self) -> int:
        """Bytes between here and the end of the file."""
        return self.file.size - self.position

    def take(self, size: int, what: str) -> bytes:
        """The next ``size`` bytes. Raises ModelError where the file has fewer."""
        raw = self.file.part(self.position, size, what).tobytes()
        self.position += size
        return raw

    def number(self, layout: str, what: str) -> int:
        """The next little-endian integer, by its ``struct`` letter."""
        return int(struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout), what))[0])

    def real(self, layout: str, what: str) -> float:
        """The next little-endian float ("f") or double ("d")."""
        return float(struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout), what))[0])
