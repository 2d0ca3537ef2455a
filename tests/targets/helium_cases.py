"""Drawn cases that Helium kernels take: what the general strategies seldom draw."""

import numpy as np
from hypothesis import strategies as st

from case import Case, sizes, stored, window_inputs, windows
from strategies_layout import LAYOUT
from strategies_llm import LLM
from strategies_matmul import MATMUL
from strategies_norms import NORMS
from strategies_onnx import ONNX
from strategies_products import fixed_points, operands, zero_points
from strategies_tflite import TFLITE, scales, zeros
from tilewright.ir.op import Op
from tilewright.ops.arithmetic_onnx import LARGEST_PRODUCT, LARGEST_STEP, RescaledMul
from tilewright.ops.arithmetic_tflite import QAdd, QMul
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.layout import Concat
from tilewright.ops.llm.attention import CachedAttention
from tilewright.ops.llm.linear import LinearRows
from tilewright.ops.lut import Lut
from tilewright.ops.matmul import QMatMul
from tilewright.ops.mean_tflite import QMean
from tilewright.ops.norm_onnx import RescaledNorm
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.pool_onnx import RescaledAveragePool2d, RescaledMean
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding
from tilewright.ops.softmax_onnx import TableSoftmax
from tilewright.ops.softmax_tflite import QSoftmax
from tilewright.ops.window2d import Window2d


@st.composite
def outputs(draw: st.DrawFn, *roundings: Rounding) -> Requantise:
    """Clip ranges that begin at the zero point, as after a Relu, about half of the time."""
    rounded = draw(st.sampled_from(roundings or (Rounding.DOUBLE, Rounding.HALF_EVEN)))
    zero = draw(zero_points())
    if draw(st.booleans()):
        return Requantise(rounded, -128)
    return Requantise(rounded, zero, *draw(st.sampled_from(((-128, 127), (zero, 127), (-90, 30)))))


def channels(largest: int) -> st.SearchStrategy[int]:
    return st.integers(1, largest) | st.sampled_from((3, 4, 15, 16, 17, 32, 33))


def w_zeros() -> st.SearchStrategy[int]:
    """Mostly none."""
    return st.just(0) | st.just(0) | zero_points()


@st.composite
def conv2d(draw: st.DrawFn) -> Case:
    kernel = draw(st.sampled_from(((1, 1), (1, 1), (3, 3), (2, 4), (4, 1))))
    pads = tuple(draw(st.integers(0, 2)) for _ in range(4))
    if kernel == (1, 1) and draw(st.integers(0, 3)):
        pads = (0, 0, 0, 0)
    strides = draw(st.sampled_from(((1, 1), (1, 1), (2, 2), (1, 3))))
    dilations = draw(st.sampled_from(((1, 1), (1, 1), (2, 1), (1, 3))))
    window = Window2d(kernel, strides, pads, dilations)
    h, w = draw(window_inputs(window))
    x = draw(stored((draw(sizes(2)), h, w, draw(channels(40)))))
    weights = draw(stored((draw(channels(20)), *kernel, x.shape[3])))
    output, zero = draw(outputs()), draw(w_zeros())
    op = QConv2d(window, output=output, x_zero=draw(zero_points()), w_zero=zero)
    return Case(op, (x, *draw(operands(weights, zero, 0, output.rounding))))


@st.composite
def grouped(draw: st.DrawFn) -> Case:
    """Several groups of a few channels."""
    window = Window2d(draw(st.sampled_from(((1, 1), (3, 3), (3, 1)))), pads=(0, 1, 1, 0))
    h, w = draw(window_inputs(window))
    groups, own, made = draw(st.integers(2, 9)), draw(sizes(9)), draw(sizes(5))
    x = draw(stored((draw(sizes(2)), h, w, groups * own)))
    weights = draw(stored((groups * made, *window.kernel, own)))
    op = QConv2d(window, groups, output=draw(outputs()), x_zero=draw(zero_points()))
    return Case(op, (x, *draw(operands(weights, 0, 0, op.output.rounding))))


