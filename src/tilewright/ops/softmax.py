"""Softmax over the last dimension."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, TensorType


def row_reads(x: TensorType) -> Access:
    """The last dimension in full, the others go along."""
    return (*(Along(axis) for axis in range(len(x.shape) - 1)), Whole())


@dataclass(frozen=True, slots=True)
class Softmax(Op):
    """y = exp(beta*x) / sum(exp(beta*x)) along the last dimension, in real numbers."""

    beta: float = 1.0

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, real numbers."""
        return TensorType(DType.F32, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """In float64 after subtracting the row's maximum, rounded to float32 once."""
        x = inputs[0].astype(np.float64) * self.beta
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return (e / e.sum(axis=-1, keepdims=True)).astype(np.float32)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Whole rows."""
        return (row_reads(inputs[0]),)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Rows are normalised as a whole."""
        return frozenset({len(inputs[0].shape) - 1})
