"""Small networks with reductions that a small near memory cannot hold."""

import numpy as np

from tilewright.ir.graph import Contract, Graph, GraphBuilder, Value, ValueName
from tilewright.ir.types import DType, TensorType
from tilewright.ops.conv2d import QConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.gather import Gather
from tilewright.ops.lut import Lut
from tilewright.ops.matmul import QMatMul
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding
from tilewright.ops.window2d import Window2d

RNG = np.random.default_rng(5)


def value(name: str, *shape: int) -> Value:
    return Value(ValueName(name), TensorType(DType.S8, shape))


def layers(inputs: int, outputs: int) -> Graph:
    """A table, a dense layer over ``inputs``, a dense layer over ``outputs``."""
    builder = GraphBuilder("net", Contract.ONNX)
    x = builder.input(value("x", 1, inputs))
    table = builder.constant("table", np.arange(-128, 128).astype(np.int8))
    x = builder.node("look", Lut(), (x, table), value("looked", 1, inputs))
    for name, k, o in (("wide", inputs, outputs), ("narrow", outputs, 3)):
        operands = (
            builder.constant(f"{name}.w", RNG.integers(-128, 128, (o, k)).astype(np.int8)),
            builder.constant(f"{name}.b", RNG.integers(-999, 999, o).astype(np.int32)),
            builder.constant(f"{name}.m", np.array([2**30 + 12345], np.int32)),
            builder.constant(f"{name}.s", np.array([38 + k.bit_length() // 2], np.int8)),
        )
        op = QDense(Requantise(Rounding.HALF_EVEN))
        x = builder.node(name, op, (x, *operands), value(f"{name}.y", 1, o))
    builder.outputs.append(x)
    return builder.build()


def branches() -> Graph:
    """Two convolutions of one tensor, of which the second makes little: by live bytes it had best
    run between the sums of the first and their finish."""
    builder = GraphBuilder("net", Contract.ONNX)
    x = builder.input(value("x", 1, 12, 12, 64))
    table = builder.constant("table", np.arange(-128, 128).astype(np.int8))
    x = builder.node("look", Lut(), (x, table), value("looked", 1, 12, 12, 64))
    window = Window2d((3, 3), (2, 2), (1, 1, 1, 1))
    op = QConv2d(window, output=Requantise(Rounding.HALF_EVEN), x_zero=7, w_zero=1)
    for name, o in (("wide", 32), ("slim", 1)):
        weights = RNG.integers(-128, 128, (o, 3, 3, 64)).astype(np.int8)
        operands = (
            builder.constant(f"{name}.w", weights),
            builder.constant(f"{name}.b", RNG.integers(-999, 999, o).astype(np.int32)),
            builder.constant(f"{name}.m", np.array([2**30 + 1] * o, np.int32)),
            builder.constant(f"{name}.s", np.array([42] * o, np.int8)),
        )
        y = value(f"{name}.y", 1, 6, 6, o)
        builder.outputs.append(builder.node(name, op, (x, *operands), y))
    return builder.build()


def convolution() -> Graph:
    builder = GraphBuilder("net", Contract.ONNX)
    x = builder.input(value("x", 1, 6, 6, 700))
    operands = (
        builder.constant("w", RNG.integers(-128, 128, (4, 3, 3, 700)).astype(np.int8)),
        builder.constant("b", RNG.integers(-999, 999, 4).astype(np.int32)),
        builder.constant("m", np.array([2**30, 2**30 + 1, 2**30 + 2, 2**30 + 3], np.int32)),
        builder.constant("s", np.array([42, 43, 44, 43], np.int8)),
    )
    window = Window2d((3, 3), (1, 1), (1, 1, 1, 1))
    op = QConv2d(window, output=Requantise(Rounding.HALF_EVEN), x_zero=7, w_zero=1)
    builder.outputs.append(builder.node("conv", op, (x, *operands), value("y", 1, 6, 6, 4)))
    return builder.build()


def product() -> Graph:
    builder = GraphBuilder("net", Contract.TFLITE)
    a, b = builder.input(value("a", 2, 5, 3000)), builder.input(value("b", 2, 7, 3000))
    op = QMatMul(
        transposes_b=True, a_zero=3, b_zero=-5, scale=FixedPoint(2**30, -14),
        output=Requantise(Rounding.DOUBLE, 1),
    )  # fmt: skip
    builder.outputs.append(builder.node("product", op, (a, b), value("y", 2, 5, 7)))
    return builder.build()


def words() -> Graph:
    """Rows of a table of 9,000, chosen at run time."""
    builder = GraphBuilder("net", Contract.ONNX)
    index = builder.input(Value(ValueName("words"), TensorType(DType.S32, (1, 6))))
    table = builder.constant("table", RNG.integers(-128, 128, (9000, 4)).astype(np.int8))
    builder.outputs.append(builder.node("rows", Gather(0), (table, index), value("y", 1, 6, 4)))
    return builder.build()


NETWORKS = {"dense": (layers(6000, 20), 4096), "conv": (convolution(), 6000),
            "product": (product(), 3000), "words": (words(), 4096)}  # fmt: skip
"""Networks that fit into so little near memory in parts only."""