@st.composite
def depthwise3x3(draw: st.DrawFn) -> Case:
    pads = tuple(draw(st.integers(0, 3)) for _ in range(4))
    strides = draw(st.sampled_from(((1, 1), (1, 1), (2, 2), (1, 2), (3, 3), (4, 1))))
    window = Window2d((3, 3), strides, pads)
    h, w = draw(window_inputs(window))
    x = draw(stored((draw(sizes(2)), h, w, draw(channels(40)))))
    weights = draw(stored((3, 3, x.shape[3])))
    output = draw(outputs())
    op = QDepthwiseConv2d(window, output, draw(zero_points()))
    return Case(op, (x, *draw(operands(weights, 0, 2, output.rounding))))


@st.composite
def depthwise_of_the_lowest(draw: st.DrawFn) -> Case:
    """Products of -128 by -128, any two of which exceed int16."""
    kernel = draw(st.sampled_from(((3, 3), (3, 1), (2, 2), (1, 1), (5, 5))))
    window = Window2d(kernel, draw(st.sampled_from(((1, 1), (2, 2)))))
    h, w = draw(window_inputs(window))
    x = np.full((1, h, w, draw(channels(40))), -128, np.int8)
    weights = np.full((*kernel, x.shape[3]), -128, np.int8)
    for index in draw(st.lists(st.integers(0, weights.size - 1), max_size=3)):
        weights.flat[index] = 127
    op = QDepthwiseConv2d(window, draw(outputs()), draw(zero_points()))
    return Case(op, (x, *draw(operands(weights, 0, 2, op.output.rounding))))


COUNTS = (
    (1, 1, 8), (2, 1, 3), (1, 1, 1), (1, 3, 2), (1, 3, 4), (2, 5, 1), (1, 7, 1),
    (2, 8, 1), (1, 24, 1), (1, 33, 1), (1, 70, 1), (1, 9, 2), (1, 20, 3), (1, 130, 1), (1, 150, 1),
)  # fmt: skip
"""Batch, channels, and outputs of each."""

WINDOWS = ((5, 5), (7, 7), (1, 3), (3, 1), (10, 8), (2, 2), (1, 9), (18, 15))


@st.composite
def depthwise(draw: st.DrawFn) -> Case:
    """Windows of one to many vectors, several outputs per channel, weights with a zero point, and
    rows of which a block holds only some channels."""
    kernel = draw(st.sampled_from(WINDOWS))
    pads = tuple(draw(st.integers(0, kernel[i % 2])) for i in range(4))
    strides = draw(st.sampled_from(((1, 1), (1, 1), (2, 2), (1, 2), (3, 1))))
    dilations = draw(st.sampled_from(((1, 1), (1, 1), (1, 1), (2, 2), (3, 1), (1, 4))))
    window = Window2d(kernel, strides, pads, dilations)
    h, w = draw(window_inputs(window))
    w = 1 if kernel[1] == 1 and draw(st.booleans()) else w + draw(st.sampled_from((0, 0, 40, 150)))
    batch, channels, multiple = draw(st.sampled_from(COUNTS))
    x = draw(stored((batch, h, w, channels)))
    weights = draw(stored((*kernel, channels * multiple)))
    output, zero = draw(outputs()), draw(w_zeros())
    op = QDepthwiseConv2d(window, output, draw(zero_points()), zero)
    return Case(op, (x, *draw(operands(weights, zero, 2, output.rounding))))


@st.composite
def dense(draw: st.DrawFn) -> Case:
    x = draw(stored((draw(sizes(3)), draw(channels(150)))))
    weights = draw(stored((draw(channels(70)), x.shape[1])))
    output, zero = draw(outputs()), draw(w_zeros())
    return Case(QDense(output, zero), (x, *draw(operands(weights, zero, 0, output.rounding))))


@st.composite
def add(draw: st.DrawFn) -> Case:
    """Equal shapes, scales from far apart to alike, every value of an operand."""
    count = draw(sizes(40) | st.just(256))
    half, other = draw(scales(0.5, 0.5)), draw(scales(2.0**-31, 0.5) | scales(2.0**-6, 0.5))
    points = draw(st.permutations((half, other)))
    total = draw(scales(2.0**-22, 2.0**-16))
    output = draw(outputs(Rounding.DOUBLE))
    op = QAdd(draw(zeros()), draw(zeros()), *points, total, output)
    a = np.arange(count).astype(np.int8)
    return Case(op, (a, draw(stored((count,)))), varying=2)


