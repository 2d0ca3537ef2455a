"""Average pooling of int8 values as the ``tflite`` contract does it."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from tilewright.ir.op import Access, Along, Op
from tilewright.ir.types import Array, DType, Region, TensorType
from tilewright.ops.rescale import clip
from tilewright.ops.window2d import Window2d


@dataclass(frozen=True, slots=True)
class QAveragePool2d(Op):
    """y = clip(round(mean(x + offset)) - offset): x[N,H,W,C] -> y[N,OH,OW,C], one scale for both.

    The mean is over the elements of the window that lie inside the input; halves are rounded away
    from zero.
    offset  what the file stores minus what x holds: 128 where the network is uint8, else 0. It
            decides only which way a half goes
    Source: AVERAGE_POOL_2D of the TensorFlow Lite reference kernels.
    """

    window: Window2d
    offset: int = 0
    low: int = -128
    high: int = 127

    def infer(self, *inputs: TensorType) -> TensorType:
        """int8 out. Raises ValueError where the window does not fit or lies in the padding."""
        x = inputs[0]
        if len(x.shape) != 4:
            raise ValueError(f"pooling wants x[N,H,W,C], got {x}")
        n, h, w, c = x.shape
        return TensorType(DType.S8, (n, *self.window.output_size(h, w), c))

    def evaluate(self, *inputs: Array) -> Array:
        """Sum and count per window, then one division."""
        stored = inputs[0].astype(np.int64) + self.offset
        total = self.window.patches(stored, 0).sum(axis=(3, 4))
        count = self.window.valid_counts(*stored.shape[1:3])[None, :, :, None].astype(np.int64)
        magnitude = (np.abs(total) + count // 2) // np.maximum(count, 1)
        mean = np.sign(total) * magnitude - self.offset
        return clip(mean, self.low, self.high)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Rows and columns slide, channels go along."""
        del inputs
        rows, cols = self.window.along()
        return ((Along(0), rows, cols, Along(3)),)

    def on_tile(self, out: Region, *inputs: TensorType) -> Self:
        """The same pooling with the padding that the tile still needs."""
        _, height, width, _ = inputs[0].shape
        return replace(self, window=self.window.on_tile(out[1], out[2], height, width))
