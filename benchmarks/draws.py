"""Draws calls of operators for calibrate.py, of the sizes that layers have.

``CALLS[op](draw, rounding)`` is one call. Shapes, windows, clip ranges and broadcasts vary, so that
every term of a cost is seen apart from the others; none of them comes from a network.
"""

from collections.abc import Callable
from math import prod

import numpy as np
from chosen import Call, Draw, scale
from draws_dialect import DIALECT_CALLS
from draws_language import LANGUAGE_CALLS
from draws_products import (
    TWICE,
    Made,
    clips,
    conv2d,
    dense,
    depthwise,
    matmul,
    part,
    q_conv2d,
    q_dense,
    q_depthwise,
    q_matmul,
    zero,
)

from tilewright.ir.op import Op
from tilewright.ir.types import Shape
from tilewright.ops.arithmetic_onnx import (
    LARGEST_PRODUCT,
    LARGEST_STEP,
    RescaledAdd,
    RescaledMul,
    weighted_sum,
)
from tilewright.ops.arithmetic_tflite import QAdd, QMul
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d, QConv2d, QConv2dSum, QDepthwiseConv2d
from tilewright.ops.curves import Curve
from tilewright.ops.dense import Dense, QDense, QDenseSum
from tilewright.ops.elementwise import Activation, Add, BatchNorm, Clip, Mul
from tilewright.ops.gather import Gather, GatherSum
from tilewright.ops.layout import Concat, Copy, Pad, Transpose
from tilewright.ops.lut import Lut
from tilewright.ops.matmul import MatMul, QMatMul, QMatMulSum
from tilewright.ops.mean_tflite import QMean, divided
from tilewright.ops.norm_onnx import RescaledNorm, norm_tables, rescaled_norm
from tilewright.ops.normalisation import LayerNorm, RmsNorm
from tilewright.ops.pool2d import AveragePool2d, MaxPool2d
from tilewright.ops.pool_onnx import RescaledAveragePool2d, RescaledMean
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.ops.quantise import Dequantize, Quantize, Recentre
from tilewright.ops.quantise_tflite import QuantizeHalfAway
from tilewright.ops.reduce import Mean
from tilewright.ops.requantise import RescaleSums
from tilewright.ops.rescale import Rounding, fixed_point
from tilewright.ops.softmax import Softmax
from tilewright.ops.softmax_onnx import TableSoftmax, exponentials, inverse_scale, row_bits
from tilewright.ops.softmax_tflite import QSoftmax, exp_table


def _pair(draw: Draw) -> tuple[Shape, Shape]:
    """Shapes of two operands: alike, or one repeats some dimensions."""
    shape = draw.shape()
    other = tuple(draw.one(1, n) for n in shape)
    return draw.one((shape, shape), (shape, shape), (shape, other), (other, shape))


def q_add(draw: Draw, rounding: Rounding) -> Call:
    """Of two tensors, one with the common scale."""
    del rounding
    a, b = _pair(draw)
    half, other = fixed_point(0.5, TWICE), fixed_point(draw.rng.uniform(0.1, 0.49), TWICE)
    points = draw.one((half, other), (other, half))
    total = fixed_point(2.0**-19 * draw.rng.uniform(0.5, 1), TWICE)
    op = QAdd(zero(draw), zero(draw), *points, total, draw.output(TWICE))
    return Call(op, (draw.s8(*a), draw.s8(*b)), varying=2)


def q_mul(draw: Draw, rounding: Rounding) -> Call:
    """Scaled down, as products are."""
    del rounding
    a, b = _pair(draw)
    point = fixed_point(draw.rng.uniform(0.002, 0.02), TWICE)
    op = QMul(zero(draw), zero(draw), point, draw.output(TWICE))
    return Call(op, (draw.s8(*a), draw.s8(*b)), varying=2)


def rescaled_add(draw: Draw, rounding: Rounding) -> Call:
    """Rounded once."""
    a, b = _pair(draw)
    points = weighted_sum(draw.rng.uniform(0.2, 1.2), draw.rng.uniform(0.2, 1.2))
    op = RescaledAdd(zero(draw), zero(draw), *points, draw.output(rounding))
    return Call(op, (draw.s8(*a), draw.s8(*b)), varying=2)


def rescaled_mul(draw: Draw, rounding: Rounding) -> Call:
    """Rounded once."""
    a, b = _pair(draw)
    point = scale(draw.rng.uniform(0.002, 0.02), LARGEST_PRODUCT, rounding)
    op = RescaledMul(zero(draw), zero(draw), point, draw.output(rounding))
    return Call(op, (draw.s8(*a), draw.s8(*b)), varying=2)


def q_average_pool(draw: Draw, rounding: Rounding) -> Call:
    """Windows, or one over everything."""
    del rounding
    window, shape = draw.pooling()
    return Call(
        QAveragePool2d(window, draw.one(0, 128), *draw.one((-128, 127), (0, 90))),
        (draw.s8(*shape),),
    )


