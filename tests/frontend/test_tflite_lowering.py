"""Lowering under the tflite contract: what it refuses, and what it makes of other doors' graphs."""

from pathlib import Path

import numpy as np
import pytest

from evaluate import evaluate_graph
from tflite_models import Operator, Tensor, build, constant, lowered
from tilewright.errors import QuantisationError
from tilewright.frontend.lower import lower
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import DType, Quantisation, TensorType
from tilewright.ops.lut import Lut
from tilewright.ops.pool2d import AveragePool2d
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.ops.softmax import Softmax
from tilewright.ops.softmax_tflite import QSoftmax
from tilewright.ops.window2d import Window2d

Q = {"scales": (0.1,), "zeros": (3,)}


def refused(model: bytes, folder: Path) -> str:
    with pytest.raises(QuantisationError) as caught:
        lowered(model, folder)
    return str(caught.value)


def one_node(op: Op, shape: tuple[int, ...], y: Quantisation) -> Graph:
    """A source graph of one operator, as another importer would make it."""
    builder = GraphBuilder("one", Contract.ONNX)
    x = Value(ValueName("x"), TensorType(DType.S8, shape), Quantisation((0.25,), (5,)))
    builder.input(x)
    made = op.infer(x.type).shape
    builder.node("node", op, ("x",), Value(ValueName("y"), TensorType(DType.S8, made), y))
    builder.outputs.append(ValueName("y"))
    return builder.build()


def test_a_sum_whose_output_is_far_finer_is_refused(tmp_path: Path) -> None:
    a, b = Tensor("a", "int8", (4,), **Q), Tensor("b", "int8", (4,), **Q)
    y = Tensor("y", "int8", (4,), (1e-9,), (0,))
    model = build([a, b, y], [Operator("ADD", ["a", "b"], "y", "AddOptions")], ["a", "b"], ["y"])
    message = refused(model, tmp_path)
    assert "add_0 (Add): the output's scale 1e-09 is more than 1048576 times finer" in message


def test_a_product_whose_output_is_far_finer_is_refused(tmp_path: Path) -> None:
    a, b = Tensor("a", "int8", (4,), **Q), Tensor("b", "int8", (4,), **Q)
    y = Tensor("y", "int8", (4,), (1e-9,), (0,))
    model = build([a, b, y], [Operator("MUL", ["a", "b"], "y", "MulOptions")], ["a", "b"], ["y"])
    assert "mul_0 (Mul): the output's scale 1e-09 is more than 16384" in refused(model, tmp_path)


def test_a_mean_whose_sum_leaves_int32_is_refused(tmp_path: Path) -> None:
    x, y = Tensor("x", "int8", (3000, 3000), **Q), Tensor("y", "int8", (), **Q)
    axes = constant("axes", np.array([0, 1], np.int32))
    operator = Operator("MEAN", ["x", "axes"], "y", "ReducerOptions")
    model = build([x, axes, y], [operator], ["x"], ["y"])
    assert "mean_0 (Mean): a sum of 9000000 elements" in refused(model, tmp_path)


def test_an_accumulator_that_leaves_int32_is_refused_with_the_numbers(tmp_path: Path) -> None:
    w = np.full((1, 70000), 127, np.int8)
    tensors = [
        Tensor("x", "int8", (1, 70000), (0.1,), (-128,)), constant("w", w, (0.1,)),
        constant("b", np.array([2**31 - 1], np.int32)), Tensor("y", "int8", (1, 1), **Q),
    ]  # fmt: skip
    operator = Operator("FULLY_CONNECTED", ["x", "w", "b"], "y", "FullyConnectedOptions")
    message = refused(build(tensors, [operator], ["x"], ["y"]), tmp_path)
    assert "the accumulator of output channel 0 can reach" in message


def test_a_softmax_over_too_many_elements_is_refused(tmp_path: Path) -> None:
    x = Tensor("x", "int8", (1, 5000), **Q)
    y = Tensor("y", "int8", (1, 5000), (1 / 256,), (-128,))
    operator = Operator("SOFTMAX", ["x"], "y", "SoftmaxOptions", {"beta": 1.0})
    message = refused(build([x, y], [operator], ["x"], ["y"]), tmp_path)
    assert "softmax over 5000 elements" in message
    assert "at most 4095 elements fit" in message


def test_an_output_scale_that_the_contract_does_not_make_comes_by_a_table() -> None:
    other = Quantisation((1 / 128,), (0,))
    graph = lower(one_node(Softmax(), (2, 9), other), Contract.TFLITE)
    assert [type(n.op) for n in graph.nodes] == [QSoftmax, Lut]
    x = np.random.default_rng(1).integers(-128, 128, (2, 9)).astype(np.int8)
    real = Softmax().evaluate((x.astype(np.float32) - 5) * 0.25)
    ours = evaluate_graph(graph, {"x": x})[graph.outputs[0]] / 128
    assert np.abs(ours - np.minimum(real, 127 / 128)).max() <= 1 / 128


def test_a_pooling_that_counts_padding_is_refused_only_where_there_is_padding() -> None:
    same = Quantisation((0.25,), (5,))
    plain = AveragePool2d(Window2d((2, 2)), counts_padding=True)
    graph = lower(one_node(plain, (1, 4, 4, 3), same), Contract.TFLITE)
    assert [type(n.op) for n in graph.nodes] == [QAveragePool2d]
    padded = AveragePool2d(Window2d((2, 2), pads=(1, 1, 1, 1)), counts_padding=True)
    with pytest.raises(QuantisationError, match="counts padding has no form in the tflite"):
        lower(one_node(padded, (1, 4, 4, 3), same), Contract.TFLITE)
