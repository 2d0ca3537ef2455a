"""Drawn layers that N-EUREKA's kernels take."""

from dataclasses import replace

import numpy as np

from case import Case
from tilewright.ir.op import Op
from tilewright.ir.types import Array
from tilewright.ops.arithmetic_onnx import RescaledAdd, weighted_bytes
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.llm.linear import SumRows
from tilewright.ops.llm.rows import scaled_rows
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding, fixed_point_within
from tilewright.ops.window2d import Window2d
from tilewright.targets.packs.neureka.kernels.rescaled_add import LEAST_SIZE

CHANNELS = (1, 3, 8, 16, 27, 28, 29, 32, 33, 40, 57, 64)
SIZES = (1, 2, 3, 5, 6, 7, 8, 11, 13)


def any_bytes(rng: np.random.Generator, *shape: int) -> Array:
    """int8 over the whole range, or its extremes only."""
    if rng.integers(4) == 0:
        return rng.choice([-128, 127], shape).astype(np.int8)
    return rng.integers(-128, 128, shape).astype(np.int8)


def channels(rng: np.random.Generator) -> int:
    return int(rng.choice(CHANNELS))


def zero_point(rng: np.random.Generator) -> int:
    return int(rng.choice([0, -128, 127, rng.integers(-128, 128)]))


def tables(rng: np.random.Generator, w: Array, w_zero: int, axis: int, zero: int) -> list[Array]:
    """Bias, multiplier, shift; per channel or one for all. Everything stays in int32."""
    centred = np.moveaxis(w.astype(np.int64) - w_zero, axis, 0).reshape(w.shape[axis], -1)
    sums = np.abs(centred).sum(axis=1) * 128
    bias = rng.integers(-5000, 5001, len(sums))
    reach = sums + np.abs(bias)
    largest = reach if rng.integers(2) else reach.max(keepdims=True)
    points = [
        fixed_point_within(128 / max(int(n), 256) * 2 ** rng.uniform(-1, 5), int(n), zero)
        for n in largest
    ]
    multiplier = np.array([p.multiplier for p in points], np.int32)
    return [bias.astype(np.int32), multiplier, np.array([p.shift for p in points], np.int8)]


def case_of(rng: np.random.Generator, op: Op, x: Array, w: Array, axis: int) -> Case:
    assert isinstance(op, QConv2d | QDepthwiseConv2d | QDense)
    return Case(op, (x, w, *tables(rng, w, op.w_zero, axis, op.output.zero)))


def output(rng: np.random.Generator) -> Requantise:
    return Requantise(Rounding.HALF_UP, zero_point(rng))


def strided_window(rng: np.random.Generator) -> tuple[Window2d, tuple[int, int]]:
    """3x3 that moves by up to three, and an input; the last rows and columns may be unused."""
    strides = [(2, 2), (1, 2), (2, 1), (2, 3)][int(rng.integers(4))]
    top, left, bottom, right = (int(p) for p in rng.integers(0, 2, 4))
    height, width = (int(n) for n in rng.integers(3, 15, 2))
    return Window2d((3, 3), strides, (top, left, bottom, right)), (height, width)


def any_window(rng: np.random.Generator) -> tuple[Window2d, tuple[int, int]]:
    """3x3, and the input that a drawn output needs."""
    rows, columns = (int(rng.choice(SIZES)) for _ in range(2))
    top, left, bottom, right = (int(p) for p in rng.integers(0, 2, 4))
    rows, columns = max(rows, top + bottom), max(columns, left + right)
    window = Window2d((3, 3), pads=(top, left, bottom, right))
    return window, (rows + 2 - top - bottom, columns + 2 - left - right)


def window_case(rng: np.random.Generator) -> Case:
    return _windows(rng, *any_window(rng))


def strided_case(rng: np.random.Generator) -> Case:
    return _windows(rng, *strided_window(rng))


def _windows(rng: np.random.Generator, window: Window2d, size: tuple[int, int]) -> Case:
    height, width = size
    inputs, outputs = channels(rng), channels(rng)
    op = QConv2d(
        window, output=output(rng), x_zero=zero_point(rng), w_zero=int(rng.integers(-3, 4))
    )
    w = any_bytes(rng, outputs, 3, 3, inputs)
    return case_of(rng, op, any_bytes(rng, 1, height, width, inputs), w, 0)


