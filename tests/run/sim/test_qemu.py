"""Random RV32IMFC programs against QEMU's riscv32: the same ELF file, the same dump at the end."""

import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from run.sim.programs import (
    BASE,
    DATA,
    ROWS,
    encode_b,
    encode_i,
    encode_r,
    encode_s,
    load_constant,
    machine_with,
)  # fmt: skip
from tilewright.run.sim.simulator import Outcome, Simulator

QEMU = "qemu-system-riscv32"
UART, FINISHER = 0x1000_0000, 0x0010_0000
POOL = list(range(5, 16))  # x5..x15 take part; x28 to x31 hold addresses
FLOATS = list(range(8, 16))
WINDOW = 1024  # bytes of memory that the program uses
LENGTH = 400

needs_qemu = pytest.mark.skipif(
    shutil.which(QEMU) is None, reason=f"{QEMU} is not there: apt-get install qemu-system-misc"
)

INTEGER = [r for r in ROWS.values() if r.extension in "im" and r.form == "R" and r.timing != "csr"]
IMMEDIATE = [r for r in ROWS.values() if r.extension == "i" and r.form in ("I", "IS")]
FLOAT = [r for r in ROWS.values() if r.extension == "f" and r.form in ("FR", "FR1", "FR4")]
TO_INTEGER = [r for r in ROWS.values() if r.extension == "f" and r.form in ("FRC", "FRX")]
FROM_INTEGER = [r for r in ROWS.values() if r.extension == "f" and r.form == "FXR"]
LOADS = {"lb": 1, "lh": 2, "lw": 4, "lbu": 1, "lhu": 2, "flw": 4}
STORES = {"sb": 1, "sh": 2, "sw": 4, "fsw": 4}
BRANCHES = ("beq", "bne", "blt", "bge", "bltu", "bgeu")


def with_rounding(rng: random.Random, row, word: int) -> int:
    """Free bits 14:12 are a rounding mode: one that every machine has, or the dynamic one."""
    return word | rng.choice((0, 1, 2, 3, 7)) << 12 if row.bits[17:20] == "---" else word


def random_float_operation(rng: random.Random) -> int:
    row = rng.choice(rng.choice((FLOAT, TO_INTEGER, FROM_INTEGER)))
    rd = rng.choice(POOL if row in TO_INTEGER else FLOATS)
    rs1 = rng.choice(POOL if row in FROM_INTEGER else FLOATS)
    word = row.match | rd << 7 | rs1 << 15
    if row.form in ("FR", "FR4", "FRC"):
        word |= rng.choice(FLOATS) << 20
    if row.form == "FR4":
        word |= rng.choice(FLOATS) << 27
    return with_rounding(rng, row, word)


def random_memory_access(rng: random.Random) -> int:
    name, size = rng.choice([*LOADS.items(), *STORES.items()])
    offset = rng.randrange(0, WINDOW, size) - WINDOW // 2
    data = rng.choice(FLOATS if name in ("flw", "fsw") else POOL)
    if name in LOADS:
        return encode_i(name, data, 28, offset)
    return encode_s(name, data, 28, offset)


def compressed_pair(rng: random.Random) -> int:
    """Two compressed instructions on x8..x15 in one word."""
    names = ("c.addi", "c.li", "c.srli", "c.srai", "c.andi", "c.sub", "c.xor", "c.or", "c.and",
             "c.mv", "c.add", "c.slli")  # fmt: skip
    halves = []
    for _ in range(2):
        row = ROWS[rng.choice(names)]
        free = 0xFFFF & ~row.mask
        half = row.match | rng.getrandbits(16) & free
        if row.form in ("CI", "CLI", "CIS", "CMV", "CADD"):
            half = half & ~(31 << 7) | rng.choice(POOL) << 7
        if row.form in ("CMV", "CADD"):
            half = half & ~(31 << 2) | rng.choice(POOL) << 2
        halves.append(half)
    return halves[0] | halves[1] << 16


def random_word(rng: random.Random, left: int) -> int:
    match rng.randrange(7):
        case 0:
            row = rng.choice(IMMEDIATE)
            width = 5 if row.form == "IS" else 12
            return (
                row.match
                | rng.choice(POOL) << 7
                | rng.choice(POOL) << 15
                | (rng.getrandbits(width) << 20)
            )
        case 1 | 2:
            row = rng.choice(INTEGER)
            return encode_r(row.name, *(rng.choice(POOL) for _ in range(3)))
        case 3:
            return random_memory_access(rng)
        case 4:
            return random_float_operation(rng)
        case 5:
            return compressed_pair(rng)
        case _:
            target = 4 * rng.randint(1, min(8, left))
            return encode_b(rng.choice(BRANCHES), rng.choice(POOL), rng.choice(POOL), target)


