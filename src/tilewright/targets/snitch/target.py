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

from dataclasses import replace
from pathlib import Path

from tilewright.ir.costs import priced
from tilewright.ir.target import Dma, Engine, Kernel, Memory, Reach, Role, Target, Toolchain
from tilewright.run.sim.program import RISCV_GCC
from tilewright.targets.packs.ita.pack import (
    NEWEST,
    QUEUE_HEADERS,
    SHIFT_5,
    Version,
    ita_kernels,
)
from tilewright.targets.packs.portable.pack import PORTABLE, PORTABLE_COSTS
from tilewright.targets.packs.rv32.pack import rv32_kernels
from tilewright.targets.snitch.costs import on_the_cluster
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

FLAGS = ("-march=rv32im", "-misa-spec=2.2", "-mabi=ilp32", "-mstrict-align", "-O2", "-mno-relax")
"""No compressed code; accesses that are not aligned trap. The old version of the specification has
the counters in it. Links as it was measured, without relaxation."""


def _needs_no_mathematics(kernel: Kernel) -> bool:
    return "math.h" not in kernel.source.read_text(encoding="utf-8")


PLAIN_C = priced(filter(_needs_no_mathematics, PORTABLE), PORTABLE_COSTS / "cortex-m4.toml")
"""At what another scalar core executes."""


def cluster_kernels(portable: tuple[Kernel, ...]) -> tuple[Kernel, ...]:
    """With those that stand before portable ones."""
    return (*rv32_kernels(portable), *portable)


KERNELS = on_the_cluster(cluster_kernels(PLAIN_C))

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


PARALLEL = (HERE / "runtime/tw_parallel.h", *QUEUE_HEADERS)
RUNTIME = (HERE / "runtime/tw_dma.h", HERE / "runtime/tw_ita.h", *QUEUE_HEADERS)


def _toolchain(machine: str) -> Toolchain:
    """What builds programs, and runs them on the machine of that name."""
    return Toolchain(machine, RISCV_GCC.name, FLAGS, run=run_on_snitch, needs=(RISCV_GCC,))


def _cores(count: int) -> Engine:
    return Engine(
        "cores",
        "multicore",
        (Reach("L1"),),
        kernels=KERNELS,
        cores=count,
        fork_cycles=30,
        join_cycles=10,
    )


def _ita(version: Version) -> Engine:
    """A call is a walk over jobs: settings of four contexts and the first tiles of weights, which
    it fetches itself, take a thousand cycles."""
    return Engine(
        "ita",
        "npu",
        (Reach("L1"), Reach("L2", frozenset({Role.WEIGHT}))),
        ita_kernels(version),
        fork_cycles=700,
        join_cycles=100,
        is_asynchronous=True,
        queue=2,
        fetches_ahead=True,
    )


def with_cores(cores: int) -> Target:
    """The cluster with so many of its compute cores at work, 1 .. 8."""
    return Target(
        name="snitch",
        summary="a Snitch cluster: eight RV32IM cores, L1 filled by DMA; tilewright sim",
        memories=_memories(8),
        engines=(_cores(cores),),
        toolchain=_toolchain("snitch"),
        dmas=(IDMA,),
        runtime=RUNTIME,
        parallel=PARALLEL,
    )


def _memories(align: int) -> tuple[Memory, ...]:
    return (
        Memory("L2", L2_BYTES - CODE_BYTES, align, frozenset({Role.ACTIVATION, *CONSTANTS})),
        Memory("L1", L1_BYTES - RESERVED_BYTES, align, WORK, RESERVED_BYTES),
    )


def _with_ita(name: str, summary: str, version: Version) -> Target:
    return replace(
        with_cores(CORES),
        name=name,
        summary=summary,
        memories=_memories(128),  # what the engine's port takes at once
        engines=(_ita(version), _cores(CORES)),
        toolchain=_toolchain(name),
    )


SNITCH = with_cores(CORES)
SNITCH_ITA = _with_ita(
    "snitch-ita", "a Snitch cluster with ITA, an attention accelerator; tilewright sim", NEWEST
)
SNITCH_ITA_SHIFT_5 = _with_ita(
    "snitch-ita-shift5",
    "the same with an older ITA: 32 steps of a logit are a factor of two",
    SHIFT_5,
)
