"""Drawn cases for the integer operators that only the tflite contract has."""

from math import prod

import numpy as np
from hypothesis import strategies as st

from case import Case, real, seeds, shapes, sizes, stored, window_inputs, windows
from tilewright.ir.op import Op
from tilewright.ir.types import Array, DType, Shape
from tilewright.ops.arithmetic_tflite import QAdd, QMul
from tilewright.ops.mean_tflite import QMean, divided
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.ops.quantise_tflite import QuantizeHalfAway
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding, fixed_point
from tilewright.ops.softmax_tflite import QSoftmax, exp_table


def double_rounding(real_scale: float) -> FixedPoint:
    return fixed_point(real_scale, Rounding.DOUBLE)


def scales(low: float, high: float) -> st.SearchStrategy[FixedPoint]:
    """Scales in [low, high]; powers of two among them, where ties occur."""
    spread = st.floats(np.log(low), np.log(high)).map(np.exp)
    powers = st.sampled_from([p for p in (2.0**k for k in range(-31, 15)) if low <= p <= high])
    return (spread | powers).map(double_rounding)


@st.composite
def outputs(draw: st.DrawFn) -> Requantise:
    zero = draw(st.integers(-128, 127))
    bounds = draw(st.sampled_from(((-128, 127), (zero, 127), (-100, 30))))
    return Requantise(Rounding.DOUBLE, zero, *bounds)


def zeros() -> st.SearchStrategy[int]:
    return st.sampled_from((0, -128, 127)) | st.integers(-128, 127)


@st.composite
def broadcast_pairs(draw: st.DrawFn) -> tuple[Shape, Shape]:
    """Two shapes that broadcast: equal ones, longer than a kernel's blocks, or repeated."""
    if draw(st.integers(0, 2)) == 0:
        shape = (draw(st.integers(60, 200)),)
        return shape, shape
    shape = draw(shapes(1, 4))
    other = tuple(1 if draw(st.integers(0, 3)) == 0 else n for n in shape)
    other = other[draw(st.integers(0, len(shape) - 1)) :]
    return draw(st.sampled_from(((shape, shape), (shape, other), (other, shape))))


@st.composite
def q_add(draw: st.DrawFn) -> Case:
    a, b = draw(broadcast_pairs())
    largest, other = double_rounding(0.5), draw(scales(2.0**-31, 0.5))
    points = draw(st.permutations((largest, other)))
    total = draw(scales(2.0**-22, 2.0**-10) | scales(2.0**-31, 0.99))
    op = QAdd(draw(zeros()), draw(zeros()), *points, total, draw(outputs()))
    return Case(op, (draw(stored(a)), draw(stored(b))), varying=2)


@st.composite
def q_mul(draw: st.DrawFn) -> Case:
    a, b = draw(broadcast_pairs())
    scale = draw(scales(2.0**-12, 1.0) | scales(2.0**-31, 2.0**13))
    op = QMul(draw(zeros()), draw(zeros()), scale, draw(outputs()))
    return Case(op, (draw(stored(a)), draw(stored(b))), varying=2)


@st.composite
def q_average_pool(draw: st.DrawFn) -> Case:
    window = draw(windows())
    h, w = draw(window_inputs(window))
    x = draw(stored((draw(sizes(2)), h, w, draw(sizes(8) | st.just(70)))))
    low, high = draw(st.sampled_from(((-128, 127), (-128, 127), (0, 127), (-50, 20))))
    return Case(QAveragePool2d(window, draw(st.sampled_from((0, 128))), low, high), (x,))


@st.composite
def q_mean(draw: st.DrawFn) -> Case:
    shape = draw(shapes(1, 4) | st.tuples(sizes(3), sizes(5), sizes(5), st.just(70)))
    axes = tuple(sorted(draw(st.sets(st.integers(0, len(shape) - 1), max_size=3))))
    count = prod(shape[a] for a in axes)
    scale = divided(draw(scales(2.0**-6, 16.0) | scales(2.0**-31, 2.0**14)), count)
    op = QMean(axes, draw(st.booleans()), draw(zeros()), scale, draw(outputs()))
    return Case(op, (draw(stored(shape)),))


@st.composite
def q_softmax(draw: st.DrawFn) -> Case:
    length = draw(st.sampled_from((1, 2, 3, 10, 33, 511, 512, 600, 1023, 1025, 2048)))
    shape = (*draw(st.sampled_from(((), (1,), (3,), (2, 2)))), length)
    table = exp_table(1.0, draw(st.floats(-12, 3).map(np.exp)))
    return Case(QSoftmax(), (draw(stored(shape)), table))


@st.composite
def quantize_half_away(draw: st.DrawFn) -> Case:
    scale = float(np.float32(draw(st.floats(-20, 20).map(np.exp))))
    shape = draw(shapes() | st.just((150,)))
    x: Array = draw(real(shape)) * np.float32(50 * scale)
    match draw(st.sampled_from(("any", "ties", "odd"))):
        case "ties":
            rng = np.random.default_rng(draw(seeds()))
            x = rng.integers(-300, 300, shape).astype(np.float32) / 2 * np.float32(scale)
        case "odd":
            x = x.copy()
            x.flat[0] = draw(st.sampled_from((np.nan, np.inf, -np.inf, -0.0, 3e38)))
    dtype = draw(st.sampled_from((DType.S8, DType.S16)))
    return Case(QuantizeHalfAway(scale, draw(zeros()), dtype), (x.astype(np.float32),))


TFLITE: dict[type[Op], st.SearchStrategy[Case]] = {
    QAdd: q_add(),
    QAveragePool2d: q_average_pool(),
    QMean: q_mean(),
    QMul: q_mul(),
    QSoftmax: q_softmax(),
    QuantizeHalfAway: quantize_half_away(),
}
