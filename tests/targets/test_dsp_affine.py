"""Requantisation as a straight line: exact wherever a line is found, and found where it matters."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tilewright.ir.types import Array
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding, fixed_point, rescale
from tilewright.targets.packs.arm_dsp.kernels.affine import (
    SHIFT,
    Line,
    Sums,
    lines,
    smallest_move,
)
from tilewright.targets.packs.arm_dsp.kernels.requantise import Tables
from tilewright.targets.packs.portable.kernels.contract_variants import ROUNDINGS


def value(line: Line, acc: Array) -> Array:
    """What SMMLA and SSAT make of an accumulator."""
    upper = ((acc + line.move) * line.multiplier >> 32) + line.high
    return np.clip(upper >> SHIFT, -128, 127)


def meant(acc: Array, multiplier: int, shift: int, output: Requantise) -> Array:
    scaled = rescale(acc, multiplier, shift, output.rounding) + output.zero
    return np.clip(scaled, output.low, output.high)


def one(multiplier: int, shift: int, bias: int) -> Tables:
    return Tables(
        np.array([bias], np.int32), np.array([multiplier], np.int32), np.array([shift], np.int8)
    )


@st.composite
def channels(draw: st.DrawFn) -> tuple[Requantise, int, int, int, int]:
    """A rounding that is a line, its multiplier and shift, and lowest and highest accumulator."""
    rounding = draw(st.sampled_from(ROUNDINGS))
    zero = -128 if rounding is Rounding.DOUBLE else draw(st.integers(-128, 127))
    low = max(zero, -128) if draw(st.booleans()) else -128
    output = Requantise(rounding, zero, low, draw(st.sampled_from((127, 100))))
    real = 2.0 ** draw(st.floats(-14, -1))
    if rounding is Rounding.HALF_UP:
        multiplier, shift = draw(st.integers(0, 255)), draw(st.integers(8, 18))
    else:
        point = fixed_point(real, rounding)
        multiplier, shift = point.multiplier, point.shift
    lowest = draw(st.integers(-(2**19), 2**19))
    return output, multiplier, shift, lowest, lowest + draw(st.integers(0, 2**19))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(channels())
def test_a_line_is_the_definition_on_every_accumulator(channel):
    output, multiplier, shift, lowest, highest = channel
    sums = Sums(np.array([lowest]), np.array([highest]))
    (line,) = lines(one(multiplier, shift, 0), sums, output)
    if line is not None:
        acc = np.arange(lowest, highest + 1)
        made = np.clip(value(line, acc), output.low, output.high)
        assert (made == meant(acc, multiplier, shift, output)).all()


def test_lines_are_found_for_scales_that_networks_have():
    rng = np.random.default_rng(1)
    count = 300
    for rounding in (Rounding.DOUBLE, Rounding.HALF_EVEN):
        points = [fixed_point(2.0**e, rounding) for e in rng.uniform(-10, -4, count)]
        tables = Tables(
            np.zeros(count, np.int32),
            np.array([p.multiplier for p in points], np.int32),
            np.array([p.shift for p in points], np.int8),
        )
        sums = Sums(np.full(count, -(2**20)), np.full(count, 2**20))
        found = lines(tables, sums, Requantise(rounding, -128))
        assert sum(line is None for line in found) == 0


def test_no_line_is_found_for_a_scale_that_leaves_no_room_for_its_multiplier():
    point = fixed_point(0.3, Rounding.HALF_EVEN)
    sums = Sums(np.array([-1000]), np.array([1000]))
    tables = one(point.multiplier, point.shift, 0)
    assert lines(tables, sums, Requantise(Rounding.HALF_EVEN, 0)) == [None]


def test_a_channel_without_weights_is_a_level_line_whatever_its_bias():
    sums = Sums.of(np.zeros((9, 1), np.int8), np.array([-(2**30)], np.int32))
    output = Requantise(Rounding.DOUBLE, -128)
    assert lines(one(2**30, -20, -(2**30)), sums, output) == [Line(0, 0, -128 << SHIFT)]


def test_sums_reach_from_all_that_lowers_to_all_that_raises():
    sums = Sums.of(np.array([[3], [-2]], np.int8), np.array([10], np.int32))
    assert (sums.lowest, sums.highest) == (10 - 3 * 128 - 2 * 127, 10 + 3 * 127 + 2 * 128)


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(-(2**45), 2**45), st.integers(0, 2**40))
def test_the_smallest_move_hits_the_interval(multiplier, low, width):
    move = smallest_move(multiplier, low, low + width)
    if move is not None:
        offset = (move * multiplier - low) % 2**32
        assert offset <= width


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 2**31 - 1), st.integers(0, 2**32 - 1), st.integers(2**22, 2**31))
def test_no_smaller_move_hits_the_interval(multiplier, low, width):
    move = smallest_move(multiplier, low, low + width)
    tried = np.arange(-4096, 4097)
    hits = tried[(tried * multiplier - low) % 2**32 <= width]
    if move is not None and abs(move) <= 4096:
        assert np.abs(hits).min() == abs(move)
    else:
        assert hits.size == 0
