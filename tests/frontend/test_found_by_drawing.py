"""The smallest networks that showed what drawn ones found."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnx_models import Model, both, random_integers, saved
from tilewright import Options, compile_model, load_target
from tilewright.run.many import Built, run_many


def equal_to_onnx_runtime(folder: Path, model: Model, output: str, inputs) -> None:
    for ours, theirs in both(folder, model.proto({output: np.float32}), inputs):
        np.testing.assert_array_equal(ours, theirs)


def test_the_second_part_of_a_split_says_what_the_integers_mean(tmp_path: Path) -> None:
    model = Model()
    x = model.input("x", (1, 4, 8), np.int8)
    first = model.node("Split", (x, model.constant("sizes", np.array([3, 5]))), "first", axis=2)
    model.nodes[-1].output.append("second")
    model.dequantise("second", 0.02, 3, np.int8)
    assert first == "first"
    inputs = {"x": random_integers(1, (1, 4, 8), np.int8)}
    equal_to_onnx_runtime(tmp_path, model, "second.real", inputs)


def test_joined_integers_mean_what_the_joint_means(tmp_path: Path) -> None:
    model = Model()
    x = model.input("x", (4, 5), np.int8)
    model.dequantise(model.node("Concat", (x, x, x), "joined", axis=0), 0.02, 0, np.int8)
    inputs = {"x": random_integers(1, (4, 5), np.int8)}
    equal_to_onnx_runtime(tmp_path, model, "joined.real", inputs)


def test_signed_bytes_are_joined_beside_unsigned_ones(tmp_path: Path) -> None:
    model = Model()
    a = model.dequantise(model.input("a", (1, 4, 5), np.int8), 0.05, 3, np.int8)
    b = model.dequantise(model.input("b", (1, 2, 5), np.uint8), 0.03, 120, np.uint8)
    model.node("Concat", (a, b), "joined", axis=1)
    y = model.quantise("joined", 0.04, -5, np.int8, "stored")
    model.dequantise(y, 0.04, -5, np.int8)
    inputs = {
        "a": random_integers(1, (1, 4, 5), np.int8),
        "b": random_integers(2, (1, 2, 5), np.uint8),
    }
    equal_to_onnx_runtime(tmp_path, model, "stored.real", inputs)


def test_what_nobody_reads_is_dropped_before_channels_are(tmp_path: Path) -> None:
    model = Model()
    x = model.input("x", (1, 3, 5, 5))
    model.constant("w", random_integers(2, (6, 1, 1, 3), np.int8).astype(np.float32))
    model.node("Conv", (x, "w"), "dead", group=3)
    model.node("Relu", (x,), "y")
    path = saved(tmp_path, model.proto({"y": np.float32}))
    graph = compile_model(path, load_target("host")).graph
    assert {type(node.op).__name__ for node in graph.nodes} == {"Clip"}


def test_an_output_that_is_an_input_reaches_the_callers_buffer(tmp_path: Path) -> None:
    model = Model()
    x = model.input("x", (2, 3))
    y = model.node("Relu", (x,), "y")
    model.node("Identity", (y,), "again")
    proto = model.proto({"y": np.float32, "again": np.float32, "x": np.float32})
    made = compile_model(saved(tmp_path, proto), load_target("host"), Options(name="passes"))
    given = np.float32([[1, -2, 3], [-4, 5, -6]])
    (ran,) = run_many([Built(made.program, made.bundle, ((given,),))], made.target)
    assert not isinstance(ran, str)
    ((relu, again, same),) = ran
    np.testing.assert_array_equal(relu, np.maximum(given, 0))
    np.testing.assert_array_equal(again, relu)
    np.testing.assert_array_equal(same, given)
