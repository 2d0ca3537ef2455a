"""Classes of layer shapes for shapes.py, drawn from what public networks use.

Kernels, strides, channels and multipliers are those of image classifiers, detectors, keyword
spotters, wake words and activity recognition; images are cut so that dozens of layers fit a board.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
from chosen import Call, Draw, scale
from draws_products import q_matmul

from tilewright.ir.types import Array
from tilewright.ops.arithmetic_tflite import QAdd, QMul
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.layout import Concat
from tilewright.ops.lut import Lut
from tilewright.ops.mean_tflite import QMean, divided
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.ops.rescale import Rounding, fixed_point
from tilewright.ops.softmax_tflite import QSoftmax, exp_table
from tilewright.ops.window2d import Window2d

Made = Callable[[Draw, Rounding], Call]
Pair = tuple[int, int]

MOST_MACS = 400_000
MOST_ELEMENTS = 12_000
"""Of one input or output."""

SIDES = (5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 25, 28, 32, 40, 48)
LENGTHS = (16, 20, 25, 32, 40, 49, 64, 80, 98, 128)
CHANNELS = (8, 16, 16, 24, 32, 32, 40, 48, 64, 64, 96, 128)
SQUARES: tuple[Pair, ...] = ((1, 1), (1, 1), (2, 2))


@dataclass(frozen=True, slots=True)
class Windows:
    """What a class of windows is drawn from. ``ins``, ``outs``: channels of one group; for
    depthwise layers ``outs`` is the multiplier."""

    kernels: tuple[Pair, ...]
    ins: tuple[int, ...] = CHANNELS
    outs: tuple[int, ...] = CHANNELS
    strides: tuple[Pair, ...] = SQUARES
    groups: tuple[int, ...] = (1,)
    dilations: tuple[int, ...] = (1,)
    w_zeros: tuple[int, ...] = (0,)
    is_depthwise: bool = False

    def call(self, draw: Draw, rounding: Rounding) -> Call:
        """One layer; SAME padding in three of four."""
        kernel, groups = draw.one(*self.kernels), draw.one(*self.groups)
        dilation, strides = draw.one(*self.dilations), draw.one(*self.strides)
        if 1 in kernel and max(kernel) > 1:
            strides = (strides[0] if kernel[0] > 1 else 1, strides[1] if kernel[1] > 1 else 1)
        c, o = draw.one(*self.ins), draw.one(*self.outs)
        is_same = draw.one(True, True, True, False)
        h, w = (self._side(draw, k) for k in kernel)
        extent = Window2d(kernel, dilations=(dilation, dilation)).extent
        h, w = max(h, extent[0]), max(w, extent[1])
        window = window_of(kernel, strides, dilation, (h, w), is_same=is_same)
        while self._is_large(window, (h, w, c, o, groups)) and (h, w) != extent:
            h, w = max(h * 3 // 4, extent[0]), max(w * 3 // 4, extent[1])
            window = window_of(kernel, strides, dilation, (h, w), is_same=is_same)
        output, x_zero = draw.output(rounding), draw.one(-128, 0, int(draw.rng.integers(-128, 128)))
        w_zero, depth = draw.one(*self.w_zeros), prod(kernel) * c
        x = draw.s8(1, h, w, c * groups)
        if self.is_depthwise:
            weights = draw.weights(*kernel, c * o)
            op = QDepthwiseConv2d(window, output, x_zero, w_zero)
            return Call(op, (x, weights, *tables(draw, prod(kernel), c * o, rounding)))
        weights = draw.weights(groups * o, *kernel, c)
        conv = QConv2d(window, groups, False, output, x_zero, w_zero)
        return Call(conv, (x, weights, *tables(draw, depth, groups * o, rounding)))

    @staticmethod
    def _side(draw: Draw, kernel: int) -> int:
        return draw.one(*SIDES) if kernel > 1 else draw.one(*SIDES[:10])

    def _is_large(self, window: Window2d, sizes: tuple[int, int, int, int, int]) -> bool:
        h, w, c, o, groups = sizes
        pixels = prod(window.output_size(h, w))
        made = c * o if self.is_depthwise else groups * o
        macs = pixels * prod(window.kernel) * (c * o if self.is_depthwise else groups * c * o)
        return max(h * w * c * groups, pixels * made) > MOST_ELEMENTS or macs > MOST_MACS


def window_of(
    kernel: Pair, strides: Pair, dilation: int, image: Pair, *, is_same: bool
) -> Window2d:
    """With the padding of SAME, or none."""
    if not is_same:
        return Window2d(kernel, strides, dilations=(dilation, dilation))
    total = [
        max((-(-n // s) - 1) * s + (k - 1) * dilation + 1 - n, 0)
        for n, s, k in zip(image, strides, kernel, strict=True)
    ]
    top, left = (t // 2 for t in total)
    pads = (top, left, total[0] - top, total[1] - left)
    return Window2d(kernel, strides, pads, (dilation, dilation))


def tables(draw: Draw, depth: int, outputs: int, rounding: Rounding) -> tuple[Array, ...]:
    """A scale per channel; now and then one for all."""
    bias = draw.rng.integers(-3000, 3000, outputs).astype(np.int32)
    return bias, *draw.scales(depth, bias, rounding)


def _coarse(made: Made) -> Made:
    """Scales of an eighth and more, as layers of small weights have: no straight line fits them."""

    def make(draw: Draw, rounding: Rounding) -> Call:
        call = made(draw, rounding)
        x, w, bias, _, _ = call.inputs
        points = [scale(r, 2**20, rounding) for r in draw.rng.uniform(0.13, 0.6, bias.size)]
        small = np.sign(w) * np.minimum(np.abs(w), 2)
        multiplier = np.array([p.multiplier for p in points], np.int32)
        shift = np.array([p.shift for p in points], np.int8)
        tables = (bias // 100, multiplier, shift)
        return Call(call.op, (x, small.astype(np.int8), *tables))

    return make


def _line(draw: Draw, rounding: Rounding) -> Call:
    """Along time: Nx1 windows over [length][1 or a few][channels]."""
    k = draw.one(2, 3, 3, 4, 5, 8, 10)
    c, o, length = draw.one(*CHANNELS[:9]), draw.one(*CHANNELS[:9]), draw.one(*LENGTHS)
    while length * c * max(o * k // 4, 4) > MOST_MACS // 4 and length > k:
        length = max(length * 3 // 4, k)
    stride = draw.one(1, 1, 2)
    window = window_of((k, 1), (stride, 1), 1, (length, 1), is_same=draw.one(True, False))
    op = QConv2d(window, 1, False, draw.output(rounding), draw.one(-128, 3))
    inputs = (draw.s8(1, length, 1, c), draw.weights(o, k, 1, c))
    return Call(op, (*inputs, *tables(draw, k * c, o, rounding)))


def _dense(draw: Draw, rounding: Rounding, w_zero: int = 0) -> Call:
    k, o = draw.one(10, 16, 32, 64, 128, 256, 640), draw.one(2, 4, 10, 12, 16, 32, 64, 128)
    o = min(o, 16_000 // k)
    op = QDense(draw.output(rounding), w_zero)
    inputs = draw.s8(draw.one(1, 1, 4), k), draw.weights(o, k)
    return Call(op, (*inputs, *tables(draw, k, o, rounding)))


def _shape(draw: Draw) -> tuple[int, int, int, int]:
    c, side = draw.one(*CHANNELS, 3, 10), draw.one(*SIDES[:10])
    while side * side * c > MOST_ELEMENTS:
        side = side * 3 // 4
    return 1, side, side, c


def _add(draw: Draw, rounding: Rounding) -> Call:
    del rounding
    shape = _shape(draw)
    points = fixed_point(0.5, Rounding.DOUBLE), fixed_point(0.37, Rounding.DOUBLE)
    total = fixed_point(2.0**-19 * draw.rng.uniform(0.5, 1), Rounding.DOUBLE)
    op = QAdd(3, -128, *points, total, draw.output(Rounding.DOUBLE))
    return Call(op, (draw.s8(*shape), draw.s8(*shape)), varying=2)


def _mul(draw: Draw, rounding: Rounding) -> Call:
    """Of two images, or of one and a number per channel."""
    del rounding
    shape = _shape(draw)
    other = draw.one(shape, (1, 1, 1, shape[3]))
    point = fixed_point(draw.rng.uniform(0.002, 0.02), Rounding.DOUBLE)
    op = QMul(3, -128, point, draw.output(Rounding.DOUBLE))
    return Call(op, (draw.s8(*shape), draw.s8(*other)), varying=2)


def _pooled(draw: Draw, *, is_global: bool) -> tuple[Window2d, Array]:
    _, h, w, c = _shape(draw)
    if is_global:
        return Window2d((h, w)), draw.s8(1, h, w, c)
    k, stride = draw.one(2, 2, 3, 3, 4), draw.one(1, 2, 2)
    h, w = max(h, k), max(w, k)
    window = window_of((k, k), (stride, stride), 1, (h, w), is_same=draw.one(True, False))
    return window, draw.s8(1, h, w, c)


def _max_pool(draw: Draw, rounding: Rounding) -> Call:
    del rounding
    window, x = _pooled(draw, is_global=False)
    return Call(MaxPool2d(window), (x,))


def _average_pool(draw: Draw, rounding: Rounding) -> Call:
    del rounding
    window, x = _pooled(draw, is_global=False)
    return Call(QAveragePool2d(window, 0, -128, 127), (x,))


def _mean(draw: Draw, rounding: Rounding) -> Call:
    del rounding
    shape = _shape(draw)
    point = divided(fixed_point(0.8, Rounding.DOUBLE), shape[1] * shape[2])
    op = QMean((1, 2), False, -128, point, draw.output(Rounding.DOUBLE))
    return Call(op, (draw.s8(*shape),))


def _softmax(draw: Draw, rounding: Rounding) -> Call:
    del rounding
    x = draw.s8(draw.one(1, 1, 8, 30), draw.one(2, 3, 4, 8, 10, 12, 32, 64))
    return Call(QSoftmax(), (x, exp_table(1.0, float(draw.rng.uniform(0.01, 0.2)))))


def _concat(draw: Draw, rounding: Rounding) -> Call:
    del rounding
    side = draw.one(4, 6, 8, 12)
    parts = [
        draw.s8(1, side, side, draw.one(4, 8, 16, 24, 32)) for _ in range(draw.one(2, 2, 3, 4))
    ]
    return Call(Concat(3), tuple(parts), varying=len(parts))


def _lut(draw: Draw, rounding: Rounding) -> Call:
    del rounding
    return Call(Lut(), (draw.s8(*_shape(draw)), draw.s8(256)))


def _matmul(draw: Draw, rounding: Rounding) -> Call:
    """Of sizes that attention has."""
    while True:
        call = q_matmul(draw, rounding)
        if call.op.macs(*call.signature.inputs) > 2000:
            return call


LARGER: tuple[Pair, ...] = ((5, 5), (5, 5), (7, 7), (4, 4), (2, 2), (9, 5))
LINES: tuple[Pair, ...] = ((3, 1), (5, 1), (9, 1), (1, 3), (1, 5), (10, 1))
ALL: tuple[Pair, ...] = ((3, 3), (3, 3), (5, 5), (7, 7), (3, 1), (10, 8), (10, 4))
FEW = (1, 2, 3)
U8 = (2, -4, 11, -23, 127, -127)

CLASSES: dict[str, Made] = {
    "conv": Windows(((3, 3), (3, 3), (5, 5), (2, 2))).call,
    "conv first": Windows(
        ((3, 3), (3, 3), (5, 5), (7, 7), (10, 4), (10, 8)),
        ins=(1, 1, 2, 3, 3, 4),
        outs=CHANNELS[:8],
    ).call,
    "conv along a line": _line,
    "conv 1x1": Windows(((1, 1),), ins=CHANNELS[1:]).call,
    "conv 1x1, few channels": Windows(((1, 1),), ins=(1, 2, 3, 4, 5, 6, 8, 10, 12, 16)).call,
    "conv, grouped": Windows(
        ((3, 3), (1, 1), (3, 1)), ins=(2, 4, 8, 16), outs=(2, 4, 8, 16), groups=(2, 4, 8)
    ).call,
    "conv, dilated": Windows(((3, 3), (3, 1), (2, 1)), dilations=(2, 4)).call,
    "conv, coarse scales": _coarse(Windows(((3, 3), (5, 5), (1, 1))).call),
    "conv, uint8": Windows(((3, 3), (1, 1), (1, 1)), w_zeros=U8).call,
    "depthwise 3x3": Windows(((3, 3),), outs=(1,), is_depthwise=True).call,
    "depthwise, other windows": Windows(LARGER, outs=(1,), is_depthwise=True).call,
    "depthwise along a line": Windows(LINES, outs=(1,), is_depthwise=True).call,
    "depthwise, dilated": Windows(
        ((3, 3), (5, 5), (3, 1)), outs=(1,), dilations=(2, 4), is_depthwise=True
    ).call,
    "depthwise, few channels": Windows(ALL, ins=FEW, outs=(1,), is_depthwise=True).call,
    "depthwise, multiplier": Windows(
        ALL, ins=(1, 1, 2, 3, 4, 8, 16, 32), outs=(2, 2, 3, 4, 8), is_depthwise=True
    ).call,
    "depthwise, coarse scales": _coarse(Windows(ALL, outs=(1,), is_depthwise=True).call),
    "depthwise, uint8": Windows(((3, 3), (5, 5)), outs=(1,), w_zeros=U8, is_depthwise=True).call,
    "dense": _dense,
    "dense, uint8": lambda draw, rounding: _dense(draw, rounding, draw.one(*U8)),
    "matmul": _matmul,
    "add": _add,
    "mul": _mul,
    "max pool": _max_pool,
    "average pool": _average_pool,
    "mean": _mean,
    "softmax": _softmax,
    "concat": _concat,
    "table": _lut,
}
"""Name → how a layer of the class is drawn."""
