"""Small networks that remember something from one run to the next."""

from dataclasses import replace

import numpy as np

from tilewright.ir.graph import Contract, Graph, GraphBuilder, State, Value, ValueName
from tilewright.ir.types import DType, TensorType
from tilewright.ops.dense import QDense
from tilewright.ops.layout import Concat, Copy
from tilewright.ops.lut import Lut
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding


def value(name: str, *shape: int) -> Value:
    return Value(ValueName(name), TensorType(DType.S8, shape))


def dense(builder: GraphBuilder, name: str, x: ValueName, outputs: int) -> ValueName:
    """A dense layer over the last dimension of x, with seeded weights."""
    inputs = builder.values[x].type.shape
    rng = np.random.default_rng(len(builder.nodes))
    tables = (
        rng.integers(-60, 60, (outputs, inputs[-1])).astype(np.int8),
        rng.integers(-99, 99, outputs).astype(np.int32),
        np.full(outputs, 1 << 30, np.int32),
        np.full(outputs, 36 + inputs[-1].bit_length() // 2, np.int8),
    )
    operands = (builder.constant(f"{name}.{index}", array) for index, array in enumerate(tables))
    op = QDense(Requantise(Rounding.HALF_EVEN))
    y = value(f"{name}.y", *inputs[:-1], outputs)
    return builder.node(name, op, (x, *operands), y)


def rnn(initial: int | None = None) -> Graph:
    """h' = W [x, h], y = V h'."""
    builder = GraphBuilder("rnn", Contract.ONNX)
    x, h = builder.input(value("x", 1, 8)), builder.input(value("h", 1, 16))
    joined = builder.node("join", Concat(1), (x, h), value("joined", 1, 24))
    after = dense(builder, "cell", joined, 16)
    builder.outputs += [dense(builder, "head", after, 5), after]
    array = None if initial is None else np.arange(initial, initial + 16, dtype=np.int8)[None]
    return replace(builder.build(), states=(State("h", h, after, array),))


def accumulator() -> Graph:
    """h' = W h and y = V (x, h): what makes h' reads it, and h is read after h' is known."""
    builder = GraphBuilder("accumulator", Contract.ONNX)
    x, h = builder.input(value("x", 1, 16)), builder.input(value("h", 1, 16))
    after = dense(builder, "cell", h, 16)
    joined = builder.node("join", Concat(1), (after, x, h), value("joined", 1, 48))
    builder.outputs += [after, dense(builder, "head", joined, 4)]
    return replace(builder.build(), states=(State("h", h, after, np.full((1, 16), 77, np.int8)),))


def swapped() -> Graph:
    """Two states that change places, and one that never changes."""
    builder = GraphBuilder("swapped", Contract.ONNX)
    x = builder.input(value("x", 1, 4))
    a, b, c = (builder.input(value(name, 1, 4)) for name in "abc")
    joined = builder.node("join", Concat(1), (x, a, b, c), value("joined", 1, 16))
    builder.outputs += [dense(builder, "head", joined, 3), b, a, c]
    starts = [np.array([[k, 2, 3, 4]], np.int8) for k in (10, 20, 30)]
    pairs = zip("abc", (a, b, c), (b, a, c), starts, strict=True)
    return replace(builder.build(), states=tuple(State(*pair) for pair in pairs))


def delayed() -> Graph:
    """y is x of two runs ago: the output shows a state, and the input goes into one."""
    builder = GraphBuilder("delayed", Contract.ONNX)
    x = builder.input(value("x", 1, 4))
    a, b = (builder.input(value(name, 1, 4)) for name in "ab")
    table = builder.constant("table", np.arange(-128, 128).astype(np.int8)[::-1].copy())
    turned = builder.node("turn", Lut(), (x, table), value("turned", 1, 4))
    y = builder.node("show", Copy(), (b,), value("y", 1, 4))
    builder.outputs += [y, turned, a]
    states = (State("a", a, turned), State("b", b, a))
    return replace(builder.build(), states=states)


NETWORKS = {
    "rnn": rnn(), "started": rnn(5), "accumulator": accumulator(), "swapped": swapped(),
    "delayed": delayed(),
}  # fmt: skip
