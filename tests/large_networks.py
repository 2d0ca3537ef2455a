"""Networks that are long rather than difficult: what the planner's effort is measured on."""

import numpy as np

from tilewright.ir.graph import Contract, Graph, GraphBuilder, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import DType, TensorType
from tilewright.ops.arithmetic_onnx import RescaledAdd
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.pool_onnx import RescaledMean
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding
from tilewright.ops.window2d import Window2d

HALF_EVEN = Requantise(Rounding.HALF_EVEN)

BOTTLENECKS = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
    (6, 320, 1, 1),
)  # fmt: skip
"""(expansion, channels, repeats, stride of the first) as in table 2 of Sandler et al., MobileNetV2
(CVPR 2018)."""


class LongNetwork:
    """A network under construction, int8 throughout, with seeded weights."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        self._builder = GraphBuilder("long", Contract.ONNX)
        self._random = np.random.default_rng(height)
        type_ = TensorType(DType.S8, (1, height, width, channels))
        self._nodes = 0
        self.last = self._builder.input(Value(ValueName("x"), type_))

    def convolve(self, channels: int, kernel: int = 3, stride: int = 1) -> ValueName:
        """A convolution of the last tensor that keeps height and width, but for its stride."""
        w = (channels, kernel, kernel, self._shape()[3])
        return self._weighted(QConv2d(_window(kernel, stride), output=HALF_EVEN), w, channels)

    def depthwise(self, stride: int) -> ValueName:
        """Every channel for itself, 3x3."""
        channels = self._shape()[3]
        op = QDepthwiseConv2d(_window(3, stride), output=HALF_EVEN)
        return self._weighted(op, (3, 3, channels), channels)

    def dense(self, outputs: int) -> ValueName:
        """Every output from all of the last dimension."""
        return self._weighted(QDense(HALF_EVEN), (outputs, self._shape()[-1]), outputs)

    def add(self, other: ValueName) -> ValueName:
        """The last tensor and another one."""
        return self._node(RescaledAdd(0, 0, 1 << 20, 1 << 20, 21, HALF_EVEN), self.last, other)

    def mean(self) -> ValueName:
        """Over height and width."""
        scale = FixedPoint(1 << 30, 36)
        return self._node(RescaledMean((1, 2), False, 0, scale, HALF_EVEN), self.last)

    def build(self) -> Graph:
        """The network whose output is the last tensor."""
        self._builder.outputs.append(self.last)
        return self._builder.build()

    def _shape(self) -> tuple[int, ...]:
        return self._builder.values[self.last].type.shape

    def _weighted(self, op: Op, weights: tuple[int, ...], outputs: int) -> ValueName:
        name, random, builder = f"n{self._nodes}", self._random, self._builder
        operands = (
            builder.constant(f"{name}.w", random.integers(-128, 128, weights).astype(np.int8)),
            builder.constant(f"{name}.b", random.integers(-999, 999, outputs).astype(np.int32)),
            builder.constant(f"{name}.m", np.full(outputs, 1 << 30, np.int32)),
            builder.constant(f"{name}.s", np.full(outputs, 40, np.int8)),
        )
        return self._node(op, self.last, *operands)

    def _node(self, op: Op, *inputs: ValueName) -> ValueName:
        name = f"n{self._nodes}"
        self._nodes += 1
        type_ = op.infer(*(self._builder.values[i].type for i in inputs))
        value = Value(ValueName(f"{name}.y"), type_)
        self.last = self._builder.node(name, op, inputs, value)
        return self.last


def chain(layers: int, size: int = 32) -> Graph:
    """Convolutions 3x3 of 16 channels, alike but for their weights."""
    net = LongNetwork(size, size, 16)
    for _ in range(layers):
        net.convolve(16)
    return net.build()


def sums(layers: int) -> Graph:
    """Pairs of convolutions, each followed by a sum of what comes out and what went in."""
    net = LongNetwork(32, 32, 16)
    for _ in range(layers // 3):
        before = net.last
        net.convolve(16)
        net.convolve(16)
        net.add(before)
    return net.build()


def mobilenet(size: int = 224, classes: int = 1000) -> Graph:
    """MobileNetV2 of width 1.0."""
    net = LongNetwork(size, size, 3)
    net.convolve(32, stride=2)
    inside = 32
    for expansion, channels, repeats, first in BOTTLENECKS:
        for repeat in range(repeats):
            before, stride = net.last, first if repeat == 0 else 1
            if expansion > 1:
                net.convolve(inside * expansion, kernel=1)
            net.depthwise(stride)
            net.convolve(channels, kernel=1)
            if stride == 1 and inside == channels:
                net.add(before)
            inside = channels
    net.convolve(1280, kernel=1)
    net.mean()
    net.dense(classes)
    return net.build()


def _window(kernel: int, stride: int) -> Window2d:
    pad = kernel // 2
    return Window2d((kernel, kernel), (stride, stride), (pad, pad, pad, pad))
