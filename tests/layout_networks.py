"""Drawn networks as ONNX files have them: [N,C,H,W] values, Transposes around spatial operators."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from rewriting import Net, random_reals
from tilewright.ir.graph import Contract, Graph, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import DType, Quantisation, Shape
from tilewright.ops.conv2d import Conv2d
from tilewright.ops.curves import Curve
from tilewright.ops.dense import Dense
from tilewright.ops.elementwise import Activation, Add, Clip, Mul
from tilewright.ops.layout import Concat, Pad, Reshape, Transpose
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.reduce import Mean
from tilewright.ops.window2d import Window2d

TO_FIRST, TO_LAST = Transpose((0, 3, 1, 2)), Transpose((0, 2, 3, 1))
WEIGHT_SCALE = Quantisation((0.125,), (0,))


@dataclass
class Drawing:
    """A network while it is drawn; with ``is_stored``, every value is int8 with a drawn scale."""

    draw: st.DrawFn
    rng: np.random.Generator
    net: Net
    is_stored: bool

    def shape(self, name: str) -> Shape:
        return self.net.builder.values[ValueName(name)].type.shape

    def scale(self) -> Quantisation | None:
        if not self.is_stored:
            return None
        zero = self.draw(st.sampled_from((-128, 0, 7)))
        return Quantisation((self.draw(st.sampled_from((0.25, 0.5, 0.7))),), (zero,))

    def do(self, name: str, op: Op, *operands: str) -> str:
        return self.net.do(name, op, *operands, q=self.scale())

    def same(self, name: str, op: Op, x: str) -> str:
        """An operator that keeps the scale of its input, unless the file is unusual."""
        if self.draw(st.integers(0, 7)) == 0:
            return self.do(name, op, x)
        return self.net.do(name, op, x, q=self.net.builder.values[ValueName(x)].quantisation)

    def weights(self, name: str, *shape: int) -> str:
        if not self.is_stored:
            return self.net.constant(name, random_reals(self.rng, *shape))
        stored = self.rng.integers(-20, 21, shape).astype(np.int8)
        return self.net.constant(name, stored, WEIGHT_SCALE)

    def bias(self, name: str, count: int) -> str:
        return self.net.constant(name, random_reals(self.rng, count))


@st.composite
def networks(draw: st.DrawFn, *, is_stored: bool) -> Graph:
    """Up to eight operators, some intermediate values as further outputs, sometimes a head."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    net = Net(Contract.ONNX if is_stored else Contract.FLOAT32)
    drawing = Drawing(draw, rng, net, is_stored)
    shape = (1, draw(st.integers(1, 3)), 4, draw(st.integers(1, 4)))
    dtype = DType.S8 if is_stored else DType.F32
    known = [net.input("x", *shape, dtype=dtype, q=drawing.scale())]
    for i in range(draw(st.integers(1, 8))):
        x = draw(st.sampled_from(known))
        layer = draw(st.sampled_from(LAYERS))
        known.append(layer(drawing, f"n{i}", x, known))
    last = known[-1]
    if draw(st.booleans()):
        last = _head(drawing, last)
    return net.graph(*dict.fromkeys((last, *sorted(draw(st.sets(st.sampled_from(known[1:])))))))


def _convolution(drawing: Drawing, name: str, x: str, known: list[str]) -> str:
    del known
    last = drawing.same(f"{name}.last", TO_LAST, x)
    w = drawing.weights(f"{name}.w", 2, 1, 1, drawing.shape(x)[1])
    y = drawing.do(f"{name}.y", Conv2d(Window2d((1, 1))), last, w, drawing.bias(f"{name}.b", 2))
    return drawing.same(name, TO_FIRST, y)


