"""Fixed-point functions of the ``tflite`` contract, on int64 arrays that hold int32 values.

Qi.f has i integer and f = 31 - i fractional bits: real = raw / 2**f.
Source: gemmlowp's fixed-point arithmetic (fixedpoint/fixedpoint.h), as the TensorFlow Lite 8-bit
quantisation specification prescribes it.
"""

from math import exp

import numpy as np

from tilewright.ir.types import Array
from tilewright.ops.rescale import INT32_MAX, doubling_high_multiply, rounding_shift_right

INT16_MAX = 2**15 - 1

EXP_INTEGER_BITS = 5
"""Arguments of the exponential are Q5.26: from -32 to 0."""


def q31(real: float) -> int:
    """A real number in [-1, 1) as Q0.31, to nearest."""
    return round(real * 2**31)


def exp_on_negative_values(a: Array) -> Array:
    """exp(a) as Q0.31 for a <= 0 in Q5.26.

    a = (a mod 1/4) - 1/4 - remainder; the first part by a polynomial, the remainder, a multiple of
    1/4, by one multiplication for each of its bits.
    """
    fraction_bits = 31 - EXP_INTEGER_BITS
    quarter = 1 << (fraction_bits - 2)
    below_zero = (a & (quarter - 1)) - quarter
    result = _exp_near_zero(below_zero << EXP_INTEGER_BITS)
    remainder = below_zero - a
    for exponent in range(-2, EXP_INTEGER_BITS):
        factor = q31(exp(-(2.0**exponent)))
        has_bit = (remainder >> (fraction_bits + exponent)) & 1
        result = np.where(has_bit == 1, doubling_high_multiply(result, factor), result)
    return np.where(a == 0, INT32_MAX, result)


def _exp_near_zero(a: Array) -> Array:
    """exp(a) for a in [-1/4, 0), both Q0.31: a Taylor polynomial of degree 4 around -1/8."""
    multiply = doubling_high_multiply
    centre, third = q31(exp(-1 / 8)), q31(1 / 3)
    x = a + (1 << 28)
    x2 = multiply(x, x)
    x3, x4 = multiply(x2, x), multiply(x2, x2)
    x4_over_4 = rounding_shift_right(x4, 2)
    high = rounding_shift_right(multiply(x4_over_4 + x3, third) + x2, 1)
    return centre + multiply(x + high, centre)


def reciprocal_of_one_plus(a: Array) -> Array:
    """1 / (1 + a) as Q0.31 for a in [0, 1) in Q0.31: three Newton steps in Q2.29."""
    multiply = doubling_high_multiply
    half_denominator = (a + INT32_MAX + 1) >> 1
    x = (round(48 / 17 * 2**29)) + multiply(half_denominator, round(-32 / 17 * 2**29))
    for _ in range(3):
        error = (1 << 29) - multiply(half_denominator, x)
        x = x + (multiply(x, error) << 2)
    return np.minimum(x << 1, INT32_MAX)


def high_multiply_16(a: Array, b: Array | int) -> Array:
    """a * b / 2**15 to nearest, ties away from zero, for 16-bit numbers; -1 * -1 saturates."""
    product = a.astype(np.int64) * np.asarray(b).astype(np.int64)
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    quotient = np.where(nudged >= 0, nudged >> 15, -((-nudged) >> 15))
    return np.minimum(quotient, INT16_MAX)


def logistic_16(x: Array, integer_bits: int) -> Array:
    """1 / (1 + exp(-x)) as Q0.15 for x as Qi.(15-i), all in 16 bits."""
    above = _reciprocal_of_one_plus_16(_exp_16(-np.abs(x), integer_bits))
    made = np.where(x > 0, above, INT16_MAX - above)
    return np.where(x == 0, 1 << 14, made)


def tanh_16(x: Array, integer_bits: int) -> Array:
    """tanh(x) as Q0.15 for x as Qi.(15-i), all in 16 bits."""
    # Twice a number in Qi is the same integer in Q(i+1).
    e = _exp_16(-np.abs(x), integer_bits + 1)
    x_q2 = _newton_16(e)
    positive = _saturated_16((x_q2 - (1 << 13)) << 2)
    return np.where(x == 0, 0, np.where(x > 0, positive, -positive))


def _saturated_16(x: Array) -> Array:
    return np.clip(x, -(2**15), INT16_MAX)


def _constant_16(q31_value: int) -> int:
    """A constant of 32 bits in 16, to nearest."""
    return (q31_value + (1 << 15)) >> 16


def _exp_16(a: Array, integer_bits: int) -> Array:
    """exp(a) as Q0.15 for a <= 0 as Qi.(15-i), as ``exp_on_negative_values``."""
    fraction_bits = 15 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    below_zero = (a & (quarter - 1)) - quarter
    result = _exp_near_zero_16(below_zero << integer_bits)
    remainder = below_zero - a
    for exponent in range(-2, min(integer_bits, EXP_INTEGER_BITS)):
        factor = _constant_16(q31(exp(-(2.0**exponent))))
        has_bit = (remainder >> (fraction_bits + exponent)) & 1
        result = np.where(has_bit == 1, high_multiply_16(result, factor), result)
    if integer_bits > EXP_INTEGER_BITS:
        result = np.where(a < -(32 << fraction_bits), 0, result)
    return np.where(a == 0, INT16_MAX, result)


def _exp_near_zero_16(a: Array) -> Array:
    """exp(a) for a in [-1/4, 0), both Q0.15, as ``_exp_near_zero``."""
    multiply = high_multiply_16
    centre, third = _constant_16(q31(exp(-1 / 8))), _constant_16(q31(1 / 3))
    x = a + (1 << 12)
    x2 = multiply(x, x)
    x3, x4 = multiply(x2, x), multiply(x2, x2)
    high = rounding_shift_right(multiply(rounding_shift_right(x4, 2) + x3, third) + x2, 1)
    return _saturated_16(centre + multiply(x + high, centre))


def _newton_16(a: Array) -> Array:
    """2 / (1 + a) as Q2.13 for a in [0, 1] as Q0.15: three Newton steps."""
    multiply = high_multiply_16
    half_denominator = (a + INT16_MAX + 1) >> 1
    x = _constant_16(round(48 / 17 * 2**29))
    x = x + multiply(half_denominator, _constant_16(round(-32 / 17 * 2**29)))
    for _ in range(3):
        error = (1 << 13) - multiply(half_denominator, x)
        x = x + _saturated_16(multiply(x, error) << 2)
    return x


def _reciprocal_of_one_plus_16(a: Array) -> Array:
    """1 / (1 + a) as Q0.15 for a in [0, 1] as Q0.15."""
    return _saturated_16(_newton_16(a) << 1)
