"""Siracusa: a cluster of eight RV32 cores with XpulpV2, N-EUREKA beside it, 256 KiB of L1 that a
DMA fills from L2, and a weight memory that only N-EUREKA reads.

Required tools         riscv64-unknown-elf-gcc (Debian: gcc-riscv64-unknown-elf) for `run` and
                       `verify`; none for `compile`; gvsoc on PATH for `--runner gvsoc`
Environment variables  TILEWRIGHT_CACHE, XDG_CACHE_HOME: where the simulator's core is kept
Build products         a folder of C; `run` links it for the simulator of `tilewright sim`
Known limits           float32 kernels that need a mathematical library are left out

The network runs on core 0 of the cluster; the other cores help with every kernel call
(runtime/tw_parallel.h). The fabric controller starts the cluster and sleeps.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tilewright.ir.costs import priced
from tilewright.ir.target import Dma, Engine, Kernel, Memory, Reach, Role, Target, Toolchain
from tilewright.run.sim.program import RISCV_GCC
from tilewright.targets.packs.neureka.pack import NEUREKA
from tilewright.targets.packs.portable.pack import PORTABLE, PORTABLE_COSTS
from tilewright.targets.packs.xpulp.kernels.language import LANGUAGE_XPULP, LOOKUPS_XPULP
from tilewright.targets.packs.xpulp.kernels.linear_neureka import LINEAR_NEUREKA
from tilewright.targets.packs.xpulp.pack import XPULP
from tilewright.targets.siracusa.gvsoc import GVSOC, RUNNER
from tilewright.targets.siracusa.machine import (
    CODE_BYTES,
    CORES,
    INPUT_BYTES,
    L1_BYTES,
    L2_BYTES,
    WMEM_BYTES,
    reserved_bytes,
)
from tilewright.targets.siracusa.runner import run_on_siracusa, talk_on_siracusa

HERE = Path(__file__).parent

RUNTIME = ("tw_dma", "tw_parallel", "tw_neureka")

WORK = frozenset({Role.ACTIVATION, Role.SCRATCH, Role.TILE})
CONSTANTS = frozenset({Role.WEIGHT, Role.TABLE})

FLAGS = ("-march=rv32imac", "-misa-spec=2.2", "-mabi=ilp32", "-O2")
"""With this name the compiler finds a libgcc; the cores run all of it but atomics. The old version
of the specification has the counters in it."""


def _needs_no_mathematics(kernel: Kernel) -> bool:
    return "math.h" not in kernel.source.read_text(encoding="utf-8")


SHORT = {"table_softmax_s8_half_up": 1800}
"""Bytes of plain C that are known: what is fetched of it."""


def _sized(kernels: Iterable[Kernel], code_bytes: int) -> tuple[Kernel, ...]:
    """Kernels that do not say how long they are."""
    return tuple(
        k if k.code_bytes else replace(k, code_bytes=SHORT.get(k.symbol, code_bytes))
        for k in kernels
    )


def _is_of_use(kernel: Kernel) -> bool:
    """Those of language models are all there with XpulpV2, and rough prices of plain C should not
    win against better ones."""
    better = {kernel.op for kernel in (*LANGUAGE_XPULP, *LOOKUPS_XPULP)}
    return kernel.op not in better and _needs_no_mathematics(kernel)


KERNELS = (
    *XPULP,
    *_sized(priced(filter(_is_of_use, PORTABLE), PORTABLE_COSTS / "cortex-m4.toml"), 3000),
)
"""Plain C costs about as much as on another scalar core."""

MCHAN = Dma(
    "mchan",
    ("L2", "L1"),
    max_rank=2,
    setup_cycles=16,
    bytes_per_cycle=8,
    issue_cycles=60,
    burst_bytes=8,
)
"""Transfers of 64 bytes take 22 to 26 cycles, of 4 KiB 524; the rest is tw_dma.h."""


COLD = 1.0
"""Cycles per byte of a kernel at its first call in a layer: 19 for 16 bytes that are no longer in
the shared instruction cache, less what the call does not reach, and the layer's own function."""

ONE_JOB = tuple(k for k in NEUREKA if k.struct == "neureka_args")
MORE_JOBS = tuple(k for k in NEUREKA if k not in ONE_JOB)
"""Kernels that hand their arguments to the engine, and those that make some of their own."""

NEUREKA_ENGINE = Engine(
    "neureka",
    "npu",
    (Reach("L1"), Reach("WMEM", frozenset({Role.WEIGHT}))),
    (*_sized(ONE_JOB, 400), *_sized(MORE_JOBS, 600)),
    fork_cycles=150,
    join_cycles=20,
    fetch_cycles_per_byte=COLD,
    is_asynchronous=True,
    queue=2,
)
"""A core builds a job's arguments and writes 26 registers, three cycles each."""

BOTH = Engine(
    "cluster+neureka",
    "multicore",
    (Reach("L1"), Reach("WMEM", frozenset({Role.WEIGHT}))),
    LINEAR_NEUREKA,
    cores=CORES,
    fork_cycles=20,
    join_cycles=10,
    fetch_cycles_per_byte=COLD,
)
"""All cores, and N-EUREKA by jobs that core 0 writes in the middle of a call."""


def with_cores(cores: int) -> Target:
    """The chip with so many cores of its cluster at work, 1 .. 8."""
    reserved = reserved_bytes(cores)
    return Target(
        name="siracusa",
        summary="Siracusa: eight RV32 cores with XpulpV2, L1 filled by DMA; tilewright sim",
        memories=(
            Memory("L2", L2_BYTES - CODE_BYTES, 4, frozenset({Role.ACTIVATION, *CONSTANTS})),
            Memory("WMEM", WMEM_BYTES - INPUT_BYTES, 4, CONSTANTS),
            Memory("L1", L1_BYTES - reserved, 4, WORK, reserved),
        ),
        engines=(
            Engine(
                "cluster",
                "multicore",
                (Reach("L1"),),
                kernels=KERNELS,
                cores=cores,
                fork_cycles=20,
                join_cycles=10,
                fetch_cycles_per_byte=COLD,
            ),
            NEUREKA_ENGINE,
            Engine(
                "lookup",
                "multicore",
                (Reach("L1"), Reach("WMEM", frozenset({Role.TABLE}))),
                kernels=LOOKUPS_XPULP,
                cores=cores,
                fork_cycles=20,
                join_cycles=10,
                fetch_cycles_per_byte=COLD,
            ),
            *((BOTH,) if cores == CORES else ()),
        ),
        toolchain=Toolchain(
            "siracusa",
            RISCV_GCC.name,
            FLAGS,
            run=run_on_siracusa,
            talk=talk_on_siracusa,
            sampling=(HERE / "runtime/llm/tw_sampler_loops.h",),
            needs=(RISCV_GCC, GVSOC),
        ),
        dmas=(MCHAN,),
        options=(RUNNER,),
        runtime=tuple(HERE / "runtime" / f"{name}.h" for name in RUNTIME),
        parallel=(HERE / "runtime" / "tw_parallel.h",),
    )


SIRACUSA = with_cores(CORES)
