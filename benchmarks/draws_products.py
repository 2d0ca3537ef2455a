"""Drawn calls of operators that multiply and accumulate, for draws.py."""

from collections.abc import Callable
from math import prod

import numpy as np
from chosen import Call, Draw, scale

from tilewright.ir.types import Array
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d, QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import Dense, QDense
from tilewright.ops.matmul import MatMul, QMatMul, largest_product
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding

MOST_WEIGHTS = 12000

TWICE = Rounding.DOUBLE
"""What operators that only the tflite contract has do."""

Made = Callable[[Draw, Rounding], Call]


def zero(draw: Draw) -> int:
    """A zero point."""
    return draw.one(0, -128, int(draw.rng.integers(-128, 128)))


def _w_zero(draw: Draw) -> int:
    return draw.one(0, 0, 0, 0, 0, 0, 7)


def _tables(draw: Draw, depth: int, outputs: int, rounding: Rounding) -> tuple[Array, ...]:
    bias = draw.rng.integers(-3000, 3000, outputs).astype(np.int32)
    return bias, *draw.scales(depth, bias, rounding)


def q_conv2d(draw: Draw, rounding: Rounding) -> Call:
    """Mostly of one group and channels last."""
    window, most = draw.window(), draw.one(300, 2500, 2500)
    groups = draw.one(1, 1, 1, 1, 1, 1, 2)
    c, o = groups * draw.channels(48 // groups), groups * draw.channels(64 // groups)
    depth = prod(window.kernel) * c // groups
    o = max(min(o, MOST_WEIGHTS // depth) // groups, 1) * groups
    shape = draw.image(window, c, most)
    is_first = draw.one(False, False, False, True)
    if is_first:
        shape = (1, c, *shape[1:3])
    op = QConv2d(window, groups, is_first, draw.output(rounding), zero(draw), _w_zero(draw))
    w = draw.weights(o, *window.kernel, c // groups)
    return Call(op, (draw.s8(*shape), w, *_tables(draw, depth, o, rounding)))


def q_depthwise(draw: Draw, rounding: Rounding) -> Call:
    """Mostly 3x3, one output channel per input channel."""
    window, multiplier = draw.window(), draw.one(1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 8)
    c = draw.channels(128 // multiplier)
    shape = draw.image(window, c * multiplier)
    op = QDepthwiseConv2d(window, draw.output(rounding), zero(draw), _w_zero(draw))
    w = draw.weights(*window.kernel, c * multiplier)
    tables = _tables(draw, prod(window.kernel), c * multiplier, rounding)
    return Call(op, (draw.s8(*shape[:3], c), w, *tables))


def q_dense(draw: Draw, rounding: Rounding) -> Call:
    """One row or a few."""
    rows, k, o = draw.one(1, 1, draw.upto(20)), draw.upto(600), draw.channels(160)
    o = max(min(o, MOST_WEIGHTS // k), 1)
    op = QDense(draw.output(rounding), _w_zero(draw))
    return Call(op, (draw.s8(rows, k), draw.weights(o, k), *_tables(draw, k, o, rounding)))


def q_matmul(draw: Draw, rounding: Rounding) -> Call:
    """Batches of matrices, either way round."""
    batch, rows, k, columns = draw.one(1, 1, 2, 4), draw.upto(30), draw.upto(64), draw.upto(64)
    is_transposed = draw.one(False, True)
    b = (columns, k) if is_transposed else (k, columns)
    if rounding is Rounding.HALF_UP and draw.one(False, True):
        return _short_rows(draw, batch, rows, is_transposed=is_transposed)
    a_zero, b_zero = zero(draw), draw.one(0, 0, 5)
    point = scale(40 / (k**0.5 * 5476), k * largest_product(a_zero, b_zero), rounding)
    op = QMatMul(
        transposes_b=is_transposed, a_zero=a_zero, b_zero=b_zero, scale=point,
        output=draw.output(rounding),
    )  # fmt: skip
    return Call(op, (draw.s8(batch, rows, k), draw.s8(batch, *b)), varying=2)


def _short_rows(draw: Draw, batch: int, rows: int, *, is_transposed: bool) -> Call:
    """Rows of four elements, as the integer dialect turns positions."""
    columns = 4 * draw.upto(3)
    bounds = draw.one(Requantise(Rounding.HALF_UP), Requantise(Rounding.HALF_UP, 0, -60, 59))
    point = FixedPoint(draw.one(257, 258, 485, 32_767), 16)
    op = QMatMul(transposes_b=is_transposed, scale=point, output=bounds)
    b = (columns, 4) if is_transposed else (4, columns)
    return Call(op, (draw.s8(batch, rows, 4), draw.s8(batch, *b)), varying=2)


def part(made: Made, *, finishes: bool = False) -> Made:
    """Sums of a drawn operator, or what finishes them."""

    def make(draw: Draw, rounding: Rounding) -> Call:
        while True:
            call = made(draw, draw.one(*Rounding) if not finishes else rounding)
            split = call.op.split(*call.signature.inputs)
            if split is None:
                continue
            summed = tuple(call.inputs[i] for i in split.summed)
            if not finishes:
                return Call(split.sums, summed, call.varying)
            rest = (*(call.inputs[i] for i in split.finishing), *split.tables)
            return Call(split.finish, (split.sums.evaluate(*summed), *rest))

    return make


def conv2d(draw: Draw, rounding: Rounding) -> Call:
    """Float32."""
    q = q_conv2d(draw, Rounding.DOUBLE)
    del rounding
    assert isinstance(q.op, QConv2d)
    x, w = q.inputs[:2]
    op = Conv2d(q.op.window, q.op.groups, q.op.is_channels_first, *clips(draw))
    return Call(op, (draw.f32(*x.shape), draw.f32(*w.shape), draw.f32(len(w))))


def depthwise(draw: Draw, rounding: Rounding) -> Call:
    """Float32."""
    q = q_depthwise(draw, Rounding.DOUBLE)
    del rounding
    assert isinstance(q.op, QDepthwiseConv2d)
    x, w = q.inputs[:2]
    op = DepthwiseConv2d(q.op.window, *clips(draw))
    return Call(op, (draw.f32(*x.shape), draw.f32(*w.shape), draw.f32(w.shape[-1])))


def dense(draw: Draw, rounding: Rounding) -> Call:
    """Float32."""
    x, w = q_dense(draw, Rounding.DOUBLE).inputs[:2]
    del rounding
    return Call(Dense(*clips(draw)), (draw.f32(*x.shape), draw.f32(*w.shape), draw.f32(len(w))))


def matmul(draw: Draw, rounding: Rounding) -> Call:
    """Float32."""
    q = q_matmul(draw, Rounding.DOUBLE)
    del rounding
    assert isinstance(q.op, QMatMul)
    a, b = (draw.f32(*array.shape) for array in q.inputs)
    return Call(MatMul(q.op.transposes_b), (a, b), varying=2)


def clips(draw: Draw) -> tuple[float, float]:
    """A clip range of real numbers."""
    return draw.one((-np.inf, np.inf), (0.0, np.inf), (0.0, 6.0))
