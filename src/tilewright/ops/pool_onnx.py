"""Means of int8 tensors, rounded once: the ``onnx`` and ``pulp`` contracts."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, Region, TensorType
from tilewright.ops.reduce import reduced_reads, reduced_shape
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint
from tilewright.ops.window2d import Window2d


@dataclass(frozen=True, slots=True)
class RescaledAveragePool2d(Op):
    """y = output(sum(x - x_zero) over the window), with a scale that divides by the count.

    Inputs: x s8[N,H,W,C], multiplier s32[counts], shift s8[counts]. Entry n - 1 is for windows with
    n elements inside the input; one entry serves every window.
    """

    window: Window2d
    x_zero: int
    output: Requantise

    def infer(self, *inputs: TensorType) -> TensorType:
        """[N,OH,OW,C] int8."""
        x, multiplier, shift = inputs
        if len(x.shape) != 4:
            raise ValueError(f"pooling wants x[N,H,W,C], got {x}")
        positions = self.window.kernel[0] * self.window.kernel[1]
        if multiplier.shape != shift.shape or multiplier.size not in (1, positions):
            raise ValueError(f"scales {multiplier}, {shift} do not fit windows of {positions}")
        n, h, w, c = x.shape
        return TensorType(DType.S8, (n, *self.window.output_size(h, w), c))

    def evaluate(self, *inputs: Array) -> Array:
        """Padding adds nothing to a sum."""
        x, multiplier, shift = (a.astype(np.int64) for a in inputs)
        total = self.window.patches(x - self.x_zero, 0).sum(axis=(3, 4))
        counts = self.window.valid_counts(x.shape[1], x.shape[2])[None, :, :, None]
        entry = np.clip(counts, 1, multiplier.size) - 1
        return self.output.apply(total, multiplier[entry], shift[entry])

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Rows and columns slide, channels go along."""
        del inputs
        rows, cols = self.window.along()
        return (Along(0), rows, cols, Along(3)), (Whole(),), (Whole(),)

    def on_tile(self, out: Region, *inputs: TensorType) -> Self:
        """The same pooling with the padding that the tile still needs."""
        _, height, width, _ = inputs[0].shape
        return replace(self, window=self.window.on_tile(out[1], out[2], height, width))


@dataclass(frozen=True, slots=True)
class RescaledMean(Op):
    """y = output(sum(x - x_zero) over ``axes``), with a scale that divides by the count."""

    axes: tuple[int, ...]
    keeps_dims: bool
    x_zero: int
    scale: FixedPoint
    output: Requantise

    def infer(self, *inputs: TensorType) -> TensorType:
        """Reduced shape, int8."""
        shape = reduced_shape(inputs[0], self.axes, keeps_dims=self.keeps_dims)
        return TensorType(DType.S8, shape)

    def evaluate(self, *inputs: Array) -> Array:
        """One rounding of the exact sum times the real scale."""
        centred = inputs[0].astype(np.int64) - self.x_zero
        total = np.asarray(centred.sum(axis=self.axes, keepdims=self.keeps_dims))
        multiplier, shift = np.array(self.scale.multiplier), np.array(self.scale.shift)
        return self.output.apply(total, multiplier, shift)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Reduced dimensions in full."""
        return (reduced_reads(inputs[0], self.axes, keeps_dims=self.keeps_dims),)
