"""Files of integers that spell requantisation out: Mul, Add, Div, Floor, Clip between Casts."""

from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnx import TensorProto, helper, numpy_helper

from evaluate import evaluate_graph
from layer_agreement import run_onnx
from onnx_models import saved
from tilewright.frontend.onnx_import import import_onnx
from tilewright.ir.types import Array


def chain(weights: str, *, is_real: bool) -> onnx.ModelProto:
    """Two layers; ``is_real``: the same in float32, which holds all of its numbers exactly."""
    nodes: list[onnx.NodeProto] = []
    rng = np.random.default_rng(3)

    def integers(low: int, high: int, shape: tuple[int, ...], kind: str) -> Array:
        return rng.integers(low, high, shape).astype(kind)

    held: dict[str, Array] = {
        "w0": integers(*((0, 256) if weights == "uint8" else (-128, 128)), (4, 1, 3, 3), weights),
        "m0": integers(1, 9, (1, 4, 1, 1), "int32"),
        "a0": integers(-999, 999, (1, 4, 1, 1), "int32"),
        "d": np.array([64], np.int32), "w1": integers(-128, 128, (64, 3), "int8"),
        "b1": integers(-99, 99, (1, 3), "int32"),
    }  # fmt: skip

    def node(kind: str, inputs: list[str], output: str, **attributes: object) -> None:
        nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))

    def cast(source: str, output: str, to: int) -> None:
        node("Cast", [source], output, to=TensorProto.FLOAT if is_real else to)

    node("Conv", ["x", "w0"], "sums", pads=[1, 1, 1, 1], kernel_shape=[3, 3])
    cast("sums", "wide", TensorProto.INT32)
    node("Mul", ["wide", "m0"], "scaled")
    node("Add", ["scaled", "a0"], "moved")
    node("Div", ["moved", "d"], "divided")
    node("Floor", ["divided"], "whole")
    node("Clip", ["whole"], "clipped", min=0.0, max=255.0)
    cast("clipped", "bytes", TensorProto.UINT8)
    node("Flatten", ["bytes"], "flat")
    node("MatMul", ["flat", "w1"], "product")
    cast("product", "wide1", TensorProto.INT32)
    node("Add", ["wide1", "b1"], "y")
    kind = TensorProto.FLOAT if is_real else TensorProto.UINT8
    arrays = {n: a.astype(np.float32) if is_real else a for n, a in held.items()}
    graph = helper.make_graph(
        nodes, "chain", [helper.make_tensor_value_info("x", kind, [1, 1, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(a, n) for n, a in arrays.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 10)], ir_version=8)


@pytest.mark.parametrize("weights", ["uint8", "int8"])
def test_a_chain_is_what_its_integers_say(tmp_path: Path, weights: str) -> None:
    proto, real = (chain(weights, is_real=is_real) for is_real in (False, True))
    graph = import_onnx(saved(tmp_path, proto), {})
    assert {type(n.op).__name__ for n in graph.nodes} >= {"QConv2d"}
    x = np.random.default_rng(4).integers(0, 30, (1, 1, 4, 4))
    (ours,) = (evaluate_graph(graph, {"x": x.astype(np.uint8)})[n] for n in graph.outputs)
    (theirs,) = run_onnx(real, {"x": x.astype(np.float32)})
    np.testing.assert_array_equal(ours, theirs.astype(np.int32))
