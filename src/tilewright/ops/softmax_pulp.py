"""Softmax of integers as the ``pulp`` contract's dialect does it: iSoftmax, ITAMax, ITAPartialMax.

Results are unsigned, 0 .. levels - 1, and stored minus 128. Divisions truncate.
"""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Op, Whole
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.softmax import row_reads

ZERO = -128
"""What is stored for 0."""


def _check_levels(levels: int) -> None:
    if not 2 <= levels <= 256:
        raise ValueError(f"{levels} levels; there are 2 to 256")


@dataclass(frozen=True, slots=True)
class RatioSoftmax(Op):
    """y = e * (levels - 1) / sum(e) with e = table[largest - x], along the last dimension.

    Inputs: x s8[...,N], table s32[256], all >= 0. Its maker promises that a row's sum and
    ``table * (levels - 1)`` stay below 2**32 and that no sum is 0.
    """

    levels: int

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, int8. Raises ValueError for other tables."""
        _check_levels(self.levels)
        if inputs[1] != TensorType(DType.S32, (256,)):
            raise ValueError(f"the table is {inputs[1]}, not s32[256]")
        return TensorType(DType.S8, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """All in int64."""
        x, table = (a.astype(np.int64) for a in inputs)
        e = table[x.max(axis=-1, keepdims=True) - x]
        return (e * (self.levels - 1) // e.sum(axis=-1, keepdims=True) + ZERO).astype(np.int8)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Whole rows and the table."""
        return row_reads(inputs[0]), (Whole(),)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Rows are divided by their own sums."""
        return frozenset({len(inputs[0].shape) - 1})


@dataclass(frozen=True, slots=True)
class ShiftSoftmax(Op):
    """Softmax to the base 2**(1/32) by shifts, along the last dimension. Input: x s8[...,N].

    With d(a, b) = (a - b + 16) >> 5:

    group = 0  sum = total of 256 >> d(largest, x); inverse = (levels - 1) * 256 / sum
               y = inverse >> d(largest, x)
    group > 0  the largest element and the sum are found group by group: where a group has a larger
               element, the sum so far is shifted by d(it, the one before). What does not fill a
               group is not summed. inverse = (levels / 2 - 1) * 256 / sum
    """

    levels: int
    group: int = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, int8. Raises ValueError for groups that are longer than a row."""
        _check_levels(self.levels)
        if not 0 <= self.group <= inputs[0].shape[-1]:
            raise ValueError(f"groups of {self.group} in rows of {inputs[0]}")
        return TensorType(DType.S8, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """Row by row, all in int64."""
        x = inputs[0].astype(np.int64)
        group = self.group or x.shape[-1]
        largest, total = x[..., :group].max(axis=-1), np.zeros(x.shape[:-1], np.int64)
        for start in range(0, x.shape[-1] // group * group, group):
            part = x[..., start : start + group]
            higher = np.maximum(largest, part.max(axis=-1))
            total = total >> (higher - largest + 16 >> 5)
            largest = higher
            total += (256 >> (largest[..., None] - part + 16 >> 5)).sum(axis=-1)
        most = self.levels // 2 - 1 if self.group else self.levels - 1
        # Elements behind the last group may be larger than all that were looked at.
        shift = np.maximum(largest[..., None] - x + 16 >> 5, 0)
        return (((most * 256 // total)[..., None] >> shift) + ZERO).astype(np.int8)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Whole rows."""
        return (row_reads(inputs[0]),)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Rows are divided by their own sums."""
        return frozenset({len(inputs[0].shape) - 1})
