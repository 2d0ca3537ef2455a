"""Sums and products of int8 tensors, rounded once: the ``onnx`` and ``pulp`` contracts."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Op
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.elementwise import broadcast_reads, broadcast_shape
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import INT32_MAX, FixedPoint, clip, round_shift

LARGEST_STEP = 255
"""|x - zero| of any int8 value and zero point."""

LARGEST_PRODUCT = LARGEST_STEP * LARGEST_STEP


@dataclass(frozen=True, slots=True)
class _RescaledBinary(Op):
    """Two broadcast int8 inputs with zero points, one int8 output."""

    a_zero: int
    b_zero: int

    def infer(self, *inputs: TensorType) -> TensorType:
        """Broadcast shape, int8."""
        return TensorType(DType.S8, broadcast_shape(*inputs))

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Broadcast."""
        return broadcast_reads(*inputs)

    def centred(self, inputs: tuple[Array, ...]) -> tuple[Array, Array]:
        """Both inputs minus their zero points, int64."""
        a, b = (x.astype(np.int64) for x in inputs)
        return a - self.a_zero, b - self.b_zero


@dataclass(frozen=True, slots=True)
class RescaledAdd(_RescaledBinary):
    """y = clip(round((da * a_multiplier + db * b_multiplier) / 2**shift) + zero).

    da = a - a_zero, db = b - b_zero. ``weighted_sum`` chooses multipliers with which everything
    before the clip stays inside int32.
    """

    a_multiplier: int
    b_multiplier: int
    shift: int
    output: Requantise

    def evaluate(self, *inputs: Array) -> Array:
        """One rounding of the exact weighted sum."""
        a, b = self.centred(inputs)
        total = a * self.a_multiplier + b * self.b_multiplier
        rounded = round_shift(total, np.array(self.shift), self.output.rounding)
        return clip(rounded + self.output.zero, self.output.low, self.output.high)


@dataclass(frozen=True, slots=True)
class RescaledMul(_RescaledBinary):
    """y = output((a - a_zero) * (b - b_zero))."""

    scale: FixedPoint
    output: Requantise

    def evaluate(self, *inputs: Array) -> Array:
        """One rounding of the exact product times the real scale."""
        a, b = self.centred(inputs)
        multiplier, shift = np.array(self.scale.multiplier), np.array(self.scale.shift)
        return self.output.apply(a * b, multiplier, shift)


def weighted_sum(a_real: float, b_real: float) -> tuple[int, int, int]:
    """(a_multiplier, b_multiplier, shift), the finest ones with which sums stay inside int32.

    a_real, b_real  scale of an input over the scale of the output, finite and > 0
    The factors are within 2**-(shift + 1) of the real ones, so before its rounding a sum is off by
    less than 255 / 2**shift: 0.0002 for scales of about one.
    Raises ValueError for scales that int32 has no room for.
    """
    for shift in range(30, -1, -1):
        a, b = round(a_real * 2**shift), round(b_real * 2**shift)
        if LARGEST_STEP * (a + b) + (1 << shift) <= INT32_MAX:
            return a, b, shift
    raise ValueError(f"sums of inputs with scales {a_real:.3g} and {b_real:.3g} leave int32")
