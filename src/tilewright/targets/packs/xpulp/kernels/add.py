"""Binding of add_xpulp: sums under the tflite contract."""

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import DType
from tilewright.ops.arithmetic_tflite import QAdd
from tilewright.ops.rescale import FixedPoint
from tilewright.targets.packs.portable.kernels.counts import output_elements
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.xpulp.kernels.shared import COMMON, CORES, HERE

HALF = FixedPoint(1 << 30, 0)
"""The scale of the operand that has the common one."""

MOST_SHIFT = 30
"""To the right; xp_requantise.h's short form."""


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QAdd)
    if any(t.size != signature.output.size for t in signature.inputs):
        return "an operand is repeated"
    if HALF not in (op.a_scale, op.b_scale):
        return "neither operand has the common scale"
    if not -MOST_SHIFT <= op.sum_scale.shift < 0:
        return f"the sum is shifted by {op.sum_scale.shift}"
    return wrong_types(signature, (DType.S8, DType.S8), DType.S8)


def _fields(op: Op, signature: Signature) -> Fields:
    del signature
    assert isinstance(op, QAdd)
    a, b = (op.a_zero, op.a_scale), (op.b_zero, op.b_scale)
    half_is_a = op.a_scale == HALF
    (half_zero, _), (other_zero, other) = (a, b) if half_is_a else (b, a)
    return {
        "half_is_a": int(half_is_a), "half_zero": half_zero, "other_zero": other_zero,
        "other_multiplier": other.multiplier, "other_shift": other.shift,
        "y_zero": op.output.zero,
        "multiplier": op.sum_scale.multiplier, "shift": op.sum_scale.shift,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _scratch_bytes(op: Op, signature: Signature) -> int:
    del op, signature
    return 1024


def _cycles(op: Op, signature: Signature) -> int:
    del op
    return CORES * 3500 + 20 * signature.output.size


ADD_XPULP = Kernel(
    op=QAdd,
    symbol="add_xpulp",
    struct="add_xpulp_args",
    header=HERE / "add_xpulp.h",
    source=HERE / "add_xpulp.c",
    pointers=("a", "b", "y"),
    refuse=_refuse,
    fields=_fields,
    items=output_elements,
    cycles=_cycles,
    code_bytes=1300,
    scratch_bytes=_scratch_bytes,
    includes=COMMON,
)
