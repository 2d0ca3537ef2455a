"""The symbol table of ELF files: which function or array takes how many bytes, says the linker.

Source: System V ABI, gABI 4.1, chapter 4 (object files), both classes, both byte orders.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHT_SYMTAB = 2
STT_OBJECT, STT_FUNC = 1, 2
SHF_WRITE = 1


@dataclass(frozen=True, slots=True)
class Symbol:
    """One defined function or variable. Size in bytes; the address is 0 in object files."""

    name: str
    size: int
    is_function: bool
    is_writable: bool
    address: int = 0


@dataclass(frozen=True, slots=True)
class _Section:
    name_at: int
    kind: int
    flags: int
    offset: int
    size: int
    link: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """How one class of files stores things: struct formats, and which field of a symbol is what."""

    header: str
    section: str
    symbol: str
    value_at: int
    size_at: int
    info_at: int
    home_at: int


# EI_CLASS → layout. A symbol is (name, value, size, info, other, shndx) in 32-bit files,
# (name, info, other, shndx, value, size) in 64-bit files.
_LAYOUTS = {
    1: _Layout("IIIIHHHHHH", "IIIIIIIIII", "IIIBBH", 1, 2, 3, 5),
    2: _Layout("QQQIHHHHHH", "IIQQQQIIQQ", "IBBHQQ", 4, 5, 1, 3),
}
_AFTER_VERSION = 24
_NAMES_SECTION = 9
"""Header field, counted from after the version: index of the section with sections' names."""


def symbols(path: Path) -> tuple[Symbol, ...] | None:
    """Functions and variables that the file defines; None where it is no ELF file."""
    data = path.read_bytes()
    if data[:4] != b"\x7fELF":
        return None
    layout = _LAYOUTS[data[4]]
    order = "<" if data[5] == 1 else ">"
    return tuple(_symbols(data, layout, order, _sections(data, layout, order)))


def section_sizes(path: Path) -> dict[str, int]:
    """Section → bytes, those that only take place at run time included. Raises ValueError."""
    data = path.read_bytes()
    if data[:4] != b"\x7fELF":
        raise ValueError(f"{path}: no ELF file")
    layout = _LAYOUTS[data[4]]
    order = "<" if data[5] == 1 else ">"
    sections = _sections(data, layout, order)
    header: tuple[int, ...] = struct.unpack_from(order + layout.header, data, _AFTER_VERSION)
    names = sections[header[_NAMES_SECTION]]
    return {_text(data, names.offset + s.name_at): s.size for s in sections}


def _text(data: bytes, start: int) -> str:
    return data[start : data.index(b"\0", start)].decode(errors="replace")


def _sections(data: bytes, layout: _Layout, order: str) -> list[_Section]:
    header = struct.unpack_from(order + layout.header, data, _AFTER_VERSION)
    table_at, entry_size, entries = header[2], header[7], header[8]
    found: list[_Section] = []
    for index in range(entries):
        at = table_at + index * entry_size
        raw: tuple[int, ...] = struct.unpack_from(order + layout.section, data, at)
        found.append(_Section(raw[0], raw[1], raw[2], raw[4], raw[5], raw[6]))
    return found


def _symbols(
    data: bytes, layout: _Layout, order: str, sections: list[_Section]
) -> Iterator[Symbol]:
    form = order + layout.symbol
    width = struct.calcsize(form)
    for table in (s for s in sections if s.kind == SHT_SYMTAB):
        names = sections[table.link]
        for at in range(table.offset, table.offset + table.size, width):
            raw: tuple[int, ...] = struct.unpack_from(form, data, at)
            kind, home = raw[layout.info_at] & 15, raw[layout.home_at]
            if kind in (STT_OBJECT, STT_FUNC) and 0 < home < len(sections):
                name = _text(data, names.offset + raw[0])
                is_writable = bool(sections[home].flags & SHF_WRITE)
                size, address = raw[layout.size_at], raw[layout.value_at]
                yield Symbol(name, size, kind == STT_FUNC, is_writable, address)
