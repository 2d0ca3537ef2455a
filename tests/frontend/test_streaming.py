"""A keyword network fed frame by frame computes what it computes from the whole window."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from evaluate import evaluate_graph
from frontend.test_tflite_recurrent import lstm
from onnx_models import Model, compiled, saved
from tflite_models import lowered
from tilewright.api import run_model
from tilewright.ir.types import Array
from tilewright.pipeline import Options

FRAMES, FEATURES = 9, 4
LAYERS = ((FEATURES, 6, 3), (6, 5, 2))
"""Input channels, output channels and frames of each convolution."""


def convolutions(*, is_streaming: bool) -> Model:
    """Two quantised convolutions over time; streaming ones keep the frames before."""
    rng, model = np.random.default_rng(12), Model()
    x = model.input("x", (1, FEATURES, 1 if is_streaming else FRAMES))
    for index, (inputs, outputs, length) in enumerate(LAYERS):
        if is_streaming:
            cache = model.input(f"cache{index}", (1, inputs, length - 1))
            whole = model.node("Concat", (cache, x), f"whole{index}", axis=2)
            bounds = [
                model.constant(f"{name}{index}", np.array([value], np.int64))
                for name, value in (("from", 1), ("to", length), ("axis", 2))
            ]
            model.node("Slice", (whole, *bounds), f"next{index}")
            x = whole
        stored = model.quantise(x, 0.03, 3, np.int8, f"in{index}")
        w = model.constant(
            f"w{index}", rng.integers(-90, 90, (outputs, inputs, length)).astype(np.int8)
        )
        weights = model.dequantise(w, 0.01, 0, np.int8)
        bias = model.constant(f"b{index}", rng.standard_normal(outputs).astype(np.float32))
        real = model.dequantise(stored, 0.03, 3, np.int8)
        made = model.node("Conv", (real, weights, bias), f"made{index}")
        relu = model.node("Relu", (made,), f"relu{index}")
        stored = model.quantise(relu, 0.05, -120, np.int8, f"out{index}")
        x = model.dequantise(stored, 0.05, -120, np.int8)
    model.node("Identity", (x,), "y")
    return model


def frames_of(outputs: Sequence[Array]) -> Array:
    return np.concatenate(list(outputs), axis=2)


def test_convolutions_with_caches(tmp_path: Path) -> None:
    x: Array = np.random.default_rng(13).standard_normal((1, FEATURES, FRAMES)).astype(np.float32)
    whole = convolutions(is_streaming=False).proto({"y": np.float32})
    graph = compiled(saved(tmp_path, whole))
    wanted = evaluate_graph(graph, {"x": x})[graph.outputs[0]]
    pairs = [(f"next{i}", f"cache{i}") for i in range(len(LAYERS))]
    names = {"y": np.float32, **{after: np.float32 for after, _ in pairs}}
    path = saved(tmp_path, convolutions(is_streaming=True).proto(names))
    frames = np.stack([x[:, :, i : i + 1] for i in range(FRAMES)])
    report = run_model(path, "host", Options(states=tuple(pairs)), inputs={"x": frames})
    found = frames_of(report.outputs["y"])
    filled = FRAMES - wanted.shape[2]
    np.testing.assert_array_equal(found[:, :, filled:], wanted)
    assert len(np.unique(wanted)) > 5


def test_an_lstm_step_by_step(tmp_path: Path) -> None:
    steps = 7
    whole, single = (
        lstm(np.random.default_rng(5), count, 1, is_time_major=False) for count in (steps, 1)
    )
    graph = lowered(whole, tmp_path)
    x: Array = np.random.default_rng(6).integers(-128, 128, (1, steps, 6)).astype(np.int8)
    start: dict[str, Array] = {}
    for state in (graph.values[name] for name in graph.inputs[1:]):
        zero = 0 if state.quantisation is None else state.quantisation.zero_point
        start[state.name] = np.full(state.type.shape, zero, state.type.dtype.numpy)
    wanted = evaluate_graph(graph, {"x": x, **start})[graph.outputs[0]]
    path = tmp_path / "step.tflite"
    path.write_bytes(single)
    report = run_model(path, inputs={"x": np.stack([x[:, i : i + 1] for i in range(steps)])})
    found = np.concatenate(list(report.outputs["y"]), axis=1)
    np.testing.assert_array_equal(found, wanted)