def point_case(rng: np.random.Generator) -> Case:
    inputs, outputs = channels(rng), channels(rng)
    strides = (int(rng.integers(1, 3)), int(rng.integers(1, 4)))
    n, height, width = 1, int(rng.choice(SIZES)), int(rng.choice(SIZES))
    if strides == (1, 1):
        n = int(rng.integers(1, 3))
    op = QConv2d(Window2d((1, 1), strides), output=output(rng), w_zero=int(rng.integers(-3, 4)))
    x = any_bytes(rng, n, height, width, inputs)
    return case_of(rng, op, x, any_bytes(rng, outputs, 1, 1, inputs), 0)


def depthwise_case(rng: np.random.Generator) -> Case:
    return _depthwise(rng, *any_window(rng))


def strided_depthwise_case(rng: np.random.Generator) -> Case:
    return _depthwise(rng, *strided_window(rng))


def few_strided_depthwise_case(rng: np.random.Generator) -> Case:
    return _depthwise(rng, *strided_window(rng), most=28)


def _depthwise(
    rng: np.random.Generator, window: Window2d, size: tuple[int, int], most: int = 64
) -> Case:
    height, width = size
    count = min(channels(rng), most)
    op = QDepthwiseConv2d(window, output(rng), zero_point(rng), int(rng.integers(-3, 4)))
    x = any_bytes(rng, 1, height, width, count)
    return case_of(rng, op, x, any_bytes(rng, 3, 3, count), 2)


def dense_case(rng: np.random.Generator) -> Case:
    leading = [(1,), (7,), (2, 3), (64,)][int(rng.integers(4))]
    return _dense(rng, leading)


def vector_case(rng: np.random.Generator) -> Case:
    return _dense(rng, [(1,), (), (1, 1)][int(rng.integers(3))])


def _dense(rng: np.random.Generator, leading: tuple[int, ...]) -> Case:
    length = int(rng.choice([1, 5, 9, 64, 100, 128, 252, 253, 504, 640]))
    op = QDense(output(rng), int(rng.integers(-3, 4)))
    x = any_bytes(rng, *leading, length)
    return case_of(rng, op, x, any_bytes(rng, channels(rng), length), 0)


def sums_case(rng: np.random.Generator) -> Case:
    return _sums(rng, int(rng.choice([1, 5, 6, 7, 36, 44])))


def vector_sums_case(rng: np.random.Generator) -> Case:
    return _sums(rng, 1)


def _sums(rng: np.random.Generator, rows: int) -> Case:
    """Scaled rows and weights of one sign, so that sums are large, or of any."""
    length, outputs = int(rng.choice([4, 32, 60, 64, 172, 192, 252, 256, 512])), channels(rng)
    x = scaled_rows(rng.integers(-(2**29), 2**29, (rows, length)) >> int(rng.choice([0, 9, 29])))
    w = np.maximum(any_bytes(rng, outputs, length), -127)
    return Case(SumRows(), (x, w))


