"""Tables of the ``tflite`` contract: what its reference kernels make of each stored int8 value.

Each function returns s8[256], indexed by x + 128, for ``Lut``. Where the reference computes a
ratio of scales in float32 or in float64, so does this; the integers depend on it.
Source: TensorFlow Lite 8-bit quantisation specification and its reference kernels' published
behaviour; each table is compared with LiteRT in tests/frontend/test_tflite_operators.py.
"""

from collections.abc import Callable

import numpy as np

from tilewright.ir.types import Array, Quantisation
from tilewright.ops.rescale import (
    FixedPoint,
    Rounding,
    clip,
    doubling_high_multiply,
    fixed_point,
    rescale,
    rounding_shift_right,
)

INT16_MAX = 2**15 - 1


def rescaled_table(x: Quantisation, y: Quantisation) -> Array:
    """The same real number under another scale (QUANTIZE of stored integers)."""
    point = fixed_point(x.scale / y.scale, Rounding.DOUBLE)
    return clip(_rescaled(_centred(x), point) + y.zero_point, -128, 127)


def joined_u8_table(x: Quantisation, y: Quantisation) -> Array:
    """CONCATENATION of uint8 values under another scale: a float32 line through the origin.

    x, y  as their int8 forms have them, 128 less than what the file stores
    """
    one = np.float32(1.0)
    scale = np.float32(x.scale) * (one / np.float32(y.scale))
    bias = np.float32(-(x.zero_point + 128)) * scale
    line = (np.arange(256, dtype=np.float32) * scale + bias).astype(np.float64)
    near = np.clip(np.nan_to_num(line), -(2.0**30), 2.0**30)
    return clip(_half_away(near) + y.zero_point, -128, 127)


def clip_table(x: Quantisation, y: Quantisation, bounds: tuple[int, int]) -> Array:
    """RELU and its kin: rescale, then clip to ``bounds``, which are stored values of y."""
    point = fixed_point(_ratio(x.scale, y.scale), Rounding.DOUBLE)
    return clip(_rescaled(_centred(x), point) + y.zero_point, *bounds)


def leaky_relu_table(x: Quantisation, y: Quantisation, alpha: float) -> Array:
    """LEAKY_RELU: one multiplier at and above zero, another one below."""
    centred = _centred(x)
    above = _rescaled(centred, fixed_point(_ratio(x.scale, y.scale), Rounding.DOUBLE))
    slope = float(np.float32(x.scale) * np.float32(alpha) / np.float32(y.scale))
    if slope == 0:
        below = np.zeros_like(centred)
    else:
        magnitude = _rescaled(centred, fixed_point(abs(slope), Rounding.DOUBLE))
        below = magnitude if slope > 0 else -magnitude
    return clip(np.where(centred >= 0, above, below) + y.zero_point, -128, 127)


def sigmoid_table(x: Quantisation, y: Quantisation) -> Array:
    """LOGISTIC: each of exp, sum and quotient rounded to float32."""
    with np.errstate(over="ignore"):
        e = np.exp(-_real(x).astype(np.float64)).astype(np.float32)
    return _stored(np.float32(1.0) / (np.float32(1.0) + e), y)


def curve_table(x: Quantisation, y: Quantisation, curve: Callable[[Array], Array]) -> Array:
    """TANH and what the reference has no form of: the float64 curve, rounded to float32 once."""
    with np.errstate(over="ignore"):
        return _stored(curve(_real(x).astype(np.float64)).astype(np.float32), y)


def has_hard_swish_table(x: Quantisation, y: Quantisation) -> bool:
    """Whether the reference computes this HARD_SWISH: y must not be finer than x / 128."""
    return _hard_swish_points(x, y)[0].shift <= 0


def hard_swish_table(x: Quantisation, y: Quantisation) -> Array:
    """HARD_SWISH in 16-bit fixed point: x on y's scale times a relu-ish factor in [0, 1]."""
    output, reluish = _hard_swish_points(x, y)
    fine = _centred(x) << 7
    on_output_scale = _multiply_16(fine, _narrowed(output.multiplier))
    factor = fine
    if reluish.shift > 0:
        factor = _saturated_16(factor << (reluish.shift - 1))
    factor = _multiply_16(factor, _narrowed(reluish.multiplier))
    if reluish.shift > 0:
        factor = _saturated_16(factor << 1)
    factor = rounding_shift_right(factor, max(-reluish.shift, 0))
    factor = (factor + (1 << 15)) >> 1
    product = factor * on_output_scale
    truncated = np.sign(product) * (np.abs(product) >> 15)
    shifted = rounding_shift_right(truncated, -output.shift)
    return clip(shifted + y.zero_point, -128, 127)


def _hard_swish_points(x: Quantisation, y: Quantisation) -> tuple[FixedPoint, FixedPoint]:
    """Multipliers from x / 128 to y's scale and to steps of 3 / 2**15."""
    fine = np.float32(1 / 128) * np.float32(x.scale)
    reluish = np.float32(3.0) / np.float32(32768.0)
    return (
        fixed_point(float(fine / np.float32(y.scale)), Rounding.DOUBLE),
        fixed_point(float(fine / reluish), Rounding.DOUBLE),
    )


def _real(x: Quantisation) -> Array:
    """What each stored value stands for, float32."""
    with np.errstate(over="ignore"):
        return np.float32(x.scale) * _centred(x).astype(np.float32)


def _stored(real: Array, y: Quantisation) -> Array:
    """Real numbers times the float32 reciprocal of y's scale, halves away from zero, clipped."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.nan_to_num((real * (np.float32(1.0) / np.float32(y.scale))).astype(np.float64))
    near = np.clip(scaled, -(2.0**30), 2.0**30)
    return clip(_half_away(near) + y.zero_point, -128, 127)


def _half_away(real: Array) -> Array:
    """The nearest integers of float64 values, ties away from zero; int64."""
    return np.copysign(np.floor(np.abs(real) + 0.5), real).astype(np.int64)


def _centred(x: Quantisation) -> Array:
    return np.arange(-128, 128, dtype=np.int64) - x.zero_point


def _ratio(a: float, b: float) -> float:
    """a / b in float32."""
    return float(np.float32(a) / np.float32(b))


def _rescaled(centred: Array, point: FixedPoint) -> Array:
    return rescale(centred, point.multiplier, point.shift, Rounding.DOUBLE)


def _narrowed(multiplier: int) -> int:
    """A Q0.31 multiplier as Q0.15, rounded half up."""
    return min((multiplier + (1 << 15)) >> 16, INT16_MAX)


def _saturated_16(value: Array) -> Array:
    return np.clip(value, -INT16_MAX - 1, INT16_MAX)


def _multiply_16(a: Array, b: int) -> Array:
    """round_half_away(a * b / 2**15): the 16-bit form of ``doubling_high_multiply``."""
    return doubling_high_multiply(a << 16, b)
