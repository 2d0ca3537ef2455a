"""A fictional chip, described by a package that Tilewright knows nothing about.

Eight cores and a small NPU for convolutions share a near memory that only a DMA fills. The machine
does not exist: its programs run on the machine that compiles, with the host's emulated DMA and NPU.
"""

from dataclasses import replace

from gadget.runner import run_on_gadget
from tilewright.ir.op import Op
from tilewright.ir.target import (
    AtMost,
    Dma,
    Engine,
    Kernel,
    Memory,
    MultipleOf,
    Reach,
    Role,
    Signature,
    Target,
)
from tilewright.ops.conv2d import QConv2d
from tilewright.targets.host.target import HIERARCHY, on_threads
from tilewright.targets.packs.portable.kernels.conv2d_s8 import CONV2D_S8
from tilewright.targets.packs.portable.pack import PORTABLE

CHANNELS, MOST_ROWS = 4, 8


def _on_npu(kernel: Kernel) -> Kernel:
    def refuse(op: Op, signature: Signature) -> str | None:
        if isinstance(op, QConv2d) and op.window.kernel not in ((1, 1), (3, 3)):
            return f"the NPU has windows of 1x1 and 3x3, not {op.window.kernel}"
        if signature.output.shape[-1] % CHANNELS:
            return f"the NPU makes channels in multiples of {CHANNELS}"
        return kernel.refuse(op, signature)

    def cycles(op: Op, signature: Signature) -> int:
        return 20 + op.macs(*signature.inputs) // 64

    limits = (MultipleOf(axis=3, n=CHANNELS), AtMost(axis=1, n=MOST_ROWS))
    return replace(kernel, refuse=refuse, cycles=cycles, limits=limits, streaming=None)


NEAR = frozenset({Role.ACTIVATION, Role.SCRATCH, Role.TILE})
FAR = frozenset({Role.ACTIVATION, Role.WEIGHT, Role.TABLE})

GADGET = Target(
    name="gadget",
    summary="eight cores and a small NPU",
    memories=(
        Memory("flash", size=None, holds=frozenset({Role.WEIGHT, Role.TABLE})),
        Memory("L2", size=256 * 1024, holds=FAR),
        Memory("L1", size=16 * 1024, align=16, holds=NEAR),
    ),
    engines=(
        Engine(
            "npu", kind="npu", reaches=(Reach("L1"),), kernels=tuple(map(_on_npu, CONV2D_S8)),
            fork_cycles=40, join_cycles=60, is_asynchronous=True,
        ),
        Engine(
            "cluster", kind="multicore", reaches=(Reach("L1"),), kernels=PORTABLE, cores=8,
            fork_cycles=40, join_cycles=20,
        ),
    ),
    toolchain=replace(HIERARCHY.toolchain, kind="gadget", run=run_on_gadget),
    dmas=(
        Dma("dma", between=("L2", "L1"), max_rank=2, setup_cycles=20, bytes_per_cycle=8),
        Dma("dma", between=("flash", "L1"), max_rank=2, setup_cycles=20, bytes_per_cycle=4),
    ),
    runtime=HIERARCHY.runtime,
    parallel=on_threads(HIERARCHY, 1).parallel,
)  # fmt: skip
