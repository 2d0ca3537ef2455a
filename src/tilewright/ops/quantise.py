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
        with np.errstate(over="ignore"):  # beyond float32 is beyond int8
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


@dataclass(frozen=True, slots=True)
class Recentre(Op):
    """uint8 to int8 (x - 128) and back (x + 128): the same real numbers in the other type."""

    def infer(self, *inputs: TensorType) -> TensorType:
        """The other 8-bit type."""
        x = inputs[0]
        if x.dtype not in (DType.S8, DType.U8):
            raise ValueError(f"Recentre wants int8 or uint8, got {x}")
        return TensorType(DType.S8 if x.dtype is DType.U8 else DType.U8, x.shape)

    def evaluate(self, *inputs: Array) -> Array:
        """Flip the top bit."""
        other = np.int8 if inputs[0].dtype == np.uint8 else np.uint8
        return (inputs[0].view(np.uint8) ^ np.uint8(128)).view(other)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element."""
        return broadcast_reads(*inputs)
