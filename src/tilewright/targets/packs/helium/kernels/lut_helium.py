"""Binding of lut_helium."""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Signature
from tilewright.targets.packs.helium.kernels.variants import HERE
from tilewright.targets.packs.portable.kernels.lut_s8 import LUT_S8


def _cycles(op: Op, signature: Signature) -> int:
    """A gather reads one element per cycle; the rest goes by sixteen."""
    del op
    return 10 + 2 * signature.output.size


LUT_HELIUM = replace(
    LUT_S8,
    symbol="lut_helium",
    struct="lut_helium_args",
    header=HERE / "lut_helium.h",
    source=HERE / "lut_helium.c",
    cycles=_cycles,
)