def print_register(x: int) -> list[int]:
    """Eight hexadecimal digits of a register to the serial port; uses x16 to x19."""
    words = [encode_i("addi", 16, x, 0), encode_i("addi", 17, 0, 8)]
    words += [
        ROWS["srli"].match | 18 << 7 | 16 << 15 | 28 << 20,
        ROWS["slli"].match | 16 << 7 | 16 << 15 | 4 << 20,
        encode_i("sltiu", 19, 18, 10),
        encode_i("addi", 18, 18, ord("a") - 10),
        encode_b("beq", 19, 0, 8),
        encode_i("addi", 18, 18, ord("0") - (ord("a") - 10)),
        encode_s("sb", 18, 31, 0),
        encode_i("addi", 17, 17, -1),
        encode_b("bne", 17, 0, -32),
    ]
    return words


def program(seed: int) -> tuple[bytes, bytes]:
    """Code, and the data that its window starts with."""
    rng = random.Random(seed)
    words = [
        *load_constant(28, DATA + WINDOW // 2), *load_constant(31, UART),
        # mstatus.FS: floating point on; the rounding mode of this program
        *load_constant(5, 0x6000), ROWS["csrrw"].match | 5 << 15 | 0x300 << 20,
        ROWS["csrrwi"].match | rng.randrange(4) << 15 | 0x002 << 20,
    ]  # fmt: skip
    for x in POOL:
        words += load_constant(x, rng.choice((rng.getrandbits(32), rng.choice((0, 1, 1 << 31)))))
    special = (0, 1 << 31, 0x3F800000, 0x7F800000, 0x7FC00000, 0x7F800001, 1, 0x00800000)
    for f in FLOATS:
        bits = rng.choice(
            (rng.choice(special), rng.getrandbits(32), 0x3F000000 + rng.getrandbits(24))
        )
        words += [*load_constant(16, bits), ROWS["fmv.w.x"].match | f << 7 | 16 << 15]
    words += [random_word(rng, LENGTH - i) for i in range(LENGTH)]
    words += [encode_i("addi", 0, 0, 0)] * 8
    for x in POOL:
        words += print_register(x)
    for f in FLOATS:
        words += [ROWS["fmv.x.w"].match | 20 << 7 | f << 15, *print_register(20)]
    words += [ROWS["csrrs"].match | 20 << 7 | 0x003 << 20, *print_register(20)]
    # the sum of the window's words, weighted by position
    words += [
        *load_constant(28, DATA), encode_i("addi", 21, 0, WINDOW // 4), encode_i("addi", 20, 0, 0),
        encode_i("lw", 22, 28, 0), encode_r("mul", 20, 20, 21), encode_r("add", 20, 20, 22),
        encode_i("addi", 28, 28, 4), encode_i("addi", 21, 21, -1), encode_b("bne", 21, 0, -20),
        *print_register(20),
    ]  # fmt: skip
    words += [*load_constant(5, FINISHER), *load_constant(6, 0x5555), encode_s("sw", 6, 5, 0)]
    words.append(encode_b("beq", 0, 0, 0))
    data = bytes(rng.getrandbits(8) for _ in range(WINDOW))
    return b"".join(w.to_bytes(4, "little") for w in words), data


def elf_file(code: bytes, data: bytes) -> bytes:
    """A minimal executable with two segments."""
    header = struct.pack(
        "<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, 243, 1, BASE, 52, 0, 0, 52, 32, 2, 0, 0, 0
    )
    first = 52 + 2 * 32
    segments = b"".join(
        struct.pack("<8I", 1, at, address, address, len(part), len(part), 7, 4)
        for at, address, part in ((first, BASE, code), (first + len(code), DATA, data))
    )
    return header + segments + code + data


def run_on_qemu(path: Path, processor: str = "rv32,d=false") -> str:
    done = subprocess.run(
        [QEMU, "-machine", "virt", "-bios", "none", "-cpu", processor, "-nographic",
         "-serial", "stdio", "-monitor", "none", "-kernel", str(path)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    return done.stdout


def compare(seed: int, folder: Path) -> None:
    path = folder / f"random{seed}.elf"
    path.write_bytes(elf_file(*program(seed)))
    sim = Simulator(machine_with("i", "m", "a", "f", "c"))
    sim.load(path)
    assert sim.run(max_cycles=1_000_000) is Outcome.EXITED
    theirs = run_on_qemu(path)
    assert len(theirs) == 8 * (len(POOL) + len(FLOATS) + 2)
    assert sim.printed == theirs, f"seed {seed}"


@needs_qemu
@pytest.mark.parametrize("seed", range(12))
def test_random_programs_end_as_on_qemu(seed: int, tmp_path: Path):
    compare(seed, tmp_path)


@needs_qemu
@pytest.mark.slow
@pytest.mark.parametrize("batch", range(20))
def test_many_random_programs_end_as_on_qemu(batch: int, tmp_path: Path):
    for seed in range(1000 + 10 * batch, 1010 + 10 * batch):
        compare(seed, tmp_path)
