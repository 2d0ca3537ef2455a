"""Rows of a table, chosen at run time: embeddings, look-ups."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from tilewright.ir.op import Access, Along, Op, Reduced, Split, Whole
from tilewright.ir.types import Array, DType, Span, TensorType
from tilewright.ops.layout import Copy


def gathered_type(axis: int, *inputs: TensorType) -> TensorType:
    """[P...,I...,S...]. Raises ValueError for an axis that x does not have."""
    x, index = inputs
    if not 0 <= axis < len(x.shape) or index.dtype is not DType.S32:
        raise ValueError(f"cannot choose from axis {axis} of {x} with {index}")
    return TensorType(x.dtype, (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]))


def gathered_reads(axis: int, rows: Whole, *inputs: TensorType) -> tuple[Access, ...]:
    """Any of the ``rows`` may be wanted; everything else goes along."""
    x, index = inputs
    grown = len(index.shape) - 1
    before: Access = tuple(Along(d) for d in range(axis))
    after: Access = tuple(Along(d + grown) for d in range(axis + 1, len(x.shape)))
    chosen: Access = tuple(Along(axis + d) for d in range(len(index.shape)))
    return (*before, rows, *after), chosen


def row_of(index: Array, rows: int) -> Array:
    """The row that each index means."""
    from_front = np.where(index < 0, index.astype(np.int64) + rows, index)
    return np.clip(from_front, 0, rows - 1)


@dataclass(frozen=True, slots=True)
class Gather(Op):
    """y[p, i, s] = x[p, index[i], s]: ``index`` in the place of dimension ``axis`` of x.

    Inputs: x[P...,V,S...] of any element type, index[I...] s32. An index below 0 counts from the
    end; one outside of [-V, V) is moved to the nearest row, so nothing beside x is ever read.
    """

    axis: int = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        """The index in the place of the axis."""
        return gathered_type(self.axis, *inputs)

    def evaluate(self, *inputs: Array) -> Array:
        """As numpy does, after bringing every index into range."""
        x, index = inputs
        return np.take(x, row_of(index, x.shape[self.axis]), self.axis)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Any row."""
        return gathered_reads(self.axis, Whole(), *inputs)

    def split(self, *inputs: TensorType) -> Split | None:
        """GatherSum over the rows, then a copy; a number without dimensions has no tiles."""
        if not gathered_type(self.axis, *inputs).shape:
            return None
        sums = GatherSum(self.axis, inputs[0].shape[self.axis])
        return Split(sums, (0, 1), Copy())


@dataclass(frozen=True, slots=True)
class GatherSum(Op):
    """Gather as a sum over the rows of x, of which all but one are taken zero times.

    rows   of the whole table
    first  number of the first row that x has
    adds   for a part of the rows that is not the first: to be added to what y holds
    """

    axis: int
    rows: int
    first: int = 0
    adds: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        """As Gather."""
        return gathered_type(self.axis, *inputs)

    def evaluate(self, *inputs: Array) -> Array:
        """The rows that x has, zeros for others."""
        x, index = inputs
        row = row_of(index, self.rows) - self.first
        is_here = (row >= 0) & (row < x.shape[self.axis])
        taken = np.take(x, np.where(is_here, row, 0), self.axis)
        mask = is_here.reshape((*is_here.shape, *[1] * (x.ndim - self.axis - 1)))
        return np.where(mask, taken, np.zeros((), x.dtype))

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Rows part by part."""
        return gathered_reads(self.axis, Reduced(), *inputs)

    def on_part(self, part: Span) -> Self:
        """Rows keep their numbers."""
        return replace(self, first=part.start, adds=part.start > 0)

    def adds_up(self) -> bool:
        """For later parts."""
        return self.adds
