"""The last step of every layer with an int32 accumulator: scale, recentre, clip to int8."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.rescale import Rounding, clip, rescale


@dataclass(frozen=True, slots=True)
class Requantise:
    """What happens to an accumulator of output channel o: int8 out.

    y = clip(rescale(acc, multiplier[o], shift[o]) + zero, low, high)

    Whoever makes a layer under HALF_UP promises that
    acc * multiplier[o] + half + zero * 2**shift[o] stays in int32 for every accumulator: engines
    may add before they shift. Under WRAPPING nobody promises anything: sums and products are
    modulo 2**32, and the zero point is added after the shift.
    """

    rounding: Rounding
    zero: int = 0
    low: int = -128
    high: int = 127

    def apply(self, acc: Array, multiplier: Array | int, shift: Array | int) -> Array:
        """acc [..., O] int32; multiplier, shift [O] or [1]."""
        return clip(rescale(acc, multiplier, shift, self.rounding) + self.zero, self.low, self.high)

    def __str__(self) -> str:
        return f"{self.rounding.value}, zero {self.zero}, clip {self.low}..{self.high}"


@dataclass(frozen=True, slots=True)
class RescaleSums(Op):
    """int8 from int32 sums: y = output(sums). Inputs: sums s32[...,O], multiplier s32[O or 1],
    shift s8[O or 1]."""

    output: Requantise

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, int8."""
        return TensorType(DType.S8, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """One requantisation."""
        sums, multiplier, shift = (a.astype(np.int64) for a in inputs)
        return self.output.apply(sums, multiplier, shift)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element; tables follow the last dimension."""
        last = len(inputs[0].shape) - 1
        sums: Access = tuple(Along(axis) for axis in range(last + 1))
        tables = tuple((Along(last),) if t.shape[0] > 1 else (Whole(),) for t in inputs[1:])
        return sums, *tables