def _padded_pool(drawing: Drawing, name: str, x: str, known: list[str]) -> str:
    del known
    value = drawing.draw(st.sampled_from((0.0, -1e9)))
    padded = drawing.same(f"{name}.padded", Pad((0, 0, 1, 0), (0, 0, 0, 1), value), x)
    last = drawing.same(f"{name}.last", TO_LAST, padded)
    return drawing.same(
        name, TO_FIRST, drawing.same(f"{name}.y", MaxPool2d(Window2d((2, 1))), last)
    )


def _clip(drawing: Drawing, name: str, x: str, known: list[str]) -> str:
    del known
    op = drawing.draw(st.sampled_from((Clip(0), Clip(0, 6), Clip(-1.1, 3.375), Clip())))
    return drawing.draw(st.sampled_from((drawing.same, drawing.do)))(name, op, x)


def _curve(drawing: Drawing, name: str, x: str, known: list[str]) -> str:
    del known
    return drawing.do(name, Activation(Curve.TANH), x)


def _alike(drawing: Drawing, x: str, known: list[str]) -> str:
    shape = drawing.shape(x)
    return drawing.draw(st.sampled_from([k for k in known if drawing.shape(k) == shape]))


def _sum(drawing: Drawing, name: str, x: str, known: list[str]) -> str:
    return drawing.do(name, Add(), x, _alike(drawing, x, known))


def _scaled(drawing: Drawing, name: str, x: str, known: list[str]) -> str:
    del known
    channels = drawing.shape(x)[1]
    return drawing.do(name, Mul(), x, drawing.weights(f"{name}.w", channels, 1, 1))


def _joined(drawing: Drawing, name: str, x: str, known: list[str]) -> str:
    axis = drawing.draw(st.integers(1, 3))
    return drawing.do(name, Concat(axis), x, _alike(drawing, x, known))


def _mean(drawing: Drawing, name: str, x: str, known: list[str]) -> str:
    del known
    return drawing.do(name, Mean((2, 3)), x)


def _turned(drawing: Drawing, name: str, x: str, known: list[str]) -> str:
    del known
    n, c, h, w = drawing.shape(x)
    return drawing.same(name, Reshape((n, c, w, h)), x)


def _squeezed(drawing: Drawing, name: str, x: str, known: list[str]) -> str:
    """An operator with axes on five dimensions, as importers write what has fewer or more."""
    del known
    n, c, h, w = drawing.shape(x)
    wide = drawing.same(f"{name}.wide", Reshape((n, c, 1, h, w)), x)
    match drawing.draw(st.integers(0, 4)):
        case 0:
            y = drawing.do(
                f"{name}.y", Mean(drawing.draw(st.sampled_from(((3, 4), (1,), (2, 4))))), wide
            )
        case 1:
            y = drawing.do(f"{name}.y", Mul(), wide, drawing.weights(f"{name}.w", c, 1, 1, w))
        case 2:
            y = drawing.do(f"{name}.y", Concat(drawing.draw(st.integers(1, 4))), wide, wide)
        case 3:
            pad = Pad((0, 0, 0, 1, 0), (0, 0, drawing.draw(st.integers(0, 1)), 0, 1))
            y = drawing.same(f"{name}.y", pad, wide)
        case _:
            y = drawing.same(f"{name}.y", Transpose((0, 4, 2, 1, 3)), wide)
    n, c, d, h, w = drawing.shape(y)
    return drawing.same(name, Reshape((n, c, d * h, w)), y)


Layer = Callable[[Drawing, str, str, list[str]], str]
LAYERS: tuple[Layer, ...] = (
    _convolution, _convolution, _padded_pool, _clip, _clip, _curve, _sum, _scaled, _joined, _mean,
    _turned, _squeezed, _squeezed,
)  # fmt: skip


def _head(drawing: Drawing, x: str) -> str:
    size = int(np.prod(drawing.shape(x)))
    flat = drawing.same("flat", Reshape((1, size)), x)
    w = drawing.weights("head.w", 3, size)
    return drawing.do("head", Dense(), flat, w, drawing.bias("head.b", 3))
