"""Float lines of the XpulpV2 pack give the bytes of the definition for every sum in reach."""

import numpy as np
import pytest

from tilewright.ir.types import Array
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding, fixed_point, fixed_point_within
from tilewright.targets.packs.xpulp.kernels.lines import Line, find_lines, is_odd

REACH, CHANNELS = 40_000, 32


def tables(scales: list[float], rounding: Rounding, bias: Array) -> tuple[Array, Array]:
    """Multipliers and shifts as lowering makes them."""
    most = REACH + int(np.abs(bias).max())
    points = [
        fixed_point_within(s, most) if rounding is Rounding.HALF_UP else fixed_point(s, rounding)
        for s in scales
    ]
    multiplier = np.array([p.multiplier for p in points], np.int64)
    return multiplier, np.array([p.shift for p in points], np.int64)


def computed(line: Line, acc: Array, output: Requantise) -> Array:
    """What fcvt.s.w, fmadd.s, fcvt.w.s and a shift make of sums [C, N]."""
    x = (acc + line.moved[:, None]).astype(np.float32).astype(np.float64)
    offset = np.broadcast_to(line.offset.astype(np.float64)[:, None], x.shape)
    added = np.copysign(offset, x) if is_odd(output) else offset
    v = (line.scale.astype(np.float64)[:, None] * x + added).astype(np.float32)
    if is_odd(output):
        v = v + np.float32((output.zero + 0.5) * 2**24)
    word = np.rint(np.clip(v.astype(np.float64), -(2.0**31), 2.0**31 - 1)).astype(np.int64)
    return np.clip(word >> 24, output.low, output.high)


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize(("zero", "low", "high"), [(-128, -128, 127), (5, -128, 127), (-3, -3, 90)])
def test_every_sum_gives_the_byte_of_the_definition(
    rounding: Rounding, zero: int, low: int, high: int
) -> None:
    rng = np.random.default_rng(120)
    output = Requantise(rounding, zero, low, high)
    scales = [*np.exp2(rng.uniform(-10, -3, CHANNELS - 2)), 1e-7, 0.9]
    bias = rng.integers(-9_000, 9_000, CHANNELS)
    multiplier, shift = tables(scales, rounding, bias)
    line = find_lines(bias, np.full(CHANNELS, REACH), (multiplier, shift), output)
    assert line.is_proven.mean() > 0.8
    acc = bias[:, None] + np.arange(-REACH, REACH + 1)
    expected = output.apply(acc, multiplier[:, None], shift[:, None])
    wrong = (computed(line, acc, output) != expected).any(axis=1)
    assert not (wrong & line.is_proven).any()


def test_channels_without_weights_have_lines_whatever_their_bias() -> None:
    bias = np.array([1 << 30, -(1 << 30), 77], np.int64)
    multiplier, shift = np.full(3, 1 << 30, np.int64), np.array([-27, -27, -3], np.int64)
    output = Requantise(Rounding.DOUBLE, -128, -128, 127)
    line = find_lines(bias, np.zeros(3, np.int64), (multiplier, shift), output)
    assert line.is_proven.all()
    expected = output.apply(bias[:, None], multiplier[:, None], shift[:, None])
    assert np.array_equal(computed(line, bias[:, None], output), expected)