def rescaled_average_pool(draw: Draw, rounding: Rounding) -> Call:
    """One scale, or one per number of elements."""
    window, shape = draw.pooling()
    taps = prod(window.kernel)
    counts = draw.one([taps], list(range(1, taps + 1)))
    points = [scale(1 / n, taps * LARGEST_STEP, rounding) for n in counts]
    multiplier = np.array([p.multiplier for p in points], np.int32)
    shift = np.array([p.shift for p in points], np.int8)
    op = RescaledAveragePool2d(window, zero(draw), draw.output(rounding))
    return Call(op, (draw.s8(*shape), multiplier, shift))


def max_pool(draw: Draw, rounding: Rounding) -> Call:
    """Of either type."""
    del rounding
    window, shape = draw.pooling()
    return Call(MaxPool2d(window), (draw.one(draw.s8, draw.f32)(*shape),))


def average_pool(draw: Draw, rounding: Rounding) -> Call:
    """Float32."""
    del rounding
    window, shape = draw.pooling()
    return Call(AveragePool2d(window, draw.one(False, True)), (draw.f32(*shape),))


def _axes(draw: Draw, shape: Shape) -> tuple[int, ...]:
    """Neighbouring dimensions, not all of one element."""
    start = int(draw.rng.integers(0, len(shape)))
    return tuple(range(start, int(draw.rng.integers(start + 1, len(shape) + 1))))


def q_mean(draw: Draw, rounding: Rounding) -> Call:
    """Over images, or along any group of dimensions."""
    del rounding
    shape = draw.shape(rank=3)
    axes = draw.one((1,), _axes(draw, shape))
    point = divided(fixed_point(0.8, TWICE), prod(shape[a] for a in axes))
    return Call(QMean(axes, False, zero(draw), point, draw.output(TWICE)), (draw.s8(*shape),))


def rescaled_mean(draw: Draw, rounding: Rounding) -> Call:
    """Rounded once."""
    shape = draw.shape(rank=3)
    axes = draw.one((1,), _axes(draw, shape))
    count = prod(shape[a] for a in axes)
    point = scale(0.8 / count, count * LARGEST_STEP, rounding)
    op = RescaledMean(axes, False, zero(draw), point, draw.output(rounding))
    return Call(op, (draw.s8(*shape),))


def mean(draw: Draw, rounding: Rounding) -> Call:
    """Float32."""
    del rounding
    shape = draw.shape(rank=3)
    return Call(Mean(_axes(draw, shape), False), (draw.f32(*shape),))


def q_softmax(draw: Draw, rounding: Rounding) -> Call:
    """Rows of classes or of attention."""
    del rounding
    shape = draw.shape(2000, rank=2)
    return Call(QSoftmax(), (draw.s8(*shape), exp_table(1.0, float(draw.rng.uniform(0.01, 0.2)))))


def table_softmax(draw: Draw, rounding: Rounding) -> Call:
    """Rounded once."""
    shape = draw.shape(2000, rank=2)
    bits = row_bits(shape[-1])
    op = TableSoftmax(bits, inverse_scale(1 / 256, bits), draw.output(rounding))
    return Call(op, (draw.s8(*shape), exponentials(float(draw.rng.uniform(0.01, 0.2)), bits)))


def norm(draw: Draw, rounding: Rounding) -> Call:
    """Rounded once, along rows of activations."""
    del rounding
    x = draw.s8(*draw.shape(3000, rank=2))
    gain, offset = np.abs(draw.f32(x.shape[-1])) * 30.0, draw.f32(x.shape[-1]) * 5.0
    op = rescaled_norm(
        x.shape[-1], is_centred=draw.one(False, True), x_zero=zero(draw), epsilon=0.1,
        gain=float(gain.max()), offset=float(np.abs(offset).max()),
    )  # fmt: skip
    tables = norm_tables(op, gain.astype(np.float64), offset.astype(np.float64), 3)
    return Call(op, (x, *tables))


def real_norm(draw: Draw, rounding: Rounding) -> Call:
    """Float32, with a bias or without."""
    del rounding
    x = draw.f32(*draw.shape(3000, rank=2))
    return Call(LayerNorm(1e-3), (x, draw.f32(x.shape[-1]), draw.f32(x.shape[-1])))


def rms_norm(draw: Draw, rounding: Rounding) -> Call:
    """Float32."""
    del rounding
    x = draw.f32(*draw.shape(3000, rank=2))
    return Call(RmsNorm(1e-3), (x, draw.f32(x.shape[-1])))


def batch_norm(draw: Draw, rounding: Rounding) -> Call:
    """Float32."""
    del rounding
    x = draw.f32(*draw.shape(3000, rank=2))
    tables = [draw.f32(x.shape[-1]) for _ in range(3)]
    return Call(BatchNorm(1e-3), (x, *tables, np.abs(draw.f32(x.shape[-1])) + np.float32(0.1)))


