"""ONNX Runtime judges each layer on the tensors that it is given, not on its own."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tilewright.run.judges.onnxruntime import OnnxRuntime

pytest.importorskip("onnxruntime")


def a_chain(folder: Path) -> Path:
    """y = relu(x); z = -y; q = quantize(z)."""
    nodes = [
        helper.make_node("Relu", ["x"], ["y"]),
        helper.make_node("Neg", ["y"], ["z"]),
        helper.make_node("QuantizeLinear", ["z", "scale", "zero"], ["q"]),
    ]
    constants = [
        helper.make_tensor("scale", TensorProto.FLOAT, (), [0.5]),
        helper.make_tensor("zero", TensorProto.UINT8, (), [128]),
    ]
    ports = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3)),
        helper.make_tensor_value_info("q", TensorProto.UINT8, (1, 3)),
    ]
    graph = helper.make_graph(nodes, "chain", ports[:1], ports[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = folder / "chain.onnx"
    onnx.save(model, path)
    return path


X = {"x": np.float32([[-1, 2, 3]])}


def test_the_whole_network_runs_on_the_input(tmp_path: Path) -> None:
    assert OnnxRuntime(a_chain(tmp_path)).outputs(X)["q"].tolist() == [[128, 124, 122]]


def test_each_layer_reads_our_tensor_even_where_it_is_wrong(tmp_path: Path) -> None:
    wrong = np.float32([[10, 20, 30]])
    judged = OnnxRuntime(a_chain(tmp_path)).layers(X, {"y": wrong, "z": -X["x"]})
    ours, theirs = judged["y"].ours, judged["y"].theirs
    assert np.array_equal(ours, wrong)
    assert theirs.tolist() == [[0, 2, 3]]
    assert judged["z"].theirs.tolist() == [[-10, -20, -30]]


def test_int8_may_stand_for_uint8_and_other_types_are_left_out(tmp_path: Path) -> None:
    known = {"q": np.int8([[0, -4, -6]]), "z": np.int8([[1, 2, 3]]), "nobody": X["x"]}
    judged = OnnxRuntime(a_chain(tmp_path)).layers(X, known)
    assert judged.keys() == {"q"}
    ours, theirs = judged["q"].ours, judged["q"].theirs
    assert ours.dtype == np.uint8
    assert np.array_equal(ours, theirs)


def test_layers_of_an_unknown_dependency_are_computed_from_the_input(tmp_path: Path) -> None:
    judged = OnnxRuntime(a_chain(tmp_path)).layers(X, {"z": X["x"]})
    assert judged["z"].theirs.tolist() == [[0, -2, -3]]
