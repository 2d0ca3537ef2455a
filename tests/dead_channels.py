"""Drawn integer networks in which many weights are zero, for tests of dead channel elimination."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from rewriting import Net
from tilewright.ir.graph import Contract, Graph, ValueName
from tilewright.ir.types import Array, DType, Shape
from tilewright.ops.arithmetic_onnx import RescaledAdd
from tilewright.ops.arithmetic_tflite import QAdd, QMul
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.layout import Concat, Pad, Reshape, Transpose
from tilewright.ops.lut import Lut
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding
from tilewright.ops.window2d import Window2d

ROUNDINGS = {
    Rounding.DOUBLE: Contract.TFLITE,
    Rounding.HALF_EVEN: Contract.ONNX,
    Rounding.HALF_UP: Contract.PULP,
}
HALF = FixedPoint(2**30, 0)


@dataclass
class Writer:
    """Appends layers with drawn weights to a net; values are NHWC."""

    net: Net
    rounding: Rounding
    rng: np.random.Generator
    is_sparse: bool = True

    def shape(self, name: str) -> Shape:
        return self.net.builder.values[ValueName(name)].type.shape

    def weights(self, shape: Shape, zero: int, channel_axis: int) -> Array:
        """Whole output channels, whole input channels and single weights are zero."""
        w = self.rng.integers(-20, 21, shape)
        if self.is_sparse:
            w[self.rng.random(shape) < 0.4] = 0
            dead = np.moveaxis(w, channel_axis, 0)
            dead[self.rng.random(shape[channel_axis]) < 0.5] = 0
            if channel_axis == 0:
                w[..., self.rng.random(shape[-1]) < 0.3] = 0
        return np.clip(w + zero, -128, 127).astype(np.int8)

    def tables(self, outputs: int) -> tuple[Array, Array, Array]:
        """Bias, multiplier, shift with results that use most of int8."""
        bias = self.rng.integers(-2000, 2000, outputs).astype(np.int32)
        count = int(self.rng.choice([1, outputs]))
        if self.rounding is Rounding.HALF_UP:
            multiplier, shift = self.rng.integers(1, 200, count), np.full(count, 12)
        else:
            multiplier = self.rng.integers(2**30, 2**31, count)
            shift = np.full(count, -5 if self.rounding is Rounding.DOUBLE else 36)
        return bias, multiplier.astype(np.int32), shift.astype(np.int8)

    def output(self) -> Requantise:
        low, high = int(self.rng.integers(-128, 0)), int(self.rng.integers(1, 128))
        return Requantise(self.rounding, int(self.rng.integers(-20, 20)), low, high)

    def zeros(self) -> tuple[int, int]:
        """Zero points of input and weights; often equal to what a dead channel is clipped to."""
        return int(self.rng.choice([-128, 0, 5])), int(self.rng.choice([0, 0, 3]))

    def conv(self, name: str, x: str, window: Window2d, outputs: int, first: bool = False) -> str:
        x_zero, w_zero = self.zeros()
        channels = self.shape(x)[1 if first else -1]
        op = QConv2d(window, 1, first, self.output(), x_zero, w_zero)
        w = self.weights((outputs, *window.kernel, channels), w_zero, 0)
        return self.net.do(name, op, x, w, *self.tables(outputs))

    def depthwise(self, name: str, x: str, window: Window2d, multiplier: int) -> str:
        x_zero, w_zero = self.zeros()
        outputs = self.shape(x)[-1] * multiplier
        w = self.weights((*window.kernel, outputs), w_zero, 2)
        op = QDepthwiseConv2d(window, self.output(), x_zero, w_zero)
        return self.net.do(name, op, x, w, *self.tables(outputs))

    def dense(self, name: str, x: str, outputs: int) -> str:
        _, w_zero = self.zeros()
        w = self.weights((outputs, self.shape(x)[-1]), w_zero, 0)
        return self.net.do(name, QDense(self.output(), w_zero), x, w, *self.tables(outputs))

    def add(self, name: str, a: str, b: str) -> str:
        if self.rounding is Rounding.DOUBLE:
            return self.net.do(name, QAdd(1, -2, HALF, HALF, FixedPoint(2**30, -18)), a, b)
        return self.net.do(name, RescaledAdd(1, -2, 700, 900, 11, self.output()), a, b)

    def scaled(self, name: str, x: str) -> str:
        factors = self.rng.integers(-128, 128, self.shape(x)[-1]).astype(np.int8)
        return self.net.do(name, QMul(3, 0, FixedPoint(2**30, -6)), x, factors)

    def lut(self, name: str, x: str) -> str:
        return self.net.do(name, Lut(), x, self.rng.integers(-128, 128, 256).astype(np.int8))


WINDOWS = st.builds(
    Window2d,
    st.just((3, 3)),
    st.sampled_from(((1, 1), (2, 1))),
    st.sampled_from(((0, 0, 0, 0), (1, 1, 1, 1), (1, 0, 1, 1))),
)


@st.composite
def sparse_networks(draw: st.DrawFn) -> Graph:
    """Convolutions, residual sums, pools, movement and a head, in one of the three roundings."""
    rounding = draw(st.sampled_from([*ROUNDINGS]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    writer = Writer(Net(ROUNDINGS[rounding]), rounding, rng)
    first = draw(st.booleans())
    shape = (1, 2, 6, 6) if first else (1, 6, 6, 2)
    x = writer.net.input("x", *shape, dtype=DType.S8)
    y = writer.conv("stem", x, Window2d((3, 3), pads=(1, 1, 1, 1)), 6, first)
    outputs: list[str] = []
    for i in range(draw(st.integers(1, 6))):
        y = _drawn_layer(draw, writer, f"n{i}", y)
        if draw(st.integers(0, 9)) == 0:
            outputs.append(y)
    y = _drawn_head(draw, writer, y)
    return writer.net.graph(*dict.fromkeys((*outputs, y)))


def _drawn_layer(draw: st.DrawFn, writer: Writer, name: str, x: str) -> str:
    window, point = draw(WINDOWS), Window2d((1, 1))
    if min(writer.shape(x)[1:3]) < 3:
        window = point
    layers = {
        "conv": lambda: writer.conv(name, x, window, draw(st.integers(1, 6))),
        "depthwise": lambda: writer.depthwise(name, x, window, draw(st.integers(1, 2))),
        "separable": lambda: writer.conv(
            name, writer.depthwise(f"{name}.d", x, window, 1), point, 5
        ),
        "residual": lambda: writer.add(
            name, x, writer.conv(f"{name}.c", x, point, writer.shape(x)[-1])
        ),
        "squeeze": lambda: writer.add(name, x, writer.conv(f"{name}.c", x, point, 1)),
        "lut": lambda: writer.lut(name, x),
        "scaled": lambda: writer.scaled(name, x),
        "max": lambda: writer.net.do(name, MaxPool2d(window), x),
        "average": lambda: writer.net.do(name, QAveragePool2d(window), x),
        "join": lambda: writer.net.do(name, Concat(3), writer.conv(f"{name}.c", x, point, 3), x),
        "pad": lambda: writer.net.do(name, Pad((0, 1, 0, 0), (0, 0, 1, 0), -7), x),
        "transpose": lambda: writer.net.do(name, Transpose((0, 2, 1, 3)), x),
        "turn": lambda: writer.net.do(name, Transpose((0, 3, 1, 2)), x),
    }
    return layers[draw(st.sampled_from(sorted(layers)))]()


def _drawn_head(draw: st.DrawFn, writer: Writer, x: str) -> str:
    match draw(st.integers(0, 2)):
        case 0:
            size = int(np.prod(writer.shape(x)))
            flat = writer.net.do("flat", Reshape((1, size)), x)
            return writer.dense("logits", writer.dense("hidden", flat, 5), 3)
        case 1:
            return writer.conv("map", x, Window2d((1, 1)), 2)
        case _:
            return writer.dense("rows", x, 4)
