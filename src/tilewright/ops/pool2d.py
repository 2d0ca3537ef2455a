"""Pooling over sliding windows, NHWC."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from tilewright.ir.op import Access, Along, Op
from tilewright.ir.types import Array, DType, Region, TensorType
from tilewright.ops.window2d import Window2d


@dataclass(frozen=True, slots=True)
class _Pool2dShape(Op):
    """x[N,H,W,C]  ->  y[N,OH,OW,C]."""

    window: Window2d

    def output_shape(self, *inputs: TensorType) -> tuple[int, ...]:
        """[N,OH,OW,C]. Raises ValueError where the window does not fit."""
        x = inputs[0]
        if len(x.shape) != 4:
            raise ValueError(f"pooling wants x[N,H,W,C], got {x}")
        n, h, w, c = x.shape
        return (n, *self.window.output_size(h, w), c)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Rows and columns slide, channels go along."""
        del inputs
        rows, cols = self.window.along()
        return ((Along(0), rows, cols, Along(3)),)

    def on_tile(self, out: Region, *inputs: TensorType) -> Self:
        """The same pooling with the padding that the tile still needs."""
        _, height, width, _ = inputs[0].shape
        return replace(self, window=self.window.on_tile(out[1], out[2], height, width))


@dataclass(frozen=True, slots=True)
class MaxPool2d(_Pool2dShape):
    """Largest element of each window; padding never wins. Any element type, kept as it is."""

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same element type."""
        return TensorType(inputs[0].dtype, self.output_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Padding reads the smallest value that the type has."""
        (x,) = inputs
        dtype = DType(x.dtype.name)
        lowest = -np.inf if dtype.is_float else dtype.low
        return self.window.patches(x, lowest).max(axis=(3, 4))


@dataclass(frozen=True, slots=True)
class AveragePool2d(_Pool2dShape):
    """Mean of each window in real numbers.

    counts_padding  divide by the full window size even where it reaches beyond the input
    """

    counts_padding: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        """Real numbers out."""
        return TensorType(DType.F32, self.output_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Sums in float64, rounded to float32 once."""
        (x,) = inputs
        total = self.window.patches(x.astype(np.float64), 0.0).sum(axis=(3, 4))
        count = self.window.valid_counts(x.shape[1], x.shape[2])[None, :, :, None]
        if self.counts_padding:
            count = np.full_like(count, self.window.kernel[0] * self.window.kernel[1])
        return (total / count).astype(np.float32)
