"""XpulpV2: every ALU encoding of the tables against plain Python, edge and random operands."""

import random
import struct
from pathlib import Path

import pytest

from run.sim.programs import (
    DATA,
    EVERYTHING,
    ROWS,
    encode_i,
    encode_r,
    encode_s,
    load_constant,
    machine_with,
    rows_of,
    run_words,
)  # fmt: skip
from run.sim.xpulp_definitions import define
from tilewright.run.sim.isa_table import read_rows
from tilewright.run.sim.simulator import Outcome

EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
         0x80808080, 0x7F7F7F7F, 0x80008000, 0x7FFF7FFF, 0x01020304, 0xFEDCBA98)  # fmt: skip
ALU = [row.name for row in rows_of("xpulp") if row.timing == "alu"]
CASES = 48
TSV = Path(__file__).parents[4] / "shared" / "facts" / "xpulp_encodings.tsv"


def cases(seed: str) -> list[tuple[int, int, int, int, int]]:
    rng = random.Random(seed)

    def operand() -> int:
        return rng.choice(EDGES) if rng.random() < 0.5 else rng.getrandbits(32)

    return [
        (operand(), operand(), operand(), rng.getrandbits(5), rng.getrandbits(5))
        for _ in range(CASES)
    ]


def encoding(name: str, i: int, k: int) -> int:
    """The instruction on a0, a1, a2 with its small immediates i (bits 24:20) and k (29:25)."""
    row = ROWS[name]
    word = row.match | 12 << 7 | 10 << 15
    match row.form:
        case "R":
            return word | 11 << 20
        case "RRI":
            return word | 11 << 20 | k << 25
        case "RI":
            return word | i << 20
        case "RII":
            return word | i << 20 | k << 25
        case "VS" | "VU":
            return word | i << 20 | (k & 1) << 25
        case _:
            return word


def expected(name: str, case: tuple[int, int, int, int, int]) -> int:
    a, b, d, i, k = case
    small = i << 1 | k & 1 if ROWS[name].form in ("VS", "VU") else i
    return define(name, a, b, d, small, k)


@pytest.mark.parametrize("group", range(8))
def test_every_alu_instruction_equals_its_definition(group: int):
    names = ALU[group::8]
    words = load_constant(5, DATA)
    data = b""
    for name in names:
        for case in cases(name):
            words += [encode_i("lw", 10 + r, 5, 4 * r) for r in range(3)]
            words += [encoding(name, case[3], case[4]), encode_s("sw", 12, 5, 12)]
            words += [encode_i("addi", 5, 5, 16)]
            data += struct.pack("<4I", *case[:3], 0)
    sim = run_words(words, machine_with(*EVERYTHING), data)
    assert sim.value(2) == 0
    at = DATA
    for name in names:
        for case in cases(name):
            got = int.from_bytes(sim.read(at + 12, 4), "little")
            assert got == expected(name, case), (name, [hex(v) for v in case], hex(got))
            at += 16


def memory_cases() -> list[str]:
    return [row.name for row in rows_of("xpulp") if row.timing in ("load", "store")]


@pytest.mark.parametrize("name", memory_cases())
def test_memory_accesses_move_data_and_the_base(name: str):
    row = ROWS[name]
    kind, mode = name.split(".")[1:]
    size = {"b": 1, "h": 2, "w": 4}[kind[1]]
    post, by_register = mode != "rr", mode != "ri"
    step = 0x10
    words = [*load_constant(5, DATA + 0x40), *load_constant(6, step), *load_constant(7, 0x89ABCDEF)]
    if row.timing == "load" and by_register:
        words.append(encode_r(name, 28, 5, 6))
    elif row.timing == "load":
        words.append(encode_i(name, 28, 5, step))
    elif by_register:
        words.append(row.match | 6 << 7 | 5 << 15 | 7 << 20)
    else:
        words.append(encode_s(name, 7, 5, step))
    data = bytes((17 * n + 0x91) & 0xFF for n in range(256))
    sim = run_words(words, machine_with(*EVERYTHING), data)
    address = 0x40 if post else 0x40 + step
    if row.timing == "load":
        value = int.from_bytes(data[address : address + size], "little", signed="u" not in kind)
        assert sim.register(0, 28) == value & 0xFFFFFFFF
    else:
        assert sim.read(DATA + address, size) == (0x89ABCDEF).to_bytes(4, "little")[:size]
    assert sim.register(0, 5) == DATA + 0x40 + (step if post else 0)


@pytest.mark.parametrize(("count", "rounds"), [(0, 1), (1, 1), (2, 2), (10, 10)])
def test_a_hardware_loop_runs_its_body_count_times(count: int, rounds: int):
    setup = ROWS["lp.setupi"].match | 3 << 15 | count << 20  # ends at pc + 6: the second halfword
    words = [setup & ~(31 << 15) | 4 << 15, encode_i("addi", 6, 6, 1), encode_i("addi", 7, 7, 2)]
    sim = run_words(words, machine_with(*EVERYTHING))
    assert (sim.register(0, 6), sim.register(0, 7)) == (rounds, 2 * rounds)


def test_loops_nest_and_may_end_on_one_instruction():
    words = [
        ROWS["lp.setupi"].match | 1 << 7 | 6 << 15 | 3 << 20,  # outer: 3 times, ends at pc + 12
        ROWS["lp.setupi"].match | 4 << 15 | 5 << 20,  # inner: 5 times, ends at pc + 8
        encode_i("addi", 6, 6, 1),
        encode_i("addi", 7, 7, 1),
    ]
    sim = run_words(words, machine_with(*EVERYTHING))
    assert sim.register(0, 7) == 15


@pytest.mark.parametrize(("value", "immediate"), [(5, 5), (5, 6), (-3, -3), (-3, 3)])
@pytest.mark.parametrize("name", ["p.beqimm", "p.bneimm"])
def test_branches_on_immediates(name: str, value: int, immediate: int):
    branch = ROWS[name].match | 5 << 15 | (immediate & 31) << 20 | 8 << 7  # to pc + 8
    words = [encode_i("addi", 5, 0, value), branch, encode_i("addi", 6, 0, 1)]
    sim = run_words(words, machine_with(*EVERYTHING))
    is_taken = (value == immediate) == (name == "p.beqimm")
    assert sim.register(0, 6) == (0 if is_taken else 1)


def test_a_core_without_xpulp_refuses_it():
    sim = run_words([encoding("p.mac", 0, 0)], machine_with("i", "m", "c"))
    assert sim.run() is Outcome.FAULTED


@pytest.mark.skipif(not TSV.exists(), reason=f"{TSV} is not there")
def test_the_table_has_every_encoding_of_the_machine():
    ours = {(row.match, row.mask) for row in read_rows()}
    lines = [line.split("\t") for line in TSV.read_text().splitlines()[1:]]
    wanted = [(f[2], int(f[4], 16), int(f[5], 16)) for f in lines if f[0] == "PulpV2"]
    assert len(wanted) > 300
    missing = [name for name, match, mask in wanted if (match, mask) not in ours]
    assert missing == []
