"""Fully connected layers: matrix products with constant weights."""

from dataclasses import dataclass, replace
from math import inf
from typing import Self

import numpy as np

from tilewright.ir.op import Access, Along, Op, Reduced, Split, Whole
from tilewright.ir.types import Array, DType, Span, TensorType
from tilewright.ops.requantise import Requantise, RescaleSums
from tilewright.ops.rescale import Rounding


@dataclass(frozen=True, slots=True)
class _DenseShape(Op):
    """x[...,K]  w[O,K]  bias[O] …  ->  y[...,O]; leading dimensions of x are independent rows."""

    def output_shape(self, *inputs: TensorType) -> tuple[int, ...]:
        """[...,O]. Raises ValueError where K differs."""
        x, w = inputs[0], inputs[1]
        if len(w.shape) != 2 or not x.shape or x.shape[-1] != w.shape[1]:
            raise ValueError(f"a dense layer wants x[...,K] and weights [O,K], got {x} and {w}")
        return (*x.shape[:-1], w.shape[0])

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Rows go along; K is reduced; weights follow the output feature."""
        last = len(inputs[0].shape) - 1
        x: Access = (*(Along(axis) for axis in range(last)), Reduced())
        tables = tuple((Along(last),) if t.shape[0] > 1 else (Whole(),) for t in inputs[2:])
        return x, (Along(last), Reduced()), *tables

    def macs(self, *inputs: TensorType) -> int:
        """One per row and weight."""
        return inputs[0].size // inputs[0].shape[-1] * inputs[1].size


@dataclass(frozen=True, slots=True)
class Dense(_DenseShape):
    """y = clip(x @ w.T + bias, low, high) in real numbers. Inputs: x, w, bias."""

    low: float = -inf
    high: float = inf

    def infer(self, *inputs: TensorType) -> TensorType:
        """Real numbers out."""
        return TensorType(DType.F32, self.output_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Sums in float64, rounded to float32 once."""
        x, w, bias = (a.astype(np.float64) for a in inputs)
        return np.clip(x @ w.T + bias, self.low, self.high).astype(np.float32)


@dataclass(frozen=True, slots=True)
class QDense(_DenseShape):
    """int8 dense layer: y = output(x @ (w - w_zero).T + bias).

    Inputs: x s8, w s8, bias s32[O], multiplier s32[O or 1], shift s8[O or 1]; ``bias`` has the
    input's zero point folded in, as in QConv2d.
    """

    output: Requantise = Requantise(Rounding.DOUBLE)
    w_zero: int = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        """int8 in, int8 out."""
        return TensorType(DType.S8, self.output_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Exact sums, one requantisation."""
        x, w, bias, multiplier, shift = (a.astype(np.int64) for a in inputs)
        return self.output.apply(x @ (w - self.w_zero).T + bias, multiplier, shift)

    def split(self, *inputs: TensorType) -> Split:
        """QDenseSum, then RescaleSums."""
        del inputs
        return Split(QDenseSum(self.w_zero), (0, 1, 2), RescaleSums(self.output), (3, 4))


@dataclass(frozen=True, slots=True)
class QDenseSum(_DenseShape):
    """int32 sums of a dense layer: y = x @ (w - w_zero).T + bias. Inputs: x s8, w s8, bias s32[O].

    adds  for a part of K that is not the first: without the bias, to be added to what y holds
    """

    w_zero: int = 0
    adds: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        """int32 out."""
        return TensorType(DType.S32, self.output_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Exact; whoever made the layer proved that every partial sum fits int32."""
        x, w, bias = (a.astype(np.int64) for a in inputs)
        return (x @ (w - self.w_zero).T + (0 if self.adds else bias)).astype(np.int32)

    def on_part(self, part: Span) -> Self:
        """The bias belongs to the first part."""
        return replace(self, adds=part.start > 0)

    def adds_up(self) -> bool:
        """For later parts."""
        return self.adds
