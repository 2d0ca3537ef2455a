"""Random RV32IMAFD programs on a Snitch core against QEMU's riscv32, in both sets of times."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from run.sim.programs import (
    DATA,
    ROWS,
    encode_b,
    encode_i,
    encode_r,
    encode_s,
    load_constant,
)  # fmt: skip
from run.sim.test_qemu import (
    BRANCHES,
    FINISHER,
    FLOATS,
    IMMEDIATE,
    INTEGER,
    LENGTH,
    POOL,
    UART,
    WINDOW,
    elf_file,
    needs_qemu,
    print_register,
    run_on_qemu,
    with_rounding,
)  # fmt: skip
from tilewright.run.sim.machine import Machine
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.machines.rv32 import RV32IMFC
from tilewright.run.sim.simulator import Outcome, Simulator

FLOATING = [
    r for r in ROWS.values()
    if r.extension in ("f", "d") and r.timing not in ("fload", "fstore")
]  # fmt: skip
ATOMIC = [r for r in ROWS.values() if r.extension == "a" and r.name.startswith("amo")]
LOADS = {"lb": 1, "lh": 2, "lw": 4, "lbu": 1, "lhu": 2, "flw": 4, "fld": 8}
STORES = {"sb": 1, "sh": 2, "sw": 4, "fsw": 4, "fsd": 8}
SPECIAL = (0, 1 << 63, 0x3FF0000000000000, 0x7FF0000000000000, 0x7FF8000000000000,
           0x7FF0000000000001, 1, 0x0010000000000000)  # fmt: skip
MIDDLE = DATA + WINDOW // 2


def machine_of(timing: str) -> Machine:
    """One Snitch core where QEMU's board has its memory, serial port and finisher."""
    cluster = find_machine("snitch", timing)
    core = replace(cluster.cores[0], extensions=("i", "m", "a", "f", "d"))
    assert cluster.snitch is not None
    times = replace(cluster.snitch, has_fdiv=True)  # an option that the hardware is built without
    return replace(RV32IMFC, name="test", cores=(core,), snitch=times)


def random_floating(rng: random.Random) -> int:
    row = rng.choice(FLOATING)
    to_integer = row.form in ("FRC", "FRX", "DRC", "DRX")
    from_integer = row.form in ("FXR", "DXR")
    word = row.match | rng.choice(POOL if to_integer else FLOATS) << 7
    word |= rng.choice(POOL if from_integer else FLOATS) << 15
    if row.uses("rs2"):
        word |= rng.choice(FLOATS) << 20
    if row.uses("rs3"):
        word |= rng.choice(FLOATS) << 27
    return with_rounding(rng, row, word)


def random_access(rng: random.Random) -> int:
    name, size = rng.choice([*LOADS.items(), *STORES.items()])
    offset = rng.randrange(0, WINDOW, size) - WINDOW // 2
    data = rng.choice(FLOATS if name[0] == "f" else POOL)
    encode = encode_i if name in LOADS else encode_s
    return encode(name, data, 28, offset)


def random_atomic(rng: random.Random) -> list[int]:
    address = encode_i("addi", 29, 28, rng.randrange(0, WINDOW, 4) - WINDOW // 2)
    if rng.randrange(3):
        word = encode_r(rng.choice(ATOMIC).name, rng.choice(POOL), 29, rng.choice(POOL))
        return [address, word]
    load = encode_r("lr.w", rng.choice(POOL), 29, 0)
    return [address, load, encode_r("sc.w", rng.choice(POOL), 29, rng.choice(POOL))]


def random_words(rng: random.Random, left: int) -> list[int]:
    match rng.randrange(8):
        case 0:
            row = rng.choice(IMMEDIATE)
            width = 5 if row.form == "IS" else 12
            registers = rng.choice(POOL) << 7 | rng.choice(POOL) << 15
            return [row.match | registers | rng.getrandbits(width) << 20]
        case 1 | 2:
            row = rng.choice(INTEGER)
            return [encode_r(row.name, *(rng.choice(POOL) for _ in range(3)))]
        case 3 | 4:
            return [random_access(rng)]
        case 5 | 6:
            return [random_floating(rng)]
        case _ if left > 1 and rng.randrange(2):
            target = 4 * rng.randint(1, min(8, left))
            return [encode_b(rng.choice(BRANCHES), rng.choice(POOL), rng.choice(POOL), target)]
        case _:
            return random_atomic(rng)


def print_floats() -> list[int]:
    """Both halves of every double, by way of memory."""
    words: list[int] = []
    for f in FLOATS:
        words += [encode_s("fsd", f, 28, WINDOW), encode_i("lw", 20, 28, WINDOW)]
        words += [*print_register(20), encode_i("lw", 20, 28, WINDOW + 4), *print_register(20)]
    return words


def program(seed: int) -> tuple[bytes, bytes]:
    """Code, and the data that its window starts with."""
    rng = random.Random(seed)
    words = [
        *load_constant(28, MIDDLE), *load_constant(29, MIDDLE), *load_constant(31, UART),
        *load_constant(5, 0x6000), ROWS["csrrw"].match | 5 << 15 | 0x300 << 20,
        ROWS["csrrwi"].match | rng.randrange(4) << 15 | 0x002 << 20,
    ]  # fmt: skip
    for f in FLOATS:
        near_one = 0x3FE << 52 | rng.getrandbits(52)
        boxed = 0xFFFFFFFF << 32 | 0x3F000000 + rng.getrandbits(24)
        bits = rng.choice((rng.choice(SPECIAL), rng.getrandbits(64), near_one, boxed))
        for half in (0, 1):
            words += [*load_constant(16, bits >> 32 * half & 0xFFFFFFFF)]
            words.append(encode_s("sw", 16, 28, 4 * half))
        words.append(encode_i("fld", f, 28, 0))
    for x in POOL:
        words += load_constant(x, rng.choice((rng.getrandbits(32), rng.choice((0, 1, 1 << 31)))))
    body: list[int] = []
    while len(body) < LENGTH:
        body += random_words(rng, LENGTH - len(body))
    words += [*body, *[encode_i("addi", 0, 0, 0)] * 12]
    for x in POOL:
        words += print_register(x)
    words += print_floats()
    words += [ROWS["csrrs"].match | 20 << 7 | 0x003 << 20, *print_register(20)]
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


def compare(seed: int, folder: Path) -> None:
    path = folder / f"random{seed}.elf"
    path.write_bytes(elf_file(*program(seed)))
    theirs = run_on_qemu(path, "rv32")
    assert len(theirs) == 8 * (len(POOL) + 2 * len(FLOATS) + 2)
    for timing in ("gvsoc", "rtl"):
        sim = Simulator(machine_of(timing))
        sim.load(path)
        assert sim.run(max_cycles=1_000_000) is Outcome.EXITED
        assert sim.printed == theirs, f"seed {seed}, {timing}"


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
