"""Fixed-point scales that round as float64 does, halves away from zero."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilewright.ir.types import Array
from tilewright.ops.real_scale_tflite import ROUNDING, fixed_point_of_real
from tilewright.ops.rescale import rescale


def half_away(acc: Array, real: float) -> list[int]:
    """round_half_away of the float64 products, in exact arithmetic."""
    products = [Fraction(float(a) * real) for a in acc]
    return [int(abs(p) + Fraction(1, 2)) * (1 if p >= 0 else -1) for p in products]


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.floats(2.0**-12, 2.0**3), st.integers(0, 3000))
def test_every_accumulator_rounds_as_in_float64_or_is_counted(real: float, reach: int) -> None:
    point, wrong = fixed_point_of_real(real, reach, -255, 255)
    acc = np.arange(-reach, reach + 1)
    ours = np.clip(rescale(acc, point.multiplier, point.shift, ROUNDING), -255, 255)
    differing = ours != np.clip(half_away(acc, real), -255, 255)
    assert differing.any() == (wrong > 0)
    assert wrong == 0 or has_a_tie_that_float64_makes(acc, real)


def has_a_tie_that_float64_makes(acc: Array, real: float) -> bool:
    """0.35 * 10 is 3.5 in float64, 0.35 * 90 is below 31.5: no one multiplier does both."""
    half = Fraction(1, 2)
    return any(
        Fraction(float(a) * real) % 1 == half and Fraction(real) * int(a) % 1 != half for a in acc
    )


def test_a_tie_that_only_float64_sees_is_counted() -> None:
    assert fixed_point_of_real(0.35, 90, -255, 255)[1] == 2
    assert has_a_tie_that_float64_makes(np.arange(91), 0.35)


@pytest.mark.parametrize("real", [0.5, 0.25, 2.0**-7, 0.75, 3 / 64])
def test_halves_go_away_from_zero(real: float) -> None:
    acc = np.arange(-4000, 4001)
    point, wrong = fixed_point_of_real(real, 4000, -255, 255)
    assert wrong == 0
    ours = np.clip(rescale(acc, point.multiplier, point.shift, ROUNDING), -255, 255)
    assert ours.tolist() == np.clip(half_away(acc, real), -255, 255).tolist()


def test_accumulators_that_cannot_be_told_apart_are_counted() -> None:
    # One step of the accumulator moves the product by 2**-32 of itself: 31 bits cannot follow.
    real = 100.5 / (2**31 - 9)
    wrong = [
        fixed_point_of_real(real * (1 + k * 2**-40), 2**31 - 2, -255, 255)[1] for k in range(9)
    ]
    assert max(wrong) > 0


def test_a_scale_that_no_shift_can_say_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2\*\*30 or more"):
        fixed_point_of_real(2.0**31, 10, -255, 255)
