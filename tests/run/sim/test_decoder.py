"""Decoder: every row is found again from its own words, with the operands that went in."""

import random

import pytest

from run.sim.programs import EVERYTHING, ROWS
from tilewright.run.sim.isa_format import read_formats
from tilewright.run.sim.isa_table import EXTENSIONS, Row, read_rows
from tilewright.run.sim.library import load_core

SNITCH = ("i", "m", "a", "f", "d", "c", "xssr", "xfrep", "xdma")
ALL = sum(EXTENSIONS[e] for e in EVERYTHING)
ORDER = read_rows()


def words_of(row: Row, count: int) -> list[int]:
    """Random words that match the row's pattern."""
    rng = random.Random(row.name)
    free = ((1 << 16 * row.size) - 1) & ~row.mask
    return [row.match | rng.getrandbits(16 * row.size) & free for _ in range(count)]


def family_of(extension: str) -> tuple[str, ...]:
    """Extensions that a core may have together with this one: two families share opcodes."""
    return SNITCH if extension in ("d", "xssr", "xfrep", "xdma") else EVERYTHING


def bits_of(extensions: tuple[str, ...]) -> int:
    return sum(EXTENSIONS[e] for e in extensions)


def first_match(word: int, size: int, family: tuple[str, ...]) -> Row:
    """What the tables say the word is: the most specific pattern."""
    found = [
        r
        for r in ROWS.values()
        if r.extension in family and r.size == size and word & r.mask == r.match
    ]
    return max(found, key=lambda r: r.mask.bit_count())


@pytest.mark.parametrize("extension", sorted(EXTENSIONS))
def test_every_encoding_is_decoded_as_its_row(extension: str):
    core = load_core()
    family = family_of(extension)
    for row in (r for r in ROWS.values() if r.extension == extension):
        found = 0
        for word in words_of(row, 10):
            index = core.tw_row_of(word, bits_of(family))
            if index >= 0:  # else a reserved operand
                assert ORDER[index].name == first_match(word, row.size, family).name, hex(word)
                found += ORDER[index].name == row.name
        assert found > 0, row.name


@pytest.mark.parametrize("extension", sorted(EXTENSIONS))
def test_an_extension_that_is_absent_is_not_decoded(extension: str):
    core = load_core()
    for row in (r for r in ROWS.values() if r.extension == extension):
        for word in words_of(row, 4):
            index = core.tw_row_of(word, bits_of(family_of(extension)) & ~EXTENSIONS[extension])
            assert index < 0 or ORDER[index].extension != extension


def test_patterns_differ():
    assert len({(row.match, row.mask, row.size) for row in ORDER}) == len(ORDER)


# Register and immediate fields by format, read from the word here and by the decoder there.
FIELDS = {
    "R": (("rd", 7, 5), ("rs1", 15, 5), ("rs2", 20, 5)),
    "I": (("rd", 7, 5), ("rs1", 15, 5), ("imm", 20, -12)),
    "L": (("rd", 7, 5), ("rs1", 15, 5), ("imm", 20, -12)),
    "LPOST": (("rd", 7, 5), ("rs1", 15, 5), ("imm", 20, -12)),
    "SRPOST": (("rs1", 15, 5), ("rs2", 20, 5), ("rs3", 7, 5)),
    "U": (("rd", 7, 5), ("imm", 12, 0)),
    "RRI": (("rd", 7, 5), ("rs1", 15, 5), ("rs2", 20, 5), ("imm", 25, 5)),
    "CI": (("rd", 7, 5), ("rs1", 7, 5)),
    "CADD": (("rd", 7, 5), ("rs1", 7, 5), ("rs2", 2, 5)),
}
OPERANDS = ("rd", "rs1", "rs2", "rs3", "imm")
SINK = 32


@pytest.mark.parametrize("form", sorted(FIELDS))
def test_operands_are_where_the_format_says(form: str):
    core = load_core()
    own = [r for r in ROWS.values() if r.form == form and r.extension in EVERYTHING]
    for row in (r for r in own if not r.uses("old")):
        for word in words_of(row, 20):
            if ORDER[core.tw_row_of(word, ALL)].name != row.name:
                continue
            for operand, low, width in FIELDS[form]:
                value = word >> low & (1 << abs(width)) - 1
                if width < 0 and value >> (-width - 1):
                    value -= 1 << -width
                if width == 0:
                    value = (word & 0xFFFFF000) - (1 << 32 if word >> 31 else 0)
                if operand == "rd" and value == 0:
                    value = SINK
                got = core.tw_operand_of(word, ALL, OPERANDS.index(operand))
                assert got == value, (row.name, hex(word), operand)


def test_formats_and_rows_belong_together():
    forms = read_formats()
    used = {row.form for row in ORDER}
    assert used <= set(forms)
    assert set(forms) - used == set()


def test_disassembly_reads_like_assembly():
    from run.sim.programs import image_of, machine_with
    from tilewright.run.sim.simulator import Simulator

    sim = Simulator(machine_with(*EVERYTHING))
    sim.load(image_of([0xFE0FACE3, 0x0045258B, 0xB87312D7, 0x0000000F, 0xFFFFFFFF]))
    text = [" ".join(sim.disassemble(0, 0x8000_0000 + 4 * i).split()) for i in range(5)]
    assert text == [
        "p.beqimm t6, 0, 0x7ffffff8", "p.lw.ri a1, 4(a0!)", "pv.sdotsp.b t0, t1, t2", "fence",
        ".word 0xffffffff",
    ]  # fmt: skip
