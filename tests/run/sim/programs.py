"""Small programs in machine code for the generic machines, put together by hand."""

from dataclasses import replace

from tilewright.run.sim.elf_image import Image, Segment
from tilewright.run.sim.isa_table import Row, read_rows
from tilewright.run.sim.machine import Machine
from tilewright.run.sim.machines.rv32 import RV32IMFC
from tilewright.run.sim.simulator import Simulator

BASE = 0x8000_0000
DATA = 0x8040_0000
ROWS = {row.name: row for row in read_rows()}
EVERYTHING = ("i", "m", "a", "f", "c", "xpulp")

SEMIHOSTING = (0x01F01013, 0x00100073, 0x40705013)


def machine_with(*extensions: str) -> Machine:
    core = replace(RV32IMFC.cores[0], extensions=extensions)
    return replace(RV32IMFC, name="test", cores=(core,))


def encode_i(name: str, rd: int, rs1: int, imm: int) -> int:
    return ROWS[name].match | rd << 7 | rs1 << 15 | (imm & 0xFFF) << 20


def encode_r(name: str, rd: int, rs1: int, rs2: int) -> int:
    return ROWS[name].match | rd << 7 | rs1 << 15 | rs2 << 20


def encode_s(name: str, rs2: int, rs1: int, imm: int) -> int:
    imm &= 0xFFF
    return ROWS[name].match | (imm & 31) << 7 | rs1 << 15 | rs2 << 20 | imm >> 5 << 25


def encode_b(name: str, rs1: int, rs2: int, imm: int) -> int:
    imm &= 0x1FFF
    bits = (imm >> 11 & 1) << 7 | (imm >> 1 & 15) << 8 | (imm >> 5 & 63) << 25 | imm >> 12 << 31
    return ROWS[name].match | rs1 << 15 | rs2 << 20 | bits


def load_constant(rd: int, value: int) -> list[int]:
    """lui and addi."""
    low = (value & 0xFFF) - (0x1000 if value & 0x800 else 0)
    high = (value - low) & 0xFFFFFFFF
    return [ROWS["lui"].match | rd << 7 | high, encode_i("addi", rd, rd, low)]


def exit_with(code: int = 0) -> list[int]:
    """SYS_EXIT: a0 is the operation, a1 the reason."""
    reason = 0x20026 if code == 0 else 1
    return [*load_constant(10, 0x18), *load_constant(11, reason), *SEMIHOSTING]


def image_of(words: list[int], data: bytes = b"") -> Image:
    code = b"".join(w.to_bytes(4, "little") for w in words)
    segments = [Segment(BASE, code)]
    if data:
        segments.append(Segment(DATA, data))
    return Image(BASE, tuple(segments), ((BASE, "start"),), {"start": BASE})


def run_words(words: list[int], machine: Machine, data: bytes = b"") -> Simulator:
    """Run code that ends by itself; the simulator afterwards."""
    sim = Simulator(machine)
    sim.load(image_of([*words, *exit_with()], data))
    sim.run(max_cycles=50_000_000)
    return sim


def rows_of(extension: str) -> list[Row]:
    return [row for row in ROWS.values() if row.extension == extension]
