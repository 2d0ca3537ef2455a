"""The machine that compiles: any 64-bit Linux with a C compiler.

Required tools         a C11 compiler (gcc or clang) for `run` and `verify`; none for `compile`
Environment variables  CC: the compiler to use
Build products         the bundle's folder of C; `run` builds a program in a temporary folder
Known limits           memories are unlimited unless --memory ram=SIZE,flash=SIZE says otherwise

`--memory L2=SIZE,L1=SIZE` gives it the memories of a chip with a near memory that only a DMA fills:
the DMA is runtime/tw_dma.h beside this file. ``on_threads`` makes it a machine with several cores,
which are threads: runtime/tw_parallel.h.
"""

from dataclasses import replace
from pathlib import Path

from tilewright.ir.target import Dma, Engine, Memory, Reach, Role, Target, Toolchain
from tilewright.run.host import run_on_host
from tilewright.run.talk import talk_on_host
from tilewright.targets.packs.portable.pack import PORTABLE

_TOOLCHAIN = Toolchain(
    "host", "cc", ("-std=c11", "-O3", "-march=x86-64-v3"), run=run_on_host, talk=talk_on_host
)
_ACTIVATIONS = frozenset({Role.ACTIVATION, Role.SCRATCH, Role.TILE})
_CONSTANTS = frozenset({Role.WEIGHT, Role.TABLE})


def _dma(far: str) -> Dma:
    """The numbers of a 64-bit bus: a command starts after 32 cycles, a line takes one to address,
    and whole words of 8 bytes travel, one per cycle. Where the core spends nothing on starting
    one, plans may start transfers early at no cost."""
    return Dma(
        "dma", between=(far, "L1"), max_rank=3, setup_cycles=32, bytes_per_cycle=8,
        line_cycles=1, burst_bytes=8,
    )  # fmt: skip


HIERARCHY = Target(
    name="host",
    summary="this machine with an emulated near memory, portable C11 kernels",
    memories=(
        Memory("flash", size=None, align=4, holds=_CONSTANTS),
        Memory("L2", size=None, align=4, holds=frozenset({Role.ACTIVATION})),
        Memory("L1", size=None, align=4, holds=_ACTIVATIONS),
    ),
    engines=(Engine("cpu", kind="core", reaches=(Reach("L1"),), kernels=PORTABLE),),
    toolchain=_TOOLCHAIN,
    dmas=(
        _dma("L2"),
        _dma("flash"),
    ),
    runtime=(Path(__file__).parent / "runtime" / "tw_dma.h",),
)

HOST = Target(
    name="host",
    summary="this machine, portable C11 kernels",
    memories=(
        Memory("ram", size=None, align=4, holds=_ACTIVATIONS),
        Memory("flash", size=None, align=4, holds=_CONSTANTS),
    ),
    engines=(Engine("cpu", "core", (Reach("ram"), Reach("flash", _CONSTANTS)), kernels=PORTABLE),),
    toolchain=_TOOLCHAIN,
    alternatives=(HIERARCHY,),
)


def on_threads(target: Target, cores: int) -> Target:
    """The same machine with ``cores`` cores in every engine, 1 .. 64; each is a thread."""
    return replace(
        target,
        engines=tuple(replace(engine, cores=cores) for engine in target.engines),
        parallel=(Path(__file__).parent / "runtime" / "tw_parallel.h",),
        alternatives=tuple(on_threads(other, cores) for other in target.alternatives),
    )
