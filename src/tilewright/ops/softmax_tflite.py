"""Softmax of int8 values as the ``tflite`` contract does it: integers from end to end."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Op, Whole
from tilewright.ir.types import Array, DType, Quantisation, TensorType
from tilewright.ops.fixed_tflite import (
    EXP_INTEGER_BITS,
    exp_on_negative_values,
    reciprocal_of_one_plus,
)
from tilewright.ops.rescale import (
    Rounding,
    clip,
    doubling_high_multiply,
    fixed_point,
    rounding_shift_right,
)
from tilewright.ops.softmax import row_reads

SUM_INTEGER_BITS = 12
"""Sums of exponentials are Q12.19: rows of up to 4096 elements."""

OUTPUT = Quantisation((1 / 256,), (-128,))
"""The one quantisation that the reference's int8 softmax produces."""


@dataclass(frozen=True, slots=True)
class QSoftmax(Op):
    """Softmax over the last dimension. Inputs: x s8[...,C], table s32[256].

    table[d] is exp(-d * beta * scale) as Q0.31, see ``exp_table``; y has quantisation ``OUTPUT``.
    With m the row's maximum: y = round(table[m - x] / sum(table[m - x])) * 256 - 128, the quotient
    by a Newton reciprocal of the sum.
    Source: SOFTMAX of the TensorFlow Lite reference kernels.
    """

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, int8. Raises ValueError for rows whose sum could overflow."""
        x, table = inputs
        if table != TensorType(DType.S32, (256,)) or not x.shape:
            raise ValueError(f"softmax wants x[...,C] and a table s32[256], got {x} and {table}")
        if x.shape[-1] >= 1 << SUM_INTEGER_BITS:
            raise ValueError(
                f"softmax over {x.shape[-1]} elements: sums have {SUM_INTEGER_BITS} integer bits, "
                f"at most {(1 << SUM_INTEGER_BITS) - 1} elements fit"
            )
        return TensorType(DType.S8, x.shape)

    def evaluate(self, *inputs: Array) -> Array:
        """Exponentials by table, reciprocal of their sum, one product each."""
        x, table = (a.astype(np.int64) for a in inputs)
        exps = table[x.max(axis=-1, keepdims=True) - x]
        total = rounding_shift_right(exps, SUM_INTEGER_BITS).sum(axis=-1, keepdims=True)
        # The sum as 1.f * 2**(bits - 1): its leading one is dropped, f is what remains.
        leading_zeros = 31 - np.floor(np.log2(total)).astype(np.int64)
        fraction = (total << leading_zeros) - (1 << 31)
        reciprocal = reciprocal_of_one_plus(fraction)
        shift = SUM_INTEGER_BITS - leading_zeros + 31 - 8
        parts = doubling_high_multiply(reciprocal, exps)
        scaled = rounding_shift_right(parts, np.minimum(shift, 31))
        # Beyond a sum of 512 every quotient is less than half a step of 1/256.
        return clip(np.where(shift > 31, 0, scaled) - 128, -128, 127)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Whole rows, the whole table."""
        return row_reads(inputs[0]), (Whole(),)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Rows are normalised as a whole."""
        return frozenset({len(inputs[0].shape) - 1})


def exp_table(beta: float, scale: float) -> Array:
    """s32[256]: exp(-d * beta * scale) as Q0.31 for d in [0, 255]; 0 beyond the argument's range.

    Raises ValueError where beta * scale is too small to be told from zero.
    """
    fraction_bits = 31 - EXP_INTEGER_BITS
    point = fixed_point(min(beta * scale * 2.0**fraction_bits, 2.0**31 - 1.0), Rounding.DOUBLE)
    if point.shift < 0:
        raise ValueError(f"beta {beta:.3g} * scale {scale:.3g} is below 2**-{fraction_bits}")
    largest = (((1 << EXP_INTEGER_BITS) - 1) << fraction_bits) >> point.shift
    distance = np.arange(256, dtype=np.int64)
    reached = np.minimum(distance, largest)
    argument = doubling_high_multiply(-reached << point.shift, point.multiplier)
    table = np.where(distance <= largest, exp_on_negative_values(argument), 0)
    return table.astype(np.int32)