@st.composite
def average_pool(draw: st.DrawFn) -> Case:
    """One window over everything, up to the largest that the kernel takes."""
    h, w = draw(sizes(16)), draw(sizes(16))
    x = draw(stored((1, h, w, draw(channels(20)))))
    return Case(QAveragePool2d(Window2d((h, w), (1, 1), (0, 0, 0, 0))), (x,))


@st.composite
def max_pool(draw: st.DrawFn) -> Case:
    """Channels in one vector and in several."""
    window = draw(windows())
    h, w = draw(window_inputs(window))
    return Case(MaxPool2d(window), (draw(stored((draw(sizes(2)), h, w, draw(channels(40))))),))


@st.composite
def lut(draw: st.DrawFn) -> Case:
    return Case(Lut(), (draw(stored((draw(st.integers(1, 300)),))), draw(stored((256,)))))


def run_lengths() -> st.SearchStrategy[int]:
    """Around the lanes of a vector, and of several."""
    return st.sampled_from((1, 3, 4, 5, 15, 16, 17, 33)) | st.integers(1, 300)


@st.composite
def rescaled_mul(draw: st.DrawFn) -> Case:
    """Operands that go along or stand still."""
    rows, columns = draw(sizes(3)), draw(run_lengths())
    pairs = (
        ((rows, columns), (rows, columns)), ((rows, columns), (1, columns)),
        ((rows, 1), (rows, columns)), ((rows, columns), (1, 1)),
    )  # fmt: skip
    a, b = draw(st.sampled_from(pairs))
    output = draw(outputs(Rounding.HALF_EVEN))
    scale = FixedPoint(*draw(fixed_points(LARGEST_PRODUCT, output.rounding)))
    op = RescaledMul(draw(zeros()), draw(zeros()), scale, output)
    return Case(op, (draw(stored(a)), draw(stored(b))), varying=2)


@st.composite
def rescaled_mean(draw: st.DrawFn) -> Case:
    """Rows, and columns of more elements than an int16 can sum."""
    count, inner = draw(st.sampled_from((2, 16, 100, 256, 300, 700))), draw(sizes(20))
    x = draw(stored((draw(sizes(2)), count, inner)))
    output = draw(outputs(Rounding.HALF_EVEN))
    scale = FixedPoint(*draw(fixed_points(count * LARGEST_STEP, output.rounding)))
    op = RescaledMean((1,), draw(st.booleans()), draw(zero_points()), scale, output)
    return Case(op, (x,))


@st.composite
def concat(draw: st.DrawFn) -> Case:
    """As many inputs as there are kernels for."""
    joined = draw(st.integers(2, 4))
    case = draw(LAYOUT[Concat].filter(lambda case: len(case.inputs) >= joined))
    return Case(case.op, case.inputs[:joined], joined)


HELIUM_CASES: dict[type[Op], st.SearchStrategy[Case]] = {
    QConv2d: conv2d() | conv2d() | grouped(),
    QDepthwiseConv2d: depthwise3x3() | depthwise() | depthwise() | depthwise_of_the_lowest(),
    QDense: dense(),
    QMatMul: MATMUL[QMatMul],
    QAdd: add(),
    QAveragePool2d: average_pool() | TFLITE[QAveragePool2d],
    RescaledAveragePool2d: ONNX[RescaledAveragePool2d],
    MaxPool2d: max_pool(),
    Lut: lut(),
    Concat: concat(),
    QMul: TFLITE[QMul],
    RescaledMul: rescaled_mul(),
    QMean: TFLITE[QMean],
    RescaledMean: rescaled_mean(),
    QSoftmax: TFLITE[QSoftmax],
    TableSoftmax: ONNX[TableSoftmax],
    RescaledNorm: NORMS[RescaledNorm],
    LinearRows: LLM[LinearRows],
    CachedAttention: LLM[CachedAttention],
}
