"""Small programs in machine code for one core, or all cores, of a Snitch cluster."""

from dataclasses import replace

from run.sim.programs import ROWS, encode_i, exit_with, load_constant
from tilewright.run.sim.elf_image import Image, Segment
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.simulator import Outcome, Simulator

CODE, TCDM, OUTER = 0x8000_0000, 0x1000_0000, 0x8010_0000
PERIPHERALS, ITA = 0x1002_0000, 0x1004_0000
TIMINGS = ("gvsoc", "rtl")
READ, WRITE = 24, 28  # registers of a stream that start it, with one loop
STREAMS_ON = ROWS["csrrsi"].match | 1 << 15 | 0x7C0 << 20
STREAMS_OFF = ROWS["csrrci"].match | 1 << 15 | 0x7C0 << 20
WAIT_FOR_FLOATS = ROWS["csrrs"].match | 0x001 << 20  # reading the flags waits for all results
BARRIER = ROWS["csrrs"].match | 0x7C2 << 20


def encode_f(name: str, rd: int, rs1: int, rs2: int = 0, rs3: int = 0) -> int:
    """A floating-point operation; rounding to nearest."""
    row = ROWS[name]
    second = rs2 << 20 if row.uses("rs2") else 0
    third = rs3 << 27 if row.uses("rs3") else 0
    return row.match | rd << 7 | rs1 << 15 | second | third


def repeat(count_register: int, instructions: int, *, outer: bool, largest: int = 0,
           mask: int = 0) -> int:  # fmt: skip
    """frep.o or frep.i."""
    row = ROWS["frep.o" if outer else "frep.i"]
    return row.match | count_register << 15 | instructions - 1 << 20 | largest << 12 | mask << 8


def configure(stream: int, register: int, value: int) -> list[int]:
    """scfgwi of a constant, by way of x5."""
    place = register << 5 | stream
    return [*load_constant(5, value & 0xFFFFFFFF), ROWS["scfgwi"].match | 5 << 15 | place << 20]


def image(words: list[int], segments: tuple[Segment, ...] = ()) -> Image:
    code = b"".join(word.to_bytes(4, "little") for word in words)
    return Image(CODE, (Segment(CODE, code), *segments), ((CODE, "start"),), {"start": CODE})


def one_core(timing: str, index: int = 0) -> Simulator:
    """A cluster of which only one core is there: 0 computes, 8 has the DMA."""
    machine = find_machine("snitch-ita", timing)
    return Simulator(replace(machine, cores=(machine.cores[index],)))


def run(sim: Simulator, words: list[int], *segments: Segment) -> Simulator:
    """Run code that ends by itself."""
    sim.load(image([*words, WAIT_FOR_FLOATS, *exit_with()], segments))
    assert sim.run(max_cycles=1_000_000) is Outcome.EXITED
    return sim


def only(core: int, words: list[int]) -> list[int]:
    """Code for one hart; the others go on behind it."""
    skip = ROWS["bne"].match | 5 << 15 | 6 << 20
    distance = 4 * (len(words) + 1)
    bits = (distance >> 1 & 15) << 8 | (distance >> 5 & 63) << 25 | (distance >> 11 & 1) << 7
    return [ROWS["csrrs"].match | 5 << 7 | 0xF14 << 20, encode_i("addi", 6, 0, core),
            skip | bits, *words]  # fmt: skip
