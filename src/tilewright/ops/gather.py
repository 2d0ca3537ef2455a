"""Rows of a table, chosen at run time: embeddings, look-ups."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, TensorType


@dataclass(frozen=True, slots=True)
class Gather(Op):
    """y[p, i, s] = x[p, index[i], s]: ``index`` in the place of dimension ``axis`` of x.

    Inputs: x[P...,V,S...] of any element type, index[I...] s32. An index below 0 counts from the
    end; one outside of [-V, V) is moved to the nearest row, so nothing beside x is ever read.
    """

    axis: int = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        """[P...,I...,S...]. Raises ValueError for an axis that x does not have."""
        x, index = inputs
        if not 0 <= self.axis < len(x.shape) or index.dtype is not DType.S32:
            raise ValueError(f"cannot choose from axis {self.axis} of {x} with {index}")
        shape = (*x.shape[: self.axis], *index.shape, *x.shape[self.axis + 1 :])
        return TensorType(x.dtype, shape)

    def evaluate(self, *inputs: Array) -> Array:
        """As numpy does, after bringing every index into range."""
        x, index = inputs
        rows = x.shape[self.axis]
        from_front = np.where(index < 0, index.astype(np.int64) + rows, index)
        return np.take(x, np.clip(from_front, 0, rows - 1), self.axis)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Any row may be wanted; everything else goes along."""
        x, index = inputs
        grown = len(index.shape) - 1
        before: Access = tuple(Along(d) for d in range(self.axis))
        after: Access = tuple(Along(d + grown) for d in range(self.axis + 1, len(x.shape)))
        chosen: Access = tuple(Along(self.axis + d) for d in range(len(index.shape)))
        return (*before, Whole(), *after), chosen
