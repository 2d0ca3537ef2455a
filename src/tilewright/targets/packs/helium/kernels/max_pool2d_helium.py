"""Binding of max_pool2d_helium."""

from dataclasses import replace
from math import prod

from tilewright.ir.op import Op
from tilewright.ir.target import Signature
from tilewright.ops.pool2d import MaxPool2d
from tilewright.targets.packs.helium.kernels.variants import HERE
from tilewright.targets.packs.helium.kernels.weights import LANES, round_up
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.pool2d import MAX_POOL2D_S8


def _cycles(op: Op, signature: Signature) -> int:
    assert isinstance(op, MaxPool2d)
    vectors = round_up(signature.output.shape[3], LANES) // LANES
    return output_rows(op, signature) * (80 + vectors * (15 + 6 * prod(op.window.kernel)))


MAX_POOL2D_HELIUM = replace(
    MAX_POOL2D_S8,
    symbol="max_pool2d_helium",
    struct="max_pool2d_helium_args",
    header=HERE / "max_pool2d_helium.h",
    source=HERE / "max_pool2d_helium.c",
    cycles=_cycles,
    includes=(HERE / "taps_helium.h",),
)
