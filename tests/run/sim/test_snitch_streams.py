"""Stream registers and repetition against plain definitions: address sequences, unrolled code."""

import random
import struct
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from run.sim.programs import ROWS, encode_i, load_constant
from run.sim.snitch_programs import (
    READ,
    STREAMS_OFF,
    STREAMS_ON,
    TCDM,
    TIMINGS,
    WRITE,
    configure,
    encode_f,
    one_core,
    repeat,
    run,
)  # fmt: skip
from tilewright.run.sim.elf_image import Segment

ENCODINGS = Path(__file__).parents[4] / "shared" / "facts" / "snitch_encodings.tsv"
SOURCE, TARGET = TCDM, TCDM + 0x8000
WORDS = 2048
COUNT = 10  # x10 holds iterations - 1


@dataclass(frozen=True)
class Loops:
    """A stream's loops, the innermost first: counts, and pitches in bytes."""

    counts: tuple[int, ...]
    pitches: tuple[int, ...]
    uses: int = 1

    def addresses(self, start: int) -> list[int]:
        """What the stream touches, in order. The definition."""
        outermost_first = [range(n) for n in reversed(self.counts)]
        return [
            start + sum(i * pitch for i, pitch in zip(reversed(index), self.pitches, strict=True))
            for index in product(*outermost_first)
            for _ in range(self.uses)
        ]

    def code(self, stream: int, start_register: int, start: int) -> list[int]:
        """Configuration: the register of a stride holds what is added when that loop advances."""
        words = configure(stream, 1, self.uses - 1)
        walked = 0
        for loop, (count, pitch) in enumerate(zip(self.counts, self.pitches, strict=True)):
            words += configure(stream, 2 + loop, count - 1)
            words += configure(stream, 6 + loop, pitch - walked)
            walked += pitch * (count - 1)
        return [*words, *configure(stream, start_register + len(self.counts) - 1, start)]


def random_loops(rng: random.Random, uses: int) -> Loops:
    counts = tuple(rng.randint(1, 5) for _ in range(rng.randint(1, 4)))
    return Loops(counts, tuple(8 * rng.randint(0, 12) for _ in counts), uses)