def _unary(op: Callable[[Draw], Op], *dtypes: str, extra: int = 0) -> Made:
    """One tensor in, elements on their own; ``extra``: int8 of a table."""

    def make(draw: Draw, rounding: Rounding) -> Call:
        del rounding
        array = draw.any(draw.one(*dtypes), draw.shape())
        tables = (draw.s8(extra),) if extra else ()
        return Call(op(draw), (array, *tables))

    return make


def _curve(draw: Draw) -> Op:
    return Activation(draw.one(*Curve), 0.1, 0.5)


def transpose(draw: Draw, rounding: Rounding) -> Call:
    """Of bytes and of words."""
    del rounding
    shape = draw.shape(rank=draw.one(2, 3, 4))
    perm = tuple(draw.rng.permutation(len(shape)).tolist())
    return Call(Transpose(perm), (draw.any(draw.one("s8", "f32"), shape),))


def concat(draw: Draw, rounding: Rounding) -> Call:
    """Two to eight tensors, of bytes."""
    del rounding
    shape = draw.shape(2000, rank=3)
    axis, count = draw.one(0, 1, 2), int(draw.rng.integers(2, 9))
    parts = [draw.s8(*shape[:axis], draw.upto(12), *shape[axis + 1 :]) for _ in range(count)]
    return Call(Concat(axis), tuple(parts), varying=count)


def pad(draw: Draw, rounding: Rounding) -> Call:
    """Images, or anything."""
    del rounding
    shape = draw.shape(3000, rank=draw.one(2, 3, 4))
    before = tuple(draw.one(0, 0, 1, 2) for _ in shape)
    after = tuple(draw.one(0, 0, 1, 2) for _ in shape)
    return Call(Pad(before, after, draw.one(0, 1)), (draw.any(draw.one("s8", "f32"), shape),))


def gather(draw: Draw, rounding: Rounding) -> Call:
    """Rows of a table."""
    del rounding
    table = draw.any(draw.one("s8", "f32"), draw.shape(4000, rank=2))
    index = draw.rng.integers(0, len(table), (draw.upto(30),)).astype(np.int32)
    return Call(Gather(0), (table, index), varying=2)


CALLS: dict[type[Op], Made] = {
    **DIALECT_CALLS,
    **LANGUAGE_CALLS,
    QConv2d: q_conv2d,
    QDepthwiseConv2d: q_depthwise,
    QDense: q_dense,
    QMatMul: q_matmul,
    QConv2dSum: part(q_conv2d),
    QDenseSum: part(q_dense),
    QMatMulSum: part(q_matmul),
    GatherSum: part(gather),
    RescaleSums: part(q_dense, finishes=True),
    Conv2d: conv2d,
    DepthwiseConv2d: depthwise,
    Dense: dense,
    MatMul: matmul,
    QAdd: q_add,
    QMul: q_mul,
    RescaledAdd: rescaled_add,
    RescaledMul: rescaled_mul,
    QAveragePool2d: q_average_pool,
    RescaledAveragePool2d: rescaled_average_pool,
    MaxPool2d: max_pool,
    AveragePool2d: average_pool,
    QMean: q_mean,
    RescaledMean: rescaled_mean,
    Mean: mean,
    QSoftmax: q_softmax,
    TableSoftmax: table_softmax,
    RescaledNorm: norm,
    LayerNorm: real_norm,
    RmsNorm: rms_norm,
    BatchNorm: batch_norm,
    Lut: _unary(lambda draw: Lut(), "s8", extra=256),
    Recentre: _unary(lambda draw: Recentre(), "s8"),
    Copy: _unary(lambda draw: Copy(), "s8", "f32"),
    Quantize: _unary(lambda draw: Quantize(0.02, 3), "f32"),
    QuantizeHalfAway: _unary(lambda draw: QuantizeHalfAway(0.02, 3), "f32"),
    Dequantize: _unary(lambda draw: Dequantize(0.02, 3), "s8"),
    Clip: _unary(lambda draw: Clip(*clips(draw)), "f32"),
    Activation: _unary(_curve, "f32"),
    Add: lambda draw, rounding: _real_pair(draw, Add(*clips(draw))),
    Mul: lambda draw, rounding: _real_pair(draw, Mul(*clips(draw))),
    Softmax: _unary(lambda draw: Softmax(1.0), "f32"),
    Transpose: transpose,
    Concat: concat,
    Pad: pad,
    Gather: gather,
}
"""Operator → how a call of it is drawn."""


def _real_pair(draw: Draw, op: Op) -> Call:
    a, b = _pair(draw)
    return Call(op, (draw.f32(*a), draw.f32(*b)), varying=2)
