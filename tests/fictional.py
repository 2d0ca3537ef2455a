"""A fictional chip with everything that a machine may have: a controller that works in L2, eight
cores and an NPU that work in L1, a weight memory that only the NPU reads, and a large slow memory
behind it all. Its programs run on the machine that compiles, with emulated DMAs and NPU.
"""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Dma, Engine, Kernel, Memory, Reach, Role, Signature, Target
from tilewright.targets.host.target import HIERARCHY
from tilewright.targets.packs.portable.kernels.conv2d_s8 import CONV2D_S8
from tilewright.targets.packs.portable.pack import PORTABLE

CONSTANTS = frozenset({Role.WEIGHT, Role.TABLE})
WORK = frozenset({Role.ACTIVATION, Role.SCRATCH, Role.TILE})
KIB = 1024


def _slower(kernel: Kernel, factor: int) -> Kernel:
    def cycles(op: Op, signature: Signature) -> int:
        return factor * kernel.cycles(op, signature)

    return replace(kernel, cycles=cycles)


def _faster(kernel: Kernel) -> Kernel:
    def cycles(op: Op, signature: Signature) -> int:
        return 20 + op.macs(*signature.inputs) // 64

    return replace(kernel, cycles=cycles)


def _is_for_all(kernel: Kernel) -> bool:
    """Tables and softmax are left to the controller."""
    return "softmax" not in kernel.symbol and "quantize" not in kernel.symbol


def chip(
    l1: int | None = 32 * KIB, l2: int | None = 256 * KIB, wmem: int | None = 512 * KIB,
    l3: int | None = 4096 * KIB,
) -> Target:  # fmt: skip
    """The machine with memories of these sizes, in bytes."""
    return Target(
        name="chip", summary="a controller, eight cores and an NPU",
        memories=(
            Memory("L3", l3, 8, frozenset({Role.ACTIVATION, *CONSTANTS})),
            Memory("L2", l2, 4, frozenset({*WORK, *CONSTANTS})),
            Memory("L1", l1, 16, WORK),
            Memory("WMEM", wmem, 16, frozenset({Role.WEIGHT})),
        ),
        engines=(
            Engine("fc", "core", (Reach("L2"),), tuple(_slower(k, 8) for k in PORTABLE)),
            Engine(
                "npu", "npu", (Reach("L1"), Reach("WMEM", CONSTANTS)),
                tuple(map(_faster, CONV2D_S8)), is_asynchronous=True,
            ),
            Engine(
                "cluster", "multicore", (Reach("L1"),), tuple(filter(_is_for_all, PORTABLE)),
                cores=8,
            ),
        ),
        toolchain=HIERARCHY.toolchain,
        dmas=(
            Dma("mchan", ("L2", "L1"), max_rank=2, setup_cycles=20, bytes_per_cycle=8),
            Dma("io", ("L3", "L2"), max_rank=2, setup_cycles=200, bytes_per_cycle=1),
        ),
        runtime=HIERARCHY.runtime,
    )  # fmt: skip
