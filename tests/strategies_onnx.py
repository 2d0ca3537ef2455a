"""Drawn cases for the integer operators of the onnx and pulp contracts."""

from math import prod

import numpy as np
from hypothesis import strategies as st

from case import Case, shapes, sizes, stored, window_inputs, windows
from strategies_products import fixed_points, requantisations
from tilewright.ir.op import Op
from tilewright.ir.types import Shape
from tilewright.ops.arithmetic_onnx import (
    LARGEST_PRODUCT,
    LARGEST_STEP,
    RescaledAdd,
    RescaledMul,
    weighted_sum,
)
from tilewright.ops.pool_onnx import RescaledAveragePool2d, RescaledMean
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding
from tilewright.ops.softmax_onnx import TableSoftmax, exponentials, inverse_scale, row_bits


def rounded_once() -> st.SearchStrategy[Requantise]:
    return requantisations().filter(lambda r: r.rounding is not Rounding.DOUBLE)


def zeros() -> st.SearchStrategy[int]:
    return st.sampled_from((0, -128, 127)) | st.integers(-128, 127)


@st.composite
def broadcast_pairs(draw: st.DrawFn) -> tuple[Shape, Shape]:
    """Two shapes that broadcast, most often equal ones."""
    shape = draw(shapes(1, 4))
    if draw(st.integers(0, 2)):
        return shape, shape
    squeezed = tuple(1 if draw(st.booleans()) else n for n in shape)
    other = squeezed[draw(st.integers(0, len(shape) - 1)) :]
    return (shape, other) if draw(st.booleans()) else (other, shape)


@st.composite
def rescaled_add(draw: st.DrawFn) -> Case:
    a, b = draw(broadcast_pairs())
    if a == b and draw(st.booleans()):  # longer than the kernel's blocks
        a = b = (draw(st.integers(60, 200)),)
    ratios = st.sampled_from((1.0, 0.5, 2.0**-12, 300.0)) | st.floats(2.0**-20, 2.0**12)
    points = weighted_sum(draw(ratios), draw(ratios))
    op = RescaledAdd(draw(zeros()), draw(zeros()), *points, draw(rounded_once()))
    return Case(op, (draw(stored(a)), draw(stored(b))), varying=2)


@st.composite
def rescaled_mul(draw: st.DrawFn) -> Case:
    a, b = draw(broadcast_pairs())
    output = draw(rounded_once())
    scale = FixedPoint(*draw(fixed_points(LARGEST_PRODUCT, output.rounding)))
    op = RescaledMul(draw(zeros()), draw(zeros()), scale, output)
    return Case(op, (draw(stored(a)), draw(stored(b))), varying=2)


@st.composite
def rescaled_average_pool(draw: st.DrawFn) -> Case:
    window = draw(windows())
    h, w = draw(window_inputs(window))
    c = draw(sizes(8) | st.just(70))
    output = draw(rounded_once())
    positions = prod(window.kernel)
    counts = [positions]
    if draw(st.booleans()):
        counts = list(range(1, positions + 1))
    points = [draw(fixed_points(n * LARGEST_STEP, output.rounding)) for n in counts]
    if len(points) == 1:  # serves sums of any count up to all positions
        points = [draw(fixed_points(positions * LARGEST_STEP, output.rounding))]
    multiplier = np.array([m for m, _ in points], np.int32)
    shift = np.array([s for _, s in points], np.int8)
    op = RescaledAveragePool2d(window, draw(zeros()), output)
    return Case(op, (draw(stored((draw(sizes(2)), h, w, c))), multiplier, shift))


@st.composite
def rescaled_mean(draw: st.DrawFn) -> Case:
    shape = draw(shapes(1, 4))
    start = draw(st.integers(0, len(shape) - 1))
    stop = draw(st.integers(start + 1, len(shape)))
    axes = tuple(range(start, stop))
    output = draw(rounded_once())
    reach = prod(shape[start:stop]) * LARGEST_STEP
    scale = FixedPoint(*draw(fixed_points(reach, output.rounding)))
    op = RescaledMean(axes, draw(st.booleans()), draw(zeros()), scale, output)
    return Case(op, (draw(stored(shape)),))


@st.composite
def table_softmax(draw: st.DrawFn) -> Case:
    shape = (*draw(shapes(0, 2)), draw(sizes(20) | st.integers(100, 1100)))
    bits = row_bits(shape[-1])
    step = draw(st.sampled_from((2.0**-20, 0.1, 1.0, 50.0)) | st.floats(1e-3, 1.0))
    y_scale = draw(st.sampled_from((1 / 256, 1 / 255, 1 / 127, 2.0**-29, 1.0)))
    promised = rounded_once().filter(lambda r: r.rounding is not Rounding.WRAPPING)
    op = TableSoftmax(bits, inverse_scale(y_scale, bits), draw(promised))
    return Case(op, (draw(stored(shape)), exponentials(step, bits)))


ONNX: dict[type[Op], st.SearchStrategy[Case]] = {
    RescaledAdd: rescaled_add(),
    RescaledMul: rescaled_mul(),
    RescaledAveragePool2d: rescaled_average_pool(),
    RescaledMean: rescaled_mean(),
    TableSoftmax: table_softmax(),
}
