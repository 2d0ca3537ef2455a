"""Binding of add_s8_dsp_tflite.c: sums of two int8 tensors of one shape."""

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import DType
from tilewright.ops.arithmetic_tflite import ADD_LEFT_SHIFT, QAdd
from tilewright.ops.rescale import FixedPoint
from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE
from tilewright.targets.packs.arm_dsp.kernels.words import is_clipped
from tilewright.targets.packs.portable.kernels.counts import output_elements
from tilewright.targets.packs.portable.kernels.quick_loops import QUICK_LOOPS
from tilewright.targets.packs.portable.kernels.refusals import wrong_types

HALF = FixedPoint(1 << 30, 0)


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QAdd)
    if any(t.size != signature.output.size for t in signature.inputs):
        return "an operand is repeated"
    if HALF not in (op.a_scale, op.b_scale):
        return "neither operand has the common scale"
    if op.sum_scale.multiplier == 0:
        return "the sum's scale is zero"
    if any(not -31 <= s.shift <= 0 for s in (op.a_scale, op.b_scale, op.sum_scale)):
        return "a scale's shift is not to the right by up to 31"
    return wrong_types(signature, (DType.S8, DType.S8), DType.S8)


def _fields(op: Op, signature: Signature) -> Fields:
    del signature
    assert isinstance(op, QAdd)
    a, b = (op.a_zero, op.a_scale), (op.b_zero, op.b_scale)
    half_is_a = op.a_scale == HALF
    (half_zero, _), (other_zero, other) = (a, b) if half_is_a else (b, a)
    return {
        "half_is_a": int(half_is_a),
        "half_offset": -half_zero << (ADD_LEFT_SHIFT - 1),
        "other_offset": -other_zero << (ADD_LEFT_SHIFT + 1),
        "other_multiplier": other.multiplier, "other_shift": -other.shift,
        "multiplier": 2 * op.sum_scale.multiplier - 2**32, "shift": -op.sum_scale.shift,
        "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, QAdd)
    count = signature.output.size
    return count // 4, count % 4, is_clipped(op.output) * count


ADD_S8_DSP = Kernel(
    op=QAdd,
    symbol="add_s8_dsp_tflite",
    struct="add_s8_dsp_args",
    header=HERE / "add_s8_dsp.h",
    source=HERE / "add_s8_dsp_tflite.c",
    pointers=("a", "b", "y"),
    refuse=_refuse,
    fields=_fields,
    items=output_elements,
    terms=Terms(("fours", "rest", "clipped"), _terms),
    streaming=Streaming(inputs=(0, 1), block_axes=0),
    includes=(HERE / "dsp_requantise.h", HERE / "dsp_words.h", QUICK_LOOPS),
)
