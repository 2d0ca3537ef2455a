"""The borders between real numbers and stored integers at run time."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Op
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.elementwise import broadcast_reads


@dataclass(frozen=True, slots=True)
class Quantize(Op):
    """q = clip(round_half_even(x / scale) + zero_point) in float32, per tensor.

    NaN gives the zero point.
    dtype  S8 or U8
    Source: ONNX QuantizeLinear; the division is in float32, as ONNX Runtime does it.
    """

    scale: float
    zero_point: int
    dtype: DType = DType.S8

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, stored integers."""
        return TensorType(self.dtype, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """float32 division, ties to even."""
        x = inputs[0].astype(np.float32) / np.float32(self.scale)
        rounded = np.nan_to_num(np.rint(x), nan=0.0, posinf=1e9, neginf=-1e9)
        shifted = np.clip(rounded, -(2.0**24), 2.0**24) + self.zero_point
        return np.clip(shifted, self.dtype.low, self.dtype.high).astype(self.dtype.numpy)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element."""
        return broadcast_reads(*inputs)


@dataclass(frozen=True, slots=True)
class Dequantize(Op):
    """x = scale * (q - zero_point) in float32, per tensor."""

    scale: float
    zero_point: int

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, real numbers."""
        return TensorType(DType.F32, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """One float32 multiplication."""
        centred = inputs[0].astype(np.int32) - self.zero_point
        return centred.astype(np.float32) * np.float32(self.scale)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element."""
        return broadcast_reads(*inputs)
