"""Fully connected layers of the ``tflite`` contract: one rounding of a product in float64.

LiteRT's reference FULLY_CONNECTED computes round_half_away(acc * real) in float64, where
every other layer uses gemmlowp's two roundings. Integers do the same here: one multiplication and
one rounding at a bit, with a multiplier that is checked against the float64 form at every
accumulator where the output changes. A multiplier a hair above ``real`` turns ties into what half
away from zero makes of them, on both sides of zero.
"""

import numpy as np

from tilewright.ir.types import Array
from tilewright.ops.rescale import INT32_MAX, FixedPoint, Rounding, fixed_point, rescale

ROUNDING = Rounding.HALF_EVEN


def fixed_point_of_real(real: float, reach: int, low: int, high: int) -> tuple[FixedPoint, int]:
    """The fixed-point scale that is nearest to ``real``, and how many accumulators it gets wrong.

    reach      proven bound of |acc|
    low, high  range of the rescaled accumulator that survives the clip, zero point taken off
    Raises ValueError for a real that no shift can say.
    """
    middle = fixed_point(real, ROUNDING)
    levels = np.arange(low + 1, high + 1, dtype=np.int64)
    steps = _steps(real, levels, reach)
    best, fewest = middle, len(levels) + 1
    for delta in (0, 1, -1, 2, -2):
        point = FixedPoint(min(middle.multiplier + delta, INT32_MAX), middle.shift)
        wrong = _wrong(point, levels, steps, reach)
        if wrong < fewest:
            best, fewest = point, wrong
        if not wrong:
            break
    return best, fewest


def _steps(real: float, levels: Array, reach: int) -> Array:
    """The smallest accumulator in [-reach, reach + 1] that float64 rounds to each level or more."""
    bounded = np.clip(np.ceil((levels - 0.5) / real), -reach, reach + 1).astype(np.int64)
    around = bounded[:, None] + np.arange(-2, 3)
    reached = _reference(around, real) >= levels[:, None]
    first = np.where(reached.any(axis=1), reached.argmax(axis=1), 4)
    found = np.take_along_axis(around, first[:, None], axis=1)[:, 0]
    return np.clip(found, -reach, reach + 1)


def _reference(acc: Array, real: float) -> Array:
    """round_half_away(acc * real) in float64."""
    product = acc.astype(np.float64) * real
    whole = np.trunc(product)
    away = np.abs(product - whole) >= 0.5
    return whole + np.where(away, np.sign(product), 0.0)


def _wrong(point: FixedPoint, levels: Array, steps: Array, reach: int) -> int:
    """At how many levels the fixed-point form does not step exactly where float64 does."""
    at = rescale(steps, point.multiplier, point.shift, ROUNDING) >= levels
    before = rescale(steps - 1, point.multiplier, point.shift, ROUNDING) >= levels
    return int((~at & (steps <= reach)).sum() + (before & (steps > -reach)).sum())
