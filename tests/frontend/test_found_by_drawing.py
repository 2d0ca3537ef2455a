"""The smallest networks that showed what drawn ones found."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnx_models import Model, both, random_integers, saved
from tilewright import Options, compile_model, load_target
from tilewright.errors import QuantisationError
from tilewright.run.many import Built, run_many


def equal_to_onnx_runtime(folder: Path, model: Model, output: str, inputs, **options) -> None:
    for ours, theirs in both(folder, model.proto({output: np.float32}), inputs, **options):
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


def scattered(scale: float) -> Model:
    """Elements of one scale among those of another."""
    model = Model()
    data = model.dequantise(model.input("data", (3, 3), np.int8), scale, 3, np.int8)
    news = model.dequantise(model.input("news", (2, 3), np.int8), 0.05, -7, np.int8)
    at = model.constant("at", np.array([[1, 0, 2], [0, 2, 1]]))
    model.node("ScatterElements", (data, at, news), "made")
    model.dequantise(model.quantise("made", 0.04, 5, np.int8, "stored"), 0.04, 5, np.int8)
    return model


@pytest.mark.parametrize("scale", [1e-4, 0.05, 0.3])
def test_what_is_joined_under_two_scales_is_real(tmp_path: Path, scale: float) -> None:
    inputs = {
        "data": random_integers(1, (3, 3), np.int8),
        "news": random_integers(2, (2, 3), np.int8),
    }
    equal_to_onnx_runtime(tmp_path, scattered(scale), "stored.real", inputs, allow_float=True)


def test_a_border_that_no_stored_number_is_makes_the_result_real(tmp_path: Path) -> None:
    model = Model()
    x = model.dequantise(model.input("x", (2, 3), np.int8), 0.02, 3, np.int8)
    pads = model.constant("pads", np.array([0, 1, 0, 1]))
    far = model.constant("far", np.array(-np.inf, np.float32))
    model.node("Softmax", (model.node("Pad", (x, pads, far), "padded"),), "made", axis=1)
    scale, zero = 1 / 256, -128
    model.dequantise(model.quantise("made", scale, zero, np.int8, "stored"), scale, zero, np.int8)
    inputs = {"x": random_integers(1, (2, 3), np.int8)}
    proto = model.proto({"stored.real": np.float32})
    for ours, theirs in both(tmp_path, proto, inputs, allow_float=True):
        np.testing.assert_allclose(ours, theirs, atol=scale)


def test_a_bias_that_accumulators_are_too_coarse_for_is_not_rounded(tmp_path: Path) -> None:
    model = Model()
    x = model.dequantise(model.input("x", (1, 2, 3, 3), np.int8), 2.0, 4, np.int8)
    stored = model.constant("w", random_integers(3, (4, 2, 1, 1), np.int8))
    w = model.dequantise(stored, 0.0125, 0, np.int8)
    bias = model.constant("b", np.array([0.0112, -24.2647, 7.0131, 49.51], np.float32))
    model.node("Conv", (x, w, bias), "made")
    y = model.quantise("made", 0.004, 128, np.uint8, "stored")
    model.dequantise(y, 0.004, 128, np.uint8)
    inputs = {"x": np.clip(random_integers(1, (1, 2, 3, 3), np.int8), 3, 5)}
    equal_to_onnx_runtime(tmp_path, model, "stored.real", inputs, allow_float=True)
    path = saved(tmp_path, model.proto({"stored.real": np.float32}))
    with pytest.raises(QuantisationError, match=r"bias b is rounded to accumulator steps of 0.025"):
        compile_model(path, load_target("host"), Options(allow_float=False))


def test_a_single_number_may_be_padded_by_nothing(tmp_path: Path) -> None:
    model = Model()
    x = model.input("x", (2,))
    most = model.node("ReduceMax", (x,), "most", axes=[0], keepdims=1)
    stored = model.quantise(most, 0.05, 3, np.int8, "stored")
    pads = model.constant("pads", np.array([0, 0]))
    padded = model.node("Pad", (stored, pads), "padded", mode="constant")
    model.dequantise(padded, 0.05, 3, np.int8)
    inputs = {"x": np.float32([0.3, -1.2])}
    equal_to_onnx_runtime(tmp_path, model, "padded.real", inputs, allow_float=True)
