"""Binding of add_helium."""

from functools import cache

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import DType
from tilewright.ops.arithmetic_tflite import ADD_LEFT_SHIFT, QAdd
from tilewright.ops.rescale import FixedPoint, doubling_high_multiply, rounding_shift_right
from tilewright.targets.packs.helium.kernels.variants import HERE
from tilewright.targets.packs.portable.kernels.counts import output_elements
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.terms import groups

HALF = FixedPoint(1 << 30, 0)


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QAdd)
    if any(t.size != signature.output.size for t in signature.inputs):
        return "an operand is repeated"
    if HALF not in (op.a_scale, op.b_scale):
        return "neither operand has the common scale"
    return wrong_types(signature, (DType.S8, DType.S8), DType.S8)


@cache
def _has_negative_ties(zero: int, scale: FixedPoint) -> bool:
    """Whether rounding ties up, as VRSHL does, changes any of the 256 values of an operand."""
    wide = (np.arange(-128, 128, dtype=np.int64) - zero) << ADD_LEFT_SHIFT
    scaled = doubling_high_multiply(wide, scale.multiplier)
    up = (scaled + ((1 << -scale.shift) >> 1)) >> -scale.shift
    return bool((up != rounding_shift_right(scaled, -scale.shift)).any())


def _fields(op: Op, signature: Signature) -> Fields:
    del signature
    assert isinstance(op, QAdd)
    a, b = (op.a_zero, op.a_scale), (op.b_zero, op.b_scale)
    half_is_a = op.a_scale == HALF
    (half_zero, _), (other_zero, other) = (a, b) if half_is_a else (b, a)
    return {
        "half_is_a": int(half_is_a), "half_zero": half_zero, "other_zero": other_zero,
        "other_multiplier": other.multiplier, "other_shift": other.shift,
        "other_has_negative_ties": int(_has_negative_ties(other_zero, other)),
        "y_zero": op.output.zero,
        "multiplier": op.sum_scale.multiplier, "shift": op.sum_scale.shift,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Vectors of four; ties that may lie below zero take longer."""
    assert isinstance(op, QAdd)
    vectors, fields = groups(signature.output.size, 4), _fields(op, signature)
    is_slow = fields["other_has_negative_ties"] or op.output.low < op.output.zero
    return (0, vectors) if is_slow else (vectors, 0)


ADD_HELIUM = Kernel(
    op=QAdd,
    symbol="add_helium",
    struct="add_helium_args",
    header=HERE / "add_helium.h",
    source=HERE / "add_helium.c",
    pointers=("a", "b", "y"),
    refuse=_refuse,
    fields=_fields,
    items=output_elements,
    terms=Terms(("vectors", "slow_vectors"), _terms),
    streaming=Streaming(inputs=(0, 1), block_axes=0),
    includes=(HERE / "helium_rescale.h",),
)
