"""The border from real numbers to stored integers as the ``tflite`` contract crosses it."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Op
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.elementwise import broadcast_reads


@dataclass(frozen=True, slots=True)
class QuantizeHalfAway(Op):
    """q = clip(round_half_away(x / scale) + zero_point) in float32, per tensor, int8 or int16.

    NaN gives the zero point.
    Source: QUANTIZE of the TensorFlow Lite reference kernels; ``Quantize`` differs in ties only.
    """

    scale: float
    zero_point: int
    dtype: DType = DType.S8

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, stored integers."""
        return TensorType(self.dtype, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """float32 division, ties away from zero."""
        with np.errstate(over="ignore"):
            x = (inputs[0].astype(np.float32) / np.float32(self.scale)).astype(np.float64)
        near = np.clip(np.nan_to_num(x, nan=0.0), -(2.0**20), 2.0**20)
        rounded = np.copysign(np.floor(np.abs(near) + 0.5), near).astype(np.int64)
        clipped = np.clip(rounded + self.zero_point, self.dtype.low, self.dtype.high)
        return clipped.astype(self.dtype.numpy)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element."""
        return broadcast_reads(*inputs)
