"""Drawn cases for the integer operators that multiply and accumulate: QConv2d and its kin."""

import numpy as np
from hypothesis import strategies as st

from case import Case, seeds, sizes, stored, window_inputs, windows
from tilewright.ir.op import Op
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import INT32_MAX, FixedPoint, Rounding, fixed_point, fixed_point_within

LARGEST_RESULT = INT32_MAX - 255
"""Rescaled accumulators stay this small, so that adding a zero point stays in int32."""


@st.composite
def requantisations(draw: st.DrawFn) -> Requantise:
    zero = draw(st.sampled_from((0, 0, -128, 127)) | st.integers(-128, 127))
    bounds = draw(st.sampled_from(((-128, 127), (-128, 127), (zero, 127), (-100, 30))))
    return Requantise(draw(st.sampled_from(Rounding)), zero, *bounds)


@st.composite
def fixed_points(draw: st.DrawFn, reach: int, rounding: Rounding) -> tuple[int, int]:
    """A legal (multiplier, shift) for accumulators up to ``reach``.

    Most often one that spreads results over int8, else one on a bound of what is legal.
    """
    if rounding is Rounding.WRAPPING:
        return draw(st.integers(0, INT32_MAX) | st.integers(0, 999)), draw(st.integers(0, 31))
    if draw(st.integers(0, 3)):
        real = 128 / max(reach, 256) * 2 ** draw(st.floats(-1, 5))
        try:
            point = _fixed_point(real, reach, rounding)
        except ValueError:  # int32 has no room for this scale
            point = FixedPoint(0, 1)
        return point.multiplier, point.shift
    return draw(_fixed_points_on_bounds(reach, rounding))


def _fixed_point(real: float, reach: int, rounding: Rounding) -> FixedPoint:
    if rounding is Rounding.HALF_UP:
        return fixed_point_within(real, reach)
    return fixed_point(real, rounding)


@st.composite
def _fixed_points_on_bounds(draw: st.DrawFn, reach: int, rounding: Rounding) -> tuple[int, int]:
    if rounding is Rounding.HALF_UP:
        shift = draw(st.sampled_from((0, 31)) | st.integers(0, 31))
        half = 1 << shift >> 1
        largest = max((INT32_MAX - 255 - half) // max(reach, 1), 0)
        return draw(st.sampled_from((0, largest)) | st.integers(0, largest)), shift
    multiplier = draw(st.sampled_from((2**30, INT32_MAX)) | st.integers(2**30, INT32_MAX))
    if rounding is Rounding.DOUBLE:
        # The accumulator is shifted left before it is multiplied by less than one.
        left = max(s for s in range(31) if s == 0 or reach << s <= LARGEST_RESULT)
        point = multiplier, draw(st.sampled_from((left, -31)) | st.integers(-31, left))
        return draw(st.sampled_from((point, point, (0, 0))))
    smallest = next(s for s in range(1, 63) if (reach * multiplier >> s) + 1 <= LARGEST_RESULT)
    likely = st.integers(30, 50).map(lambda s: max(s, smallest))
    point = multiplier, draw(st.sampled_from((smallest, 62)) | likely)
    return draw(st.sampled_from((point, point, (0, 1))))


@st.composite
def operands(
    draw: st.DrawFn, w: Array, w_zero: int, axis: int, rounding: Rounding
) -> tuple[Array, Array, Array, Array]:
    """Weights, and bias, multiplier and shift that every int8 input keeps inside int32."""
    centred = np.moveaxis(w.astype(np.int64) - w_zero, axis, 0).reshape(w.shape[axis], -1)
    sums = np.abs(centred).sum(axis=1) * 128
    most = INT32_MAX - (0 if rounding is Rounding.WRAPPING else 255 + int(sums.max()))
    largest_bias = draw(st.sampled_from((0, 100, 5000, 5000, 5000, most)))
    rng = np.random.default_rng(draw(seeds()))
    bias = rng.integers(-largest_bias, largest_bias + 1, len(sums))
    reach = sums + np.abs(bias)
    if draw(st.booleans()):
        points = [draw(fixed_points(int(r), rounding)) for r in reach]
    else:
        points = [draw(fixed_points(int(reach.max()), rounding))]
    multiplier = np.array([m for m, _ in points], np.int32)
    return w, bias.astype(np.int32), multiplier, np.array([s for _, s in points], np.int8)


def zero_points() -> st.SearchStrategy[int]:
    return st.sampled_from((0, 0, -128, 127)) | st.integers(-128, 127)


@st.composite
def q_conv2d(draw: st.DrawFn) -> Case:
    window = draw(windows())
    groups = draw(st.sampled_from((1, 1, 1, 2, 3)))
    per_group, o = draw(sizes(9)), groups * draw(sizes(5))
    h, w = draw(window_inputs(window))
    n, is_channels_first = draw(sizes(2)), draw(st.booleans())
    c = per_group * groups
    x = draw(stored((n, c, h, w) if is_channels_first else (n, h, w, c)))
    weights = draw(stored((o, *window.kernel, per_group)))
    output, w_zero = draw(requantisations()), draw(zero_points())
    op = QConv2d(window, groups, is_channels_first, output, draw(zero_points()), w_zero)
    return Case(op, (x, *draw(operands(weights, w_zero, 0, output.rounding))))


@st.composite
def q_depthwise(draw: st.DrawFn) -> Case:
    window = draw(windows())
    c, multiplier = draw(sizes(20)), draw(st.sampled_from((1, 1, 1, 2, 3)))
    h, w = draw(window_inputs(window))
    x = draw(stored((draw(sizes(2)), h, w, c)))
    weights = draw(stored((*window.kernel, c * multiplier)))
    output, w_zero = draw(requantisations()), draw(zero_points())
    op = QDepthwiseConv2d(window, output, draw(zero_points()), w_zero)
    return Case(op, (x, *draw(operands(weights, w_zero, 2, output.rounding))))


@st.composite
def q_dense(draw: st.DrawFn) -> Case:
    leading = draw(st.sampled_from(((), (1,), (1,), (3,), (2, 3))))
    k, o = draw(sizes(70)), draw(sizes(20))
    x = draw(stored((*leading, k)))
    weights = draw(stored((o, k)))
    output, w_zero = draw(requantisations()), draw(zero_points())
    return Case(QDense(output, w_zero), (x, *draw(operands(weights, w_zero, 0, output.rounding))))


PRODUCTS: dict[type[Op], st.SearchStrategy[Case]] = {
    QConv2d: q_conv2d(),
    QDepthwiseConv2d: q_depthwise(),
    QDense: q_dense(),
}
