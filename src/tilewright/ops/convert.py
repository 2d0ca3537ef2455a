"""From reals to integers and back, to wider integers, and choices between two tensors."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Op
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.elementwise import broadcast_reads


@dataclass(frozen=True, slots=True)
class Truncate(Op):
    """y = x towards zero, in int32; beyond its range the nearest end of it, 0 for NaN."""

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, s32. Raises ValueError for what is not real."""
        if inputs[0].dtype is DType.S32:
            raise ValueError(f"{inputs[0]} is not real")
        return TensorType(DType.S32, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """In float64, which holds every int32."""
        x = np.nan_to_num(inputs[0].astype(np.float64), nan=0.0)
        return np.clip(np.trunc(x), -(2.0**31), 2.0**31 - 1).astype(np.int32)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element."""
        return broadcast_reads(*inputs)


@dataclass(frozen=True, slots=True)
class ToReal(Op):
    """y = x in float32, rounded to nearest, ties to even."""

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, f32. Raises ValueError for what is no int32."""
        if inputs[0].dtype is not DType.S32:
            raise ValueError(f"{inputs[0]} is not s32")
        return TensorType(DType.F32, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """As numpy does."""
        return inputs[0].astype(np.float32)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element."""
        return broadcast_reads(*inputs)


@dataclass(frozen=True, slots=True)
class Widen(Op):
    """y = x - zero in int32, of stored int8."""

    zero: int = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, s32. Raises ValueError for what is no int8."""
        if inputs[0].dtype is not DType.S8:
            raise ValueError(f"{inputs[0]} is not s8")
        return TensorType(DType.S32, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """As numpy does."""
        return inputs[0].astype(np.int32) - np.int32(self.zero)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element."""
        return broadcast_reads(*inputs)


@dataclass(frozen=True, slots=True)
class Shorten(Op):
    """y = the nearest number with fewer bits, in float32; ties to even.

    bits      of the mantissa, without the hidden one
    smallest  exponent of the smallest normal number; below it steps are 2**(smallest - bits)
    largest   finite value; what rounds beyond it becomes ``beyond``, an infinity too
    beyond    inf or nan (with the sign of x), or ``largest`` itself
    """

    bits: int
    smallest: int
    largest: float
    beyond: float

    def infer(self, *inputs: TensorType) -> TensorType:
        """The input's type. Raises ValueError for what is not real."""
        if inputs[0].dtype is DType.S32:
            raise ValueError(f"{inputs[0]} is not real")
        return TensorType(DType.F32, inputs[0].shape)

    def evaluate(self, *inputs: Array) -> Array:
        """Steps of 2**(exponent - bits), by numpy's rounding."""
        x = inputs[0].astype(np.float64)
        with np.errstate(all="ignore"):
            exponent = np.maximum(np.frexp(x)[1] - 1, self.smallest)
            step = np.ldexp(1.0, exponent - self.bits)
            rounded = np.where(np.isfinite(x), np.round(x / step) * step, x)
            is_over = np.abs(rounded) > self.largest
            return np.where(is_over, np.copysign(self.beyond, x), rounded).astype(np.float32)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element."""
        return broadcast_reads(*inputs)


@dataclass(frozen=True, slots=True)
class Select(Op):
    """y = a where condition is not 0, else b. Inputs: condition s32, a, b; all of one shape."""

    def infer(self, *inputs: TensorType) -> TensorType:
        """The type of a. Raises ValueError where types differ."""
        condition, a, b = inputs
        is_whole = a.dtype is DType.S32
        if (
            is_whole != (b.dtype is DType.S32)
            or condition.dtype is not DType.S32
            or not condition.shape == a.shape == b.shape
        ):
            raise ValueError(f"cannot choose between {a} and {b} by {condition}")
        return a if is_whole else TensorType(DType.F32, a.shape)

    def evaluate(self, *inputs: Array) -> Array:
        """As numpy does."""
        condition, a, b = inputs
        return np.where(condition != 0, a, b)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element of each."""
        return broadcast_reads(*inputs)
