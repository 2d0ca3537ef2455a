"""From int32 accumulators to stored integers: the ways that contracts round.

========== ============================================================ =====================
rounding   value of ``rescale(acc, multiplier, shift)``                  contract
========== ============================================================ =====================
DOUBLE     saturating rounding doubling high multiply by a Q31           ``tflite``
           multiplier, then a rounding right shift; shift > 0 is left
HALF_EVEN  exact product, one rounding at bit ``shift``, ties to even    ``onnx``
HALF_UP    (acc * multiplier + 2**(shift-1)) >> shift in int32           ``pulp``
WRAPPING   the same modulo 2**32: accumulators and products may wrap,    ``pulp``, files in its
           multipliers are 0 .. 2**31 - 1                                integer dialect
========== ============================================================ =====================

Sources: gemmlowp fixedpoint.h as published in the TensorFlow Lite 8-bit quantisation
specification (DOUBLE); ONNX QuantizeLinear (HALF_EVEN); shared integer dialect (HALF_UP).
"""

from dataclasses import dataclass
from enum import Enum
from math import frexp

import numpy as np

from tilewright.ir.types import Array

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1


class Rounding(Enum):
    """How a contract rounds."""

    DOUBLE = "double"
    HALF_EVEN = "half_even"
    HALF_UP = "half_up"
    WRAPPING = "wrapping"


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """A positive real as integers; see the table above for what ``shift`` means."""

    multiplier: int
    shift: int


def fixed_point(real: float, rounding: Rounding) -> FixedPoint:
    """The multiplier and shift that stand for ``real`` under a rounding.

    DOUBLE     real = multiplier / 2**31 * 2**shift, multiplier in [2**30, 2**31); shift > 0: left
    HALF_EVEN  real = multiplier / 2**shift, multiplier in [2**30, 2**31), shift in [1, 62]
    HALF_UP    as HALF_EVEN; callers that know the accumulator's range use ``fixed_point_within``
    Raises ValueError for a real that is not finite and positive, or outside what shifts can say.
    """
    if not (0 < real < float("inf")):
        raise ValueError(f"scale {real} is not a finite positive number")
    mantissa, exponent = frexp(real)
    # Half away from zero, as C's round(): the mantissa is positive.
    multiplier = int(np.floor(mantissa * 2**31 + 0.5))
    if multiplier == 2**31:
        multiplier, exponent = multiplier // 2, exponent + 1
    if rounding is Rounding.DOUBLE:
        if exponent < -31:  # the reference flushes scales this small to zero
            return FixedPoint(0, 0)
        if exponent > 30:
            return FixedPoint(INT32_MAX, 30)
        return FixedPoint(multiplier, exponent)
    shift = 31 - exponent
    if shift > 62:
        return FixedPoint(0, 1)
    if shift < 1:
        raise ValueError(f"scale {real:.3g} is 2**30 or more")
    return FixedPoint(multiplier, shift)


def fixed_point_within(real: float, largest: int, zero: int = 0) -> FixedPoint:
    """HALF_UP: the most precise multiplier with ``|acc * multiplier| + half + |zero| * 2**shift <
    2**31``: whoever computes may add the output's zero point before the shift.

    largest  proven bound of |acc|, including any bias
    zero     zero point of the output
    Raises ValueError where even one bit of multiplier overflows.
    """
    if largest * real < 0.5:  # every result is zero; a tiny scale may have no room for ``zero``
        return FixedPoint(0, 0)
    for bits in range(31, 0, -1):
        mantissa, exponent = frexp(real)
        multiplier, shift = round(mantissa * 2**bits), bits - exponent
        if not 0 <= shift <= 31:
            continue
        added = (1 << shift >> 1) + (abs(zero) << shift)
        if largest * multiplier + added <= INT32_MAX:
            return FixedPoint(multiplier, shift)
    raise ValueError(f"scale {real:.3g} times accumulators up to {largest} leaves int32")


def rescale(acc: Array, multiplier: Array | int, shift: Array | int, rounding: Rounding) -> Array:
    """Scaled accumulators, as int64; zero point and clip are the caller's.

    acc         any shape, int32 range; HALF_UP: the caller promises that products stay in int32
    multiplier  broadcasts against acc
    shift       broadcasts against acc
    """
    wide, factor, bits = (np.asarray(a).astype(np.int64) for a in (acc, multiplier, shift))
    if rounding is Rounding.DOUBLE:
        left, right = np.maximum(bits, 0), np.maximum(-bits, 0)
        return rounding_shift_right(doubling_high_multiply(wide << left, factor), right)
    return round_shift(wide * factor, bits, rounding)


def wrapped(value: Array) -> Array:
    """int64 modulo 2**32, in int32's range, as int64."""
    return value.astype(np.int32).astype(np.int64)


def round_shift(value: Array, shift: Array, rounding: Rounding) -> Array:
    """value / 2**shift, rounded once: ties to even (HALF_EVEN) or up (HALF_UP; WRAPPING, of the
    value modulo 2**32). int64."""
    half = (np.int64(1) << shift) >> 1
    if rounding is Rounding.WRAPPING:
        return wrapped(value + half) >> shift
    if rounding is Rounding.HALF_UP:
        return (value + half) >> shift
    odd = (value >> shift) & 1
    return np.where(shift > 0, (value + half - 1 + odd) >> shift, value)


def doubling_high_multiply(a: Array, b: Array | int) -> Array:
    """gemmlowp SaturatingRoundingDoublingHighMul: round_half_away(a*b / 2**31), int32 range."""
    product = a.astype(np.int64) * np.asarray(b).astype(np.int64)
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    # C's division truncates towards zero, >> does not.
    quotient = np.where(nudged >= 0, nudged >> 31, -((-nudged) >> 31))
    return np.minimum(quotient, INT32_MAX)


def rounding_shift_right(value: Array, shift: Array | int) -> Array:
    """gemmlowp RoundingDivideByPOT: value / 2**shift, ties away from zero. shift in [0, 31]."""
    mask = (np.int64(1) << np.asarray(shift)) - 1
    threshold = (mask >> 1) + (value < 0)
    return (value >> shift) + ((value & mask) > threshold)


def clip(value: Array, low: int, high: int) -> Array:
    """Clip and narrow to int8."""
    return np.clip(value, low, high).astype(np.int8)