def narrow_case(rng: np.random.Generator) -> Case:
    """Windows of up to 10 x 4 over rows of at most 16 bytes with their padding."""
    inputs, outputs = int(rng.integers(1, 4)), channels(rng)
    columns = int(rng.integers(1, 16 // inputs + 1))
    kernel = (int(rng.integers(1, 11)), int(rng.integers(1, min(columns, 4) + 1)))
    left, right = (int(p) for p in rng.integers(0, 2, 2))
    width = max(columns - left - right, 1)
    left, right = (left, right) if width + left + right <= columns else (0, columns - width)
    top, bottom = (int(p) for p in rng.integers(0, kernel[0] // 2 + 1, 2))
    height = max(int(rng.integers(1, 16)), kernel[0] - top - bottom)
    strides = (int(rng.integers(1, 4)), int(rng.integers(1, 3)))
    window = Window2d(kernel, strides, (top, left, bottom, right))
    op = QConv2d(
        window, output=output(rng), x_zero=zero_point(rng), w_zero=int(rng.integers(-3, 4))
    )
    w = any_bytes(rng, outputs, *kernel, inputs)
    return case_of(rng, op, any_bytes(rng, 1, height, width, inputs), w, 0)


def paired_case(rng: np.random.Generator) -> Case:
    """Few channels, and a window that moves along by two."""
    inputs, outputs = int(rng.integers(1, 34)), channels(rng)
    rows, columns = (int(n) for n in rng.choice([1, 2, 3, 5, 6, 8, 12], 2))
    top, bottom, right = (int(p) for p in rng.integers(0, 2, 3))
    height, width = max(2 * rows + 1 - top - bottom, 1), max(2 * columns + 1 - right, 2)
    right = right if columns % 6 != 1 else 0
    window = Window2d((3, 3), (2, 2), (top, 0, bottom, right))
    op = QConv2d(
        window, output=output(rng), x_zero=zero_point(rng), w_zero=int(rng.integers(-3, 4))
    )
    w = any_bytes(rng, outputs, 3, 3, inputs)
    more = int(rng.integers(0, 2))
    return case_of(rng, op, any_bytes(rng, 1, height, max(width, 3 - right) + more, inputs), w, 0)


def packed_case(rng: np.random.Generator) -> Case:
    """Few channels of a 1x1 or 3x3 window that moves by one, and a multiple of 16 columns."""
    columns, rows = 16 * int(rng.integers(1, 3)), int(rng.choice(SIZES))
    count, outputs = (int(rng.choice([1, 3, 4, 7, 12])) for _ in range(2))
    op = QConv2d(
        Window2d((1, 1)),
        output=output(rng),
        x_zero=zero_point(rng),
        w_zero=int(rng.integers(-3, 4)),
    )
    left, width = 0, columns
    if rng.integers(3):
        top, bottom, left = (int(p) for p in rng.integers(0, 2, 3))
        rows = max(rows, top + bottom + 1)
        right = int(rng.integers(0, 2)) if left else 0
        width = columns + 2 - left - right
        op = replace(op, window=Window2d((3, 3), pads=(top, left, bottom, right)))
    kernel = op.window.kernel
    x = any_bytes(rng, 1, rows + 2, width, count)
    return case_of(rng, op, x, any_bytes(rng, outputs, *kernel, count), 0)


def packed_strided_case(rng: np.random.Generator) -> Case:
    """The same where the window moves by two."""
    inputs, outputs = int(rng.integers(1, 8)), int(rng.integers(1, 17))
    rows, columns = int(rng.choice([1, 2, 3, 6, 8])), int(rng.choice([4, 8, 12, 24]))
    top, left, bottom = (int(p) for p in rng.integers(0, 2, 3))
    right = 1 - left
    op = QConv2d(
        Window2d((3, 3), (2, 2), (top, left, bottom, right)), output=output(rng),
        x_zero=zero_point(rng), w_zero=int(rng.integers(-3, 4)),
    )  # fmt: skip
    x = any_bytes(rng, 1, max(2 * rows + 1 - top - bottom, 1), 2 * columns, inputs)
    return case_of(rng, op, x, any_bytes(rng, outputs, 3, 3, inputs), 0)


def packed_depthwise_case(rng: np.random.Generator) -> Case:
    """Few channels of a depthwise window that moves by one."""
    columns, rows = 16 * int(rng.integers(1, 3)), int(rng.choice(SIZES))
    count = int(rng.integers(1, 15))
    op = QDepthwiseConv2d(
        Window2d((3, 3), pads=(1, 1, 1, 1)), output(rng), zero_point(rng), int(rng.integers(-3, 4))
    )
    x = any_bytes(rng, 1, rows, columns, count)
    return case_of(rng, op, x, any_bytes(rng, 3, 3, count), 2)


def paired_depthwise_case(rng: np.random.Generator) -> Case:
    """A depthwise window that moves by two."""
    rows, columns = int(rng.choice([1, 2, 3, 6, 8])), int(rng.choice([2, 5, 6, 8, 12]))
    top, left, bottom = (int(p) for p in rng.integers(0, 2, 3))
    window = Window2d((3, 3), (2, 2), (top, left, bottom, 1 - left))
    return _depthwise(rng, window, (max(2 * rows + 1 - top - bottom, 1), 2 * columns))


def sum_case(rng: np.random.Generator) -> Case:
    """Two tensors whose scales have a ratio that two bytes have, too."""
    columns, channels = int(rng.choice(SIZES)), int(rng.choice([8, 16, 29, 64]))
    least = -(-LEAST_SIZE // (columns * channels))
    shape = (1, least + int(rng.choice(SIZES)), columns, channels)
    scale = 2 ** rng.uniform(-3, 1)
    ratio = int(rng.integers(1, 256)) / int(rng.integers(1, 256))
    zeros = zero_point(rng), zero_point(rng)
    op = RescaledAdd(*zeros, *weighted_bytes(scale * ratio, scale), output(rng))
    return Case(op, (any_bytes(rng, *shape), any_bytes(rng, *shape)), varying=2)
