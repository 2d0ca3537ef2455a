"""ELF files for 32-bit RISC-V: what to load, where to start, which symbol an address belongs to.

Source: System V ABI, gABI 4.1, chapters 4 and 5; RISC-V ELF psABI.
"""

import struct
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

from tilewright.errors import ModelError

_RISCV = 243
_PT_LOAD = 1
_SHT_SYMTAB = 2
_STT_NOTYPE, _STT_FUNC = 0, 2


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes to put at an address."""

    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Image:
    """A program. ``functions`` are (start, name), by address; ``symbols`` has every name."""

    entry: int
    segments: tuple[Segment, ...]
    functions: tuple[tuple[int, str], ...] = ()
    symbols: dict[str, int] = field(default_factory=dict[str, int])

    def function_at(self, address: int) -> str:
        """Name and offset of the function that holds the address: ``main+0x12``; or ``?``."""
        index = bisect_right(self.functions, (address, "\U0010ffff")) - 1
        if index < 0 or not self._is_code(address):
            return "?"
        start, name = self.functions[index]
        return f"{name}+0x{address - start:x}" if address != start else name

    def _is_code(self, address: int) -> bool:
        return any(0 <= address - s.address < len(s.data) for s in self.segments)


def read_image(path: Path) -> Image:
    """The program in an ELF file. Raises ModelError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    if data[:4] != b"\x7fELF":
        raise ModelError(f"{path}: not an ELF file")
    if data[4:6] != b"\x01\x01" or struct.unpack_from("<H", data, 18)[0] != _RISCV:
        raise ModelError(f"{path}: not a program for 32-bit RISC-V, little endian")
    try:
        image = _parse(data)
    except (struct.error, IndexError, ValueError):
        raise ModelError(f"{path}: the ELF file is cut off or damaged") from None
    if not image.segments:
        raise ModelError(f"{path}: nothing to load in this ELF file; is it linked?")
    return image


def _parse(data: bytes) -> Image:
    header: tuple[int, ...] = struct.unpack_from("<IIIIHHHHHH", data, 24)
    entry, program_at, section_at = header[0], header[1], header[2]
    segments: list[Segment] = []
    for index in range(header[6]):
        p: tuple[int, ...] = struct.unpack_from("<8I", data, program_at + index * header[5])
        kind, offset, _, address, file_size, memory_size = p[:6]
        if kind == _PT_LOAD and memory_size > 0:
            content = data[offset : offset + file_size]
            segments.append(Segment(address, content + bytes(memory_size - file_size)))
    functions, symbols = _symbols(data, section_at, header[8])
    return Image(entry, tuple(segments), functions, symbols)


def _symbols(
    data: bytes, section_at: int, count: int
) -> tuple[tuple[tuple[int, str], ...], dict[str, int]]:
    sections: list[tuple[int, ...]] = [
        struct.unpack_from("<10I", data, section_at + 40 * i) for i in range(count)
    ]
    functions: dict[int, str] = {}
    symbols: dict[str, int] = {}
    for section in sections:
        if section[1] != _SHT_SYMTAB:
            continue
        names = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 16):
            name_at, value, _, info, _, home = struct.unpack_from("<IIIBBH", data, at)
            start = names + name_at
            name = data[start : data.index(b"\0", start)].decode(errors="replace")
            if not name or name.startswith(("$", ".L")):
                continue
            symbols[name] = value
            is_code = 0 < home < count and sections[home][2] & 4 != 0
            if is_code and info & 15 in (_STT_NOTYPE, _STT_FUNC):
                is_better = info & 15 == _STT_FUNC or value not in functions
                functions[value] = name if is_better else functions[value]
    return tuple(sorted(functions.items())), symbols
