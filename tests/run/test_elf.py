"""The symbol table reader agrees with what the compiler was told to make."""

import struct
import subprocess
from pathlib import Path

import pytest

from tilewright.errors import ToolError
from tilewright.run import elf
from tilewright.run.compiler import find_compiler

SOURCE = """\
const int table[5] = {1, 2, 3, 4, 5};
static int counter[3];
int next(int i) { return table[i % 5] + counter[i % 3]++; }
extern int elsewhere;
int read(void) { return elsewhere; }
"""


def test_functions_and_arrays_have_their_sizes_and_undefined_names_are_left_out(
    tmp_path: Path,
) -> None:
    try:
        compiler = find_compiler()
    except ToolError as missing:
        pytest.skip(str(missing))
    (tmp_path / "a.c").write_text(SOURCE)
    subprocess.run([*compiler.command, "-c", "a.c", "-o", "a.o"], cwd=tmp_path, check=True)
    found = elf.symbols(tmp_path / "a.o")
    if found is None:
        pytest.skip("this system's object files are no ELF files")
    by_name = {symbol.name: symbol for symbol in found}
    assert by_name.keys() == {"table", "counter", "next", "read"}
    assert (by_name["table"].size, by_name["table"].is_writable) == (20, False)
    assert (by_name["counter"].size, by_name["counter"].is_writable) == (12, True)
    assert by_name["next"].is_function
    assert by_name["next"].size > 0


def test_a_32_bit_big_endian_file_is_read_too(tmp_path: Path) -> None:
    names = b"\0weights\0"
    header_bytes, section_bytes = 52, 40
    names_at = header_bytes
    symbols_at = names_at + len(names)
    symbol = struct.pack(">IIIBBH", 1, 0, 48, elf.STT_OBJECT, 0, 1)
    sections_at = symbols_at + len(symbol)
    header = b"\x7fELF\x01\x02\x01" + bytes(9)
    header += struct.pack(">HHI", 1, 8, 1)
    header += struct.pack(
        ">IIIIHHHHHH", 0, 0, sections_at, 0, header_bytes, 0, 0, section_bytes, 4, 0
    )
    sections = (
        (0,) * 10,
        (0, 1, 2, 0, 0, 48, 0, 0, 4, 0),
        (0, elf.SHT_SYMTAB, 0, 0, symbols_at, len(symbol), 3, 0, 4, len(symbol)),
        (0, 3, 0, 0, names_at, len(names), 0, 0, 1, 0),
    )
    table = b"".join(struct.pack(">IIIIIIIIII", *section) for section in sections)
    (tmp_path / "b.o").write_bytes(header + names + symbol + table)
    assert elf.symbols(tmp_path / "b.o") == (elf.Symbol("weights", 48, False, False),)


def test_other_files_are_none(tmp_path: Path) -> None:
    (tmp_path / "c.o").write_bytes(b"\xcf\xfa\xed\xfe and more")
    assert elf.symbols(tmp_path / "c.o") is None
