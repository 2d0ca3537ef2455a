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

LARGEST_BYTE = 255

CLOSE_RATIO = 2.0**-12
"""How far a fraction of two bytes may be from the ratio of two scales."""

LEAST_COMMON = 1 << 13
"""So that rounding it moves no sum of bytes by more than 0.02."""

LARGEST_ZERO = 129
"""The largest zero point, and the half that rounds."""

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


def weighted_bytes(a_real: float, b_real: float) -> tuple[int, int, int]:
    """As ``weighted_sum``, but both multipliers are a byte times one number: an engine with weights
    of a byte then sums exactly.

    Most ratios between 1/16 and 16 have a fraction of two bytes within 2**-12: sums with scales of
    about one are then off by less than 0.04 before they are rounded. Else, and where such sums and
    a zero point leave int32, the result is that of ``weighted_sum``.
    """
    ratio = a_real / b_real
    tried = ((round(ratio * b), b) for b in range(1, LARGEST_BYTE + 1))
    pairs = [(a, b) for a, b in tried if 1 <= a <= LARGEST_BYTE]
    a, b = min(pairs, key=lambda pair: abs(pair[0] / pair[1] / ratio - 1), default=(0, 1))
    if abs(a / b / ratio - 1) > CLOSE_RATIO:
        return weighted_sum(a_real, b_real)
    for shift in range(30, -1, -1):
        common = round((a_real + b_real) / (a + b) * 2**shift)
        if common >= LEAST_COMMON and (
            LARGEST_STEP * common * (a + b) + (LARGEST_ZERO << shift) <= INT32_MAX
        ):
            return a * common, b * common, shift
    return weighted_sum(a_real, b_real)
