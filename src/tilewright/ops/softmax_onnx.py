"""Softmax of int8 rows in integers, without a logarithm of fixed-point tricks: a table of
exponentials, one division per row. At most 1 LSB from real softmax, rounded.

    e[d]   = round(2**bits * exp(-d * step)), d = largest - x in 0 .. 255
    factor = floor(multiplier * 2**bits / sum(e))
    y      = clip(round(e * factor / 2**(shift + bits)) + zero)

where multiplier / 2**shift is the inverse of the output's scale.
"""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Op, Whole
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding, clip, fixed_point, round_shift
from tilewright.ops.softmax import row_reads

LARGEST_BITS = 22


@dataclass(frozen=True, slots=True)
class TableSoftmax(Op):
    """Softmax along the last dimension. Inputs: x s8, table s32[256] of exponentials.

    bits    table entry 0 is 2**bits; sums of a row stay inside int32
    scale   inverse of the output's scale: multiplier / 2**shift, shift + bits <= 62
    """

    bits: int
    scale: FixedPoint
    output: Requantise

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, int8."""
        x, table = inputs
        if table.shape != (256,):
            raise ValueError(f"a table has 256 entries, not {table}")
        if not x.shape or x.shape[-1] << self.bits > 2**31 - 1:
            raise ValueError(f"rows of {x} have too many elements for {self.bits} fraction bits")
        return TensorType(DType.S8, x.shape)

    def evaluate(self, *inputs: Array) -> Array:
        """All in int64; the division truncates."""
        x, table = (a.astype(np.int64) for a in inputs)
        e = table[x.max(axis=-1, keepdims=True) - x]
        factor = (self.scale.multiplier << self.bits) // e.sum(axis=-1, keepdims=True)
        shift = np.array(self.scale.shift + self.bits)
        rounded = round_shift(e * factor, shift, self.output.rounding)
        return clip(rounded + self.output.zero, self.output.low, self.output.high)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Whole rows; the table in full."""
        return row_reads(inputs[0]), (Whole(),)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Rows are normalised as a whole."""
        return frozenset({len(inputs[0].shape) - 1})


def row_bits(length: int) -> int:
    """Fraction bits of exponentials with which a row's sum stays inside int32.

    Raises ValueError for rows so long that less than eight would be left.
    """
    bits = min(LARGEST_BITS, 30 - (length - 1).bit_length())
    if bits < 8:
        raise ValueError(f"rows of {length} elements are too long for an integer softmax")
    return bits


def exponentials(step: float, bits: int) -> Array:
    """round(2**bits * exp(-d * step)) for d in 0 .. 255, int32.

    step  real distance of two neighbouring inputs
    """
    return np.rint(np.exp(-step * np.arange(256.0)) * 2.0**bits).astype(np.int32)


def inverse_scale(y_scale: float, bits: int) -> FixedPoint:
    """1 / y_scale. Raises ValueError where the final shift would leave int64."""
    point = fixed_point(1.0 / y_scale, Rounding.HALF_EVEN)
    if point.shift + bits > 62:
        raise ValueError(f"the output's scale {y_scale:.3g} is too large for a softmax")
    return point