def distinct_loops(total: int) -> Loops:
    """Loops that touch `total` words once each, not in order of addresses."""
    for inner in (5, 4, 3, 2):
        if total % inner == 0:
            return Loops((inner, total // inner), (8 * (total // inner), 8))
    return Loops((total,), (8,))


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("seed", range(12))
def test_a_copy_through_streams_moves_what_the_loops_say(timing: str, seed: int):
    rng = random.Random(seed)
    reads = random_loops(rng, uses=rng.choice((1, 1, 2, 3, 16)))
    taken = reads.addresses(SOURCE)
    writes = distinct_loops(len(taken))
    data = [rng.getrandbits(64) for _ in range(WORDS)]
    words = [
        *reads.code(0, READ, SOURCE), *writes.code(2, WRITE, TARGET), STREAMS_ON,
        *load_constant(COUNT, len(taken) - 1), repeat(COUNT, 1, outer=True),
        encode_f("fsgnj.d", 2, 0, 0), STREAMS_OFF,
    ]  # fmt: skip
    sim = run(one_core(timing), words, Segment(SOURCE, struct.pack(f"<{WORDS}Q", *data)))
    expected = {
        to: data[(at - SOURCE) // 8] for to, at in zip(writes.addresses(TARGET), taken, strict=True)
    }
    got = {to: int.from_bytes(sim.read(to, 8), "little") for to in expected}
    assert got == expected


@pytest.mark.parametrize("timing", TIMINGS)
def test_a_second_start_is_queued_behind_the_stream_at_work(timing: str):
    first, second = Loops((4,), (8,)), Loops((3,), (16,))
    data = list(range(100, 100 + WORDS))
    segment = Segment(SOURCE, struct.pack(f"<{WORDS}Q", *data))
    order = [
        *Loops((7,), (8,)).code(2, WRITE, TARGET), *first.code(0, READ, SOURCE),
        *second.code(0, READ, SOURCE + 64), STREAMS_ON, encode_i("addi", COUNT, 0, 6),
        repeat(COUNT, 1, outer=True), encode_f("fsgnj.d", 2, 0, 0), STREAMS_OFF,
    ]  # fmt: skip
    sim = run(one_core(timing), order, segment)
    assert struct.unpack("<7Q", sim.read(TARGET, 56)) == (100, 101, 102, 103, 108, 110, 112)


OPERATIONS = {
    "fadd.d": lambda a, b: a + b,
    "fsub.d": lambda a, b: a - b,
    "fmul.d": lambda a, b: a * b,
    "fsgnj.d": lambda a, b: abs(a) if b >= 0 else -abs(a),
    "fmin.d": min,
    "fmax.d": max,
}
FIRST, LAST = 4, 19  # registers that take part; staggering reaches four further


def unrolled(body: list[tuple[str, int, int, int]], iterations: int, *, outer: bool, largest: int,
             mask: int) -> list[tuple[str, int, int, int]]:  # fmt: skip
    """The instructions that a repetition stands for. The definition."""

    def turn(instruction: tuple[str, int, int, int], iteration: int) -> tuple[str, int, int, int]:
        more = iteration % (largest + 1)
        name, *registers = instruction
        moved = [r + (more if mask >> i & 1 else 0) for i, r in enumerate(registers)]
        return (name, moved[0], moved[1], moved[2])

    if outer:
        return [turn(i, n) for n in range(iterations) for i in body]
    return [turn(i, n) for i in body for n in range(iterations)]


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("seed", range(16))
def test_a_repetition_does_what_its_unrolled_code_does(timing: str, seed: int):
    rng = random.Random(seed)
    outer, largest, mask = rng.random() < 0.5, rng.randint(0, 4), rng.randrange(8)
    body = [
        (rng.choice(sorted(OPERATIONS)), *(rng.randint(FIRST, LAST) for _ in range(3)))
        for _ in range(rng.randint(1, 12))
    ]
    iterations = rng.randint(1, 6)
    values = [rng.uniform(-2, 2) for _ in range(32)]
    words = [*load_constant(28, SOURCE)]
    words += [encode_i("fld", f, 28, 8 * f) for f in range(32)]
    words += [encode_i("addi", COUNT, 0, iterations - 1)]
    words += [repeat(COUNT, len(body), outer=outer, largest=largest, mask=mask)]
    words += [encode_f(*instruction) for instruction in body]
    # What the core does beside it goes on; so does what comes behind.
    words += [encode_i("addi", 12, 12, 1)] * 4 + [encode_f("fadd.d", 3, 4, 5)]
    sim = run(one_core(timing), words, Segment(SOURCE, struct.pack("<32d", *values)))
    for name, rd, rs1, rs2 in unrolled(body, iterations, outer=outer, largest=largest, mask=mask):
        values[rd] = OPERATIONS[name](values[rs1], values[rs2])
    values[3] = values[4] + values[5]
    got = [struct.pack("<Q", sim.double_register(0, f)) for f in range(32)]
    assert got == [struct.pack("<d", v) for v in values]
    assert sim.register(0, 12) == 4


@pytest.mark.skipif(not ENCODINGS.is_file(), reason=f"{ENCODINGS} is not there")
def test_encodings_are_those_of_the_table_of_the_machine():
    lines = [line.split("\t") for line in ENCODINGS.read_text().splitlines()[1:]]
    table = {row[2]: (int(row[4], 16), int(row[5], 16)) for row in lines}
    own = [row for row in ROWS.values() if row.extension in ("xssr", "xfrep", "xdma")]
    assert {row.name: (row.match, row.mask) for row in own} == {r.name: table[r.name] for r in own}
    wanted = {row[2] for row in lines if row[0] in ("Xssr", "Xfrep", "Xdma")}
    # dminit is the newest hardware's only, irep is decoded and unused.
    assert wanted - {row.name for row in own} == {"dminit", "irep"}
