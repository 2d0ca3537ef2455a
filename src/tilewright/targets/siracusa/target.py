"""Siracusa: a cluster of eight RV32 cores with XpulpV2, 256 KiB of L1 that a DMA fills from L2.

Required tools         riscv64-unknown-elf-gcc (Debian: gcc-riscv64-unknown-elf) for `run` and
                       `verify`; none for `compile`
Environment variables  TILEWRIGHT_CACHE, XDG_CACHE_HOME: where the simulator's core is kept
Build products         a folder of C; `run` links it for the simulator of `tilewright sim`
Known limits           float32 kernels that need a mathematical library are left out

The network runs on core 0 of the cluster; the other cores help with every kernel call
(runtime/tw_parallel.h). The fabric controller starts the cluster and sleeps.
"""

from dataclasses import replace
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import (
    Dma,
    Engine,
    Kernel,
    Memory,
    Reach,
    Role,
    Signature,
    Target,
    Toolchain,
)
from tilewright.targets.packs.portable.pack import PORTABLE
from tilewright.targets.packs.xpulp.pack import XPULP
from tilewright.targets.siracusa.machine import (
    CODE_BYTES,
    CORES,
    L1_BYTES,
    L2_BYTES,
    reserved_bytes,
)
from tilewright.targets.siracusa.runner import run_on_siracusa

HERE = Path(__file__).parent

WORK = frozenset({Role.ACTIVATION, Role.SCRATCH, Role.TILE})
CONSTANTS = frozenset({Role.WEIGHT, Role.TABLE})

FLAGS = ("-march=rv32imac_zicsr", "-mabi=ilp32", "-O2")
"""rv32imac names a libgcc that exists; the cores run all of it but atomics."""


def _scalar(kernel: Kernel) -> Kernel:
    """A portable kernel with what it costs on these cores, about 6 times its cost on a host."""

    def cycles(op: Op, signature: Signature) -> int:
        return 6 * kernel.cycles(op, signature)

    return replace(kernel, cycles=cycles)


def _needs_no_mathematics(kernel: Kernel) -> bool:
    return "math.h" not in kernel.source.read_text(encoding="utf-8")


def with_cores(cores: int) -> Target:
    """The chip with so many cores of its cluster at work, 1 .. 8."""
    reserved = reserved_bytes(cores)
    return Target(
        name="siracusa",
        summary="Siracusa: eight RV32 cores with XpulpV2, L1 filled by DMA; tilewright sim",
        memories=(
            Memory("L2", L2_BYTES - CODE_BYTES, 4, frozenset({Role.ACTIVATION, *CONSTANTS})),
            Memory("L1", L1_BYTES - reserved, 4, WORK, reserved),
        ),
        engines=(
            Engine(
                "cluster",
                "multicore",
                (Reach("L1"),),
                kernels=(*XPULP, *map(_scalar, filter(_needs_no_mathematics, PORTABLE))),
                cores=cores,
                call_cycles=60,
            ),
        ),
        toolchain=Toolchain("siracusa", "riscv64-unknown-elf-gcc", FLAGS, run=run_on_siracusa),
        dmas=(Dma("mchan", ("L2", "L1"), max_rank=2, setup_cycles=20, bytes_per_cycle=8),),
        runtime=(HERE / "runtime" / "tw_dma.h", HERE / "runtime" / "tw_parallel.h"),
        parallel=(HERE / "runtime" / "tw_parallel.h",),
    )


SIRACUSA = with_cores(CORES)
