"""Mean of int8 values over whole dimensions as the ``tflite`` contract does it."""

from dataclasses import dataclass
from math import prod

import numpy as np

from tilewright.ir.op import Access, Op
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.reduce import reduced_reads, reduced_shape
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding


@dataclass(frozen=True, slots=True)
class QMean(Op):
    """y = output(sum(x - x_zero)) over ``axes``; ``scale`` contains the division by the count.

    Source: MEAN of the TensorFlow Lite reference kernels.
    """

    axes: tuple[int, ...]
    keeps_dims: bool
    x_zero: int
    scale: FixedPoint
    output: Requantise = Requantise(Rounding.DOUBLE)

    def infer(self, *inputs: TensorType) -> TensorType:
        """Reduced shape, int8."""
        shape = reduced_shape(inputs[0], self.axes, keeps_dims=self.keeps_dims)
        return TensorType(DType.S8, shape)

    def evaluate(self, *inputs: Array) -> Array:
        """Exact sum, one requantisation."""
        centred = inputs[0].astype(np.int64) - self.x_zero
        total = np.asarray(centred.sum(axis=self.axes, keepdims=self.keeps_dims))
        point = self.scale
        return self.output.apply(total, point.multiplier, point.shift)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Reduced dimensions in full."""
        return (reduced_reads(inputs[0], self.axes, keeps_dims=self.keeps_dims),)


def reduced_count(x: TensorType, axes: tuple[int, ...]) -> int:
    """How many elements each mean is taken over."""
    return prod(x.shape[axis] for axis in axes)


def divided(scale: FixedPoint, count: int) -> FixedPoint:
    """scale / count as the reference divides it.

    The multiplier gains as many bits as the count loses before the integer division truncates.
    """
    bits = min(count.bit_length() - 1, 32, 31 + scale.shift)
    return FixedPoint((scale.multiplier << bits) // count, scale.shift - bits)
