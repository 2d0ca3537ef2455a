"""Bindings of pointwise_xpulp.c: tables and products, element by element."""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import DType
from tilewright.ops.arithmetic_onnx import RescaledMul
from tilewright.ops.mapped_pulp import MappedMul
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.contract_variants import rounds_as
from tilewright.targets.packs.portable.kernels.counts import output_elements
from tilewright.targets.packs.portable.kernels.lut_s8 import LUT_S8
from tilewright.targets.packs.portable.kernels.mapped import HERE as PORTABLE
from tilewright.targets.packs.portable.kernels.mapped import MAPPED_MUL_S8
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.xpulp.kernels.shared import CALL, COMMON, HERE

HEADER, SOURCE = HERE / "pointwise_xpulp.h", HERE / "pointwise_xpulp.c"
INCLUDES = (
    PORTABLE / "lut_s8.h",
    PORTABLE / "mapped_s8.h",
    HERE / "xp_fours.h",
    HERE / "pointwise_asm.h",
    *COMMON,
)

NARROW = 16
"""The shift of what is scaled sixteen bits at a time."""


def _lut_cycles(op: Op, signature: Signature) -> int:
    del op
    return CALL + 4 * signature.output.size


def _mul_cycles(op: Op, signature: Signature) -> int:
    product = op.product if isinstance(op, MappedMul) else op
    assert isinstance(product, RescaledMul)
    zeros = product.a_zero, product.b_zero, product.output.zero
    is_narrow = zeros == (0, 0, 0) and product.scale.shift == NARROW
    return CALL + (7 if is_narrow else 12) * signature.output.size


def _refuse_mul(op: Op, signature: Signature) -> str | None:
    del op
    if any(t.size != signature.output.size for t in signature.inputs):
        return "an operand is repeated"
    return wrong_types(signature, (DType.S8, DType.S8), DType.S8)


def _mul_fields(op: Op, signature: Signature) -> Fields:
    del signature
    assert isinstance(op, RescaledMul)
    output = op.output
    return {
        "a_zero": op.a_zero, "b_zero": op.b_zero, "y_zero": output.zero,
        "low": output.low, "high": output.high,
        "multiplier": op.scale.multiplier, "shift": op.scale.shift,
    }  # fmt: skip


LUT_XPULP = replace(
    LUT_S8,
    symbol="lut_xpulp",
    header=HEADER,
    source=SOURCE,
    cycles=_lut_cycles,
    terms=None,
    code_bytes=120,
    streaming=None,
    replaces=0,
    includes=INCLUDES,
)

MAPPED_MUL_XPULP = replace(
    MAPPED_MUL_S8,
    symbol="mapped_mul_xpulp",
    header=HEADER,
    source=SOURCE,
    cycles=_mul_cycles,
    code_bytes=250,
    includes=INCLUDES,
)

RESCALED_MUL_XPULP = Kernel(
    op=RescaledMul,
    symbol="rescaled_mul_xpulp",
    struct="rescaled_mul_xpulp_args",
    header=HEADER,
    source=SOURCE,
    pointers=("a", "b", "y"),
    variant=rounds_as(Rounding.HALF_UP, wraps=True),
    refuse=_refuse_mul,
    fields=_mul_fields,
    items=output_elements,
    cycles=_mul_cycles,
    code_bytes=250,
    includes=INCLUDES,
)

POINTWISE_XPULP = (LUT_XPULP, MAPPED_MUL_XPULP, RESCALED_MUL_XPULP)
