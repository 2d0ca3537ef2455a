"""How fast the simulator is, in million instructions per second of one host core.

    python benchmarks/sim_speed.py

`siracusa, 1 busy core`: core 0 of the cluster alone, loads and stores in L1. `8 busy cores`: the
same loop on cores 0 to 7 at once, all streaming through the same banks, conflicts modelled.
`snitch, 9 busy cores`: the like on a Snitch cluster, per set of times. `ITA`: queued jobs.
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from run.sim.ita_jobs import Gemm, Layout, Operand, by_rows, image_of_script, script_of, tiled
from run.sim.programs import (
    ROWS,
    encode_b,
    encode_i,
    encode_r,
    encode_s,
    load_constant,
)
from tilewright.run.sim.elf_image import Image, Segment
from tilewright.run.sim.machines import find_machine
from tilewright.run.sim.simulator import Simulator

CODE, OUTER = 0x1C01_0000, 0x8000_0000
CLUSTER_CONTROL, ICACHE = 0x1020_0000, 0x1020_1400
ROUNDS = 1_000_000


def boot(cores: int) -> list[int]:
    """The fabric controller starts the cluster and sleeps; cluster cores run what follows."""
    fabric = [
        *load_constant(5, CLUSTER_CONTROL), *load_constant(6, ICACHE), *load_constant(7, CODE),
        encode_s("sw", 7, 6, 0),
        *(encode_s("sw", 7, 5, 0x40 + 4 * core) for core in range(cores)),
        encode_i("addi", 8, 0, (1 << cores) - 1), encode_s("sw", 8, 5, 8), ROWS["wfi"].match,
    ]  # fmt: skip
    skip = 4 * (len(fabric) + 1)
    # mhartid of a cluster core is below 32, the fabric controller's is not
    head = [
        ROWS["csrrs"].match | 9 << 7 | 0xF14 << 20,
        encode_i("sltiu", 6, 9, 32),
        encode_b("bne", 6, 0, skip),
    ]
    return [*head, *fabric]


def loop() -> list[int]:
    """Eight instructions per round: two loads, a store, multiply-accumulate, a branch."""
    body = [
        encode_i("lw", 10, 28, 0), encode_i("lw", 11, 28, 4), encode_r("p.mac", 12, 10, 11),
        encode_s("sw", 12, 28, 8), encode_r("add", 13, 13, 12), encode_r("xor", 14, 13, 10),
        encode_i("addi", 5, 5, -1),
    ]  # fmt: skip
    head = [*load_constant(5, ROUNDS), *load_constant(28, 0x1000_0000)]
    return [*head, *body, encode_b("bne", 5, 0, -4 * len(body)), ROWS["wfi"].match]


def measure(cores: int) -> tuple[int, float]:
    """Instructions, and seconds of processor time."""
    words = [*boot(cores), *loop()]
    code = b"".join(word.to_bytes(4, "little") for word in words)
    sim = Simulator(find_machine("siracusa"))
    sim.load(Image(CODE, (Segment(CODE, code),)))
    start = time.process_time()
    sim.run()
    spent = time.process_time() - start
    return sum(sim.counters(core).instructions for core in range(10)), spent


def snitch_loop() -> list[int]:
    """Eight instructions per round on all nine cores; each in its own part of the TCDM."""
    body = [
        encode_i("lw", 10, 28, 0), encode_i("lw", 11, 28, 8), encode_r("add", 13, 13, 14),
        encode_r("mul", 12, 10, 11), encode_r("xor", 14, 13, 10), encode_s("sw", 12, 28, 16),
        encode_i("addi", 5, 5, -1),
    ]  # fmt: skip
    head = [
        *load_constant(5, ROUNDS // 4), *load_constant(28, 0x1000_0000),
        ROWS["csrrs"].match | 9 << 7 | 0xF14 << 20, encode_i("slli", 9, 9, 10),
        encode_r("add", 28, 28, 9),
    ]  # fmt: skip
    return [*head, *body, encode_b("bne", 5, 0, -4 * len(body)), ROWS["wfi"].match]


def measure_snitch(timing: str) -> tuple[int, float]:
    """Instructions of nine cores, and seconds of processor time."""
    code = b"".join(word.to_bytes(4, "little") for word in snitch_loop())
    sim = Simulator(find_machine("snitch", timing))
    sim.load(Image(OUTER, (Segment(OUTER, code),)))
    start = time.process_time()
    sim.run()
    spent = time.process_time() - start
    return sum(sim.counters(core).instructions for core in range(9)), spent


def measure_ita() -> tuple[int, float]:
    """Cycles in which jobs ran without a pause, and seconds of processor time."""
    layout = Layout()
    bytes_of = np.random.default_rng(1).integers(-128, 128, (64, 64 * 15), dtype=np.int8)
    x, w = (Operand(layout.put(tiled(bytes_of)), 15) for _ in range(2))
    gemm = Gemm(x, w, Operand(layout.room(4096), 1), 15, by_rows(1, 1) * 225)
    registers = {"tiles": 15 | 15 << 4 | 15 << 8, "engine": 2, "mult": 1, "shift": 12}
    script, _ = script_of([gemm] * 11, registers, 4)
    sim = Simulator(find_machine("snitch-ita", "rtl"))
    sim.load(image_of_script(script, Layout()))
    start = time.process_time()
    sim.run()
    return sim.counters(8).cycles, time.process_time() - start


def main() -> None:
    """Print all speeds."""
    for cores in (1, 8):
        instructions, spent = measure(cores)
        speed = instructions / spent / 1e6
        print(f"siracusa, {cores} busy cores: {instructions} instructions, {speed:.0f} MIPS")
    for timing in ("gvsoc", "rtl"):
        instructions, spent = measure_snitch(timing)
        speed = instructions / spent / 1e6
        print(f"snitch {timing}, 9 busy cores: {instructions} instructions, {speed:.0f} MIPS")
    cycles, spent = measure_ita()
    print(f"ITA: {cycles} cycles in {spent:.2f} s")


if __name__ == "__main__":
    main()
