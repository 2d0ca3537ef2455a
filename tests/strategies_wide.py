"""Drawn cases for operators around 16-bit activations."""

import numpy as np
from hypothesis import strategies as st

from case import Case, seeds, shapes, sizes, stored, window_inputs, windows
from strategies_tflite import broadcast_pairs, double_rounding, scales
from tilewright.ir.op import Op
from tilewright.ir.types import DType
from tilewright.ops.lstm import GATES, LstmSequence
from tilewright.ops.rescale import Rounding
from tilewright.ops.wide import (
    WideAdd,
    WideConv2d,
    WideMul,
    WideOutput,
    WideRescale,
    in_words,
    reduced,
)
from tilewright.ops.wide_softmax import WideSoftmax, softmax_tables

ELEMENTS = st.sampled_from((DType.S8, DType.S16))


def zeros(dtype: DType) -> st.SearchStrategy[int]:
    return st.sampled_from((0, dtype.low, dtype.high)) | st.integers(dtype.low, dtype.high)


@st.composite
def outputs(draw: st.DrawFn, rounding: Rounding = Rounding.DOUBLE) -> WideOutput:
    dtype = draw(ELEMENTS)
    zero = draw(zeros(dtype))
    low, high = draw(st.sampled_from(((dtype.low, dtype.high), (zero, dtype.high), (-100, 30))))
    return WideOutput(dtype, rounding, zero, low, high)


@st.composite
def wide_conv2d(draw: st.DrawFn) -> Case:
    """Sums of 32 bits with scales rounded twice, or of 64 bits with those of 16 bits."""
    is_long = draw(st.booleans())
    window = draw(windows())
    h, w = draw(window_inputs(window))
    groups, depth, outputs_each = draw(sizes(3)), draw(sizes(5)), draw(sizes(3))
    channels, made = groups * depth, groups * outputs_each
    x_type = draw(ELEMENTS)
    w_type = DType.S8 if x_type is DType.S16 else draw(ELEMENTS)
    is_first = draw(st.booleans())
    shape = (draw(sizes(2)), h, w, channels)
    x = draw(stored((shape[0], channels, h, w) if is_first else shape, x_type))
    weights = draw(stored((made, *window.kernel, depth), w_type))
    rng = np.random.default_rng(draw(seeds()))
    reach = 2**40 if is_long else 2**20
    bias = in_words(rng.integers(-reach, reach, made))
    points = [draw(scales(2.0**-24, 2.0**-6)) for _ in range(draw(st.sampled_from((1, made))))]
    if is_long:
        points = [reduced(p) for p in points]
    tables = (
        np.array([p.multiplier for p in points], np.int32),
        np.array([p.shift for p in points], np.int8),
    )
    output = draw(outputs(Rounding.HALF_UP if is_long else Rounding.DOUBLE))
    op = WideConv2d(window, groups, is_first, output, draw(zeros(x_type)))
    return Case(op, (x, weights, bias, *tables))


@st.composite
def wide_add(draw: st.DrawFn) -> Case:
    a, b = draw(broadcast_pairs())
    points = [double_rounding(0.5), draw(scales(2.0**-31, 0.5))]
    if draw(st.booleans()):
        points[1] = type(points[1])(-points[1].multiplier, points[1].shift)
    a_type, b_type = draw(ELEMENTS), draw(ELEMENTS)
    op = WideAdd(
        draw(outputs()), draw(st.sampled_from((0, 12))), draw(zeros(a_type)), draw(zeros(b_type)),
        points[0], points[1], draw(scales(2.0**-20, 0.99)),
    )  # fmt: skip
    return Case(op, (draw(stored(a, a_type)), draw(stored(b, b_type))), varying=2)


@st.composite
def wide_mul(draw: st.DrawFn) -> Case:
    """Zero points are 0 where both are of 16 bits, as the format wants it: products fit 32 bits."""
    a, b = draw(broadcast_pairs())
    a_type, b_type = draw(ELEMENTS), draw(ELEMENTS)
    has_zeros = (a_type, b_type) == (DType.S8, DType.S8)
    a_zero, b_zero = (draw(zeros(t)) if has_zeros else 0 for t in (a_type, b_type))
    op = WideMul(draw(outputs()), a_zero, b_zero, draw(scales(2.0**-24, 0.9)))
    return Case(op, (draw(stored(a, a_type)), draw(stored(b, b_type))), varying=2)


@st.composite
def wide_rescale(draw: st.DrawFn) -> Case:
    dtype = draw(ELEMENTS)
    output = draw(
        outputs() | st.just(WideOutput(DType.S32, Rounding.DOUBLE, 0, -(2**31), 2**31 - 1))
    )
    op = WideRescale(draw(zeros(dtype)), draw(scales(2.0**-20, 2.0**12)), output)
    return Case(op, (draw(stored(draw(shapes()), dtype)),))


@st.composite
def wide_softmax(draw: st.DrawFn) -> Case:
    shape = (*draw(st.sampled_from(((), (3,), (2, 2)))), draw(st.sampled_from((1, 2, 10, 600))))
    point, exps, reciprocals = softmax_tables(1.0, draw(st.floats(-14, -2).map(np.exp)))
    return Case(WideSoftmax(point), (draw(stored(shape, DType.S16)), exps, reciprocals))


@st.composite
def lstm_sequence(draw: st.DrawFn) -> Case:
    steps, batch, size = draw(sizes(4)), draw(sizes(2)), draw(sizes(5))
    gates = draw(stored((steps, batch, GATES * size), DType.S16))
    weights = draw(stored((GATES * size, size)))
    rng = np.random.default_rng(draw(seeds()))
    bias = rng.integers(-(2**12), 2**12, GATES * size).astype(np.int32)
    points = [draw(scales(2.0**-10, 1.0)) for _ in range(GATES)]
    tables = (
        np.repeat(np.array([p.multiplier for p in points], np.int32), size),
        np.repeat(np.array([p.shift for p in points], np.int8), size),
    )
    op = LstmSequence(
        draw(st.sampled_from((8, 11, 12, 15))), draw(st.sampled_from((0, 9000))),
        draw(scales(2.0**-24, 2.0**-18)), draw(zeros(DType.S8)),
    )  # fmt: skip
    h, c = draw(stored((batch, size))), draw(stored((batch, size), DType.S16))
    return Case(op, (gates, weights, bias, *tables, h, c))


WIDE: dict[type[Op], st.SearchStrategy[Case]] = {
    WideConv2d: wide_conv2d(),
    WideAdd: wide_add(),
    WideMul: wide_mul(),
    WideRescale: wide_rescale(),
    WideSoftmax: wide_softmax(),
    LstmSequence: lstm_sequence(),
}
