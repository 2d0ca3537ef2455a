"""A Snitch cluster: eight small RV32 cores beside 128 KiB of L1 that a DMA fills from L2.

======================  ========================================================================
Cores                   eight RV32IM for kernels; a ninth runs the network and drives the DMA
L1                      128 KiB in 32 banks, less stacks
L2                      26 MiB outside the cluster: code, constants, tensors that do not fit L1
Toolchain               gcc-riscv64-unknown-elf; runs on `tilewright sim`, times of the hardware
Known limits            float32 kernels that need a mathematical library are left out
======================  ========================================================================

All nine cores share one multiplier and one divider. The cores' floating-point units, streams and
loops in hardware are not used: floats are computed in software.
"""

from pathlib import Path

from tilewright.ir.costs import priced
from tilewright.ir.target import Dma, Engine, Kernel, Memory, Reach, Role, Target, Toolchain
from tilewright.targets.packs.portable.pack import PORTABLE, PORTABLE_COSTS
from tilewright.targets.snitch.machine import (
    CODE_BYTES,
    CORES,
    L1_BYTES,
    L2_BYTES,
    RESERVED_BYTES,
)
from tilewright.targets.snitch.runner import run_on_snitch

HERE = Path(__file__).parent

WORK = frozenset({Role.ACTIVATION, Role.SCRATCH, Role.TILE})
CONSTANTS = frozenset({Role.WEIGHT, Role.TABLE})

FLAGS = ("-march=rv32im", "-misa-spec=2.2", "-mabi=ilp32", "-mstrict-align", "-O2")
"""No compressed code; accesses that are not aligned trap. The old version of the specification has
the counters in it."""


def _needs_no_mathematics(kernel: Kernel) -> bool:
    return "math.h" not in kernel.source.read_text(encoding="utf-8")


KERNELS = tuple(priced(filter(_needs_no_mathematics, PORTABLE), PORTABLE_COSTS / "cortex-m4.toml"))
"""Plain C costs about as much as on another scalar core."""

IDMA = Dma(
    "idma",
    ("L2", "L1"),
    max_rank=2,
    setup_cycles=17,
    bytes_per_cycle=64,
    issue_cycles=40,
    line_cycles=1,
    burst_bytes=64,
)
"""17 cycles and 64 bytes a cycle, both directions together; a row takes at least 1.6."""


def with_cores(cores: int) -> Target:
    """The cluster with so many of its compute cores at work, 1 .. 8."""
    return Target(
        name="snitch",
        summary="a Snitch cluster: eight RV32IM cores, L1 filled by DMA; tilewright sim",
        memories=(
            Memory("L2", L2_BYTES - CODE_BYTES, 8, frozenset({Role.ACTIVATION, *CONSTANTS})),
            Memory("L1", L1_BYTES - RESERVED_BYTES, 8, WORK, RESERVED_BYTES),
        ),
        engines=(
            Engine(
                "cores",
                "multicore",
                (Reach("L1"),),
                kernels=KERNELS,
                cores=cores,
                fork_cycles=30,
                join_cycles=10,
            ),
        ),
        toolchain=Toolchain("snitch", "riscv64-unknown-elf-gcc", FLAGS, run=run_on_snitch),
        dmas=(IDMA,),
        runtime=(HERE / "runtime/tw_dma.h",),
        parallel=(HERE / "runtime/tw_parallel.h",),
    )


SNITCH = with_cores(CORES)
