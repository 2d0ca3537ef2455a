"""Sums and products rounded once: how near they are to real arithmetic, and that int32 holds."""

from math import gcd

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilewright.ops.arithmetic_onnx import (
    LARGEST_STEP,
    RescaledAdd,
    RescaledMul,
    weighted_bytes,
    weighted_sum,
)
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import INT32_MAX, Rounding, fixed_point

seeded = settings(derandomize=True, deadline=None)
ratios = st.floats(2.0**-20, 2.0**22)
BOTH = pytest.mark.parametrize("rounding", [Rounding.HALF_EVEN, Rounding.HALF_UP])
EVERY_PAIR = tuple(
    a.astype(np.int8) for a in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128))
)


@seeded
@given(ratios, ratios)
def test_weighted_sums_stay_inside_int32(a_real: float, b_real: float):
    a, b, shift = weighted_sum(a_real, b_real)
    assert LARGEST_STEP * (a + b) + (1 << shift) <= INT32_MAX


@seeded
@given(ratios, ratios)
def test_weighted_sums_are_as_fine_as_int32_allows(a_real: float, b_real: float):
    a, b, shift = weighted_sum(a_real, b_real)
    assert max(abs(a / 2**shift - a_real), abs(b / 2**shift - b_real)) <= 2.0 ** -(shift + 1)
    finer = LARGEST_STEP * (round(a_real * 2**shift * 2) + round(b_real * 2**shift * 2))
    assert shift == 30 or finer + (2 << shift) > INT32_MAX


@seeded
@given(st.floats(2.0**-6, 4), st.floats(2.0**-3, 2.0**3))
def test_multipliers_of_bytes_are_near_and_leave_room(scale: float, ratio: float):
    a, b, shift = weighted_bytes(scale * ratio, scale)
    assert LARGEST_STEP * (a + b) + (1 << shift) <= INT32_MAX
    off = abs(a / 2**shift - scale * ratio) + abs(b / 2**shift - scale)
    assert off <= 2.0**-12 * scale * max(ratio, 1)
    are_bytes = max(a, b) // gcd(a, b) <= 255
    assert are_bytes or (a, b, shift) == weighted_sum(scale * ratio, scale)


@pytest.mark.parametrize("pair", [(1, 1), (1, 255), (93, 246), (2, 3)], ids=str)
def test_ratios_of_bytes_are_kept(pair: tuple[int, int]):
    a, b, _ = weighted_bytes(pair[0] / 100, pair[1] / 100)
    assert a * pair[1] == b * pair[0]


def test_scales_that_int32_cannot_hold_are_refused():
    with pytest.raises(ValueError, match=r"scales 1e\+08 and 1 leave int32"):
        weighted_sum(1e8, 1.0)


@BOTH
@pytest.mark.parametrize("scales", [(0.7, 1.3), (0.01, 0.9), (0.5, 0.25), (3.0, 0.1)], ids=str)
def test_every_sum_is_the_real_one_rounded(rounding: Rounding, scales: tuple[float, float]):
    op = RescaledAdd(3, -7, *weighted_sum(*scales), Requantise(rounding, zero=5))
    a, b = (x.astype(np.float64) for x in EVERY_PAIR)
    exact = (a - 3) * scales[0] + (b + 7) * scales[1] + 5
    off = np.abs(op.evaluate(*EVERY_PAIR) - np.clip(exact, -128, 127))
    assert off.max() <= 0.5 + 4e-3


def test_ties_go_to_even_or_up_as_the_contract_says():
    a = np.array([-3, -1, 1, 3], np.int8)
    zero = np.zeros(1, np.int8)
    results = {
        rounding: RescaledAdd(0, 0, *weighted_sum(0.5, 0.5), Requantise(rounding))
        .evaluate(a, zero)
        .tolist()
        for rounding in (Rounding.HALF_EVEN, Rounding.HALF_UP)
    }
    assert results == {Rounding.HALF_EVEN: [-2, 0, 0, 2], Rounding.HALF_UP: [-1, 0, 1, 2]}


@BOTH
def test_every_product_is_the_real_one_rounded(rounding: Rounding):
    op = RescaledMul(3, -7, fixed_point(0.013, rounding), Requantise(rounding, zero=5))
    a, b = (x.astype(np.float64) for x in EVERY_PAIR)
    exact = (a - 3) * (b + 7) * 0.013 + 5
    off = np.abs(op.evaluate(*EVERY_PAIR) - np.clip(exact, -128, 127))
    assert off.max() <= 0.5 + 1e-6
