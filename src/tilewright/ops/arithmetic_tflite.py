"""Addition and multiplication of int8 values as the ``tflite`` contract does them."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Op
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.elementwise import broadcast_reads, broadcast_shape
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding, rescale

ADD_LEFT_SHIFT = 20
"""Fractional bits of the scale that both summands are brought to."""


@dataclass(frozen=True, slots=True)
class _QBinary(Op):
    """Two broadcast int8 inputs, int8 output."""

    def infer(self, *inputs: TensorType) -> TensorType:
        """Broadcast shape, int8."""
        return TensorType(DType.S8, broadcast_shape(*inputs))

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Broadcast."""
        return broadcast_reads(*inputs)


@dataclass(frozen=True, slots=True)
class QAdd(_QBinary):
    """y = output(scaled(a) + scaled(b)), scaled(x) = rescale((x - x_zero) * 2**20, x_scale).

    a_scale, b_scale  from an input's scale to twice the larger one: at most 1/2, shift <= 0
    sum_scale         from there, and from 20 fractional bits, to the output's scale; below 1
    Source: ADD of the TensorFlow Lite reference kernels.
    """

    a_zero: int
    b_zero: int
    a_scale: FixedPoint
    b_scale: FixedPoint
    sum_scale: FixedPoint
    output: Requantise = Requantise(Rounding.DOUBLE)

    def evaluate(self, *inputs: Array) -> Array:
        """Three roundings: one per summand and one of the sum."""
        a, b = (x.astype(np.int64) for x in inputs)
        total = _scaled(a - self.a_zero, self.a_scale) + _scaled(b - self.b_zero, self.b_scale)
        point = self.sum_scale
        return self.output.apply(total, point.multiplier, point.shift)


@dataclass(frozen=True, slots=True)
class QMul(_QBinary):
    """y = output((a - a_zero) * (b - b_zero)), rescaled by ``scale``.

    Source: MUL of the TensorFlow Lite reference kernels.
    """

    a_zero: int
    b_zero: int
    scale: FixedPoint
    output: Requantise = Requantise(Rounding.DOUBLE)

    def evaluate(self, *inputs: Array) -> Array:
        """Exact product, one requantisation."""
        a, b = (x.astype(np.int64) for x in inputs)
        product = (a - self.a_zero) * (b - self.b_zero)
        point = self.scale
        return self.output.apply(product, point.multiplier, point.shift)


def _scaled(centred: Array, point: FixedPoint) -> Array:
    wide = centred << ADD_LEFT_SHIFT
    return rescale(wide, point.multiplier, point.shift, Rounding.DOUBLE)
