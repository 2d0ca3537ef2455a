"""16-bit activations: LiteRT's reference kernels bit for bit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluate import evaluate_graph
from tflite_models import Operator, Tensor, build, constant, differences, lowered, reference
from tilewright.ir.types import Array, Shape

CONV = {"strideW": 2, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
RNG = np.random.default_rng(16)


def wide(name: str, shape: Shape, scale: float) -> Tensor:
    return Tensor(name, "int16", shape, (scale,), (0,))


def weights(shape: Shape, axis: int, *, per_channel: bool = True) -> Tensor:
    scales = RNG.uniform(0.001, 0.01, shape[axis] if per_channel else 1)
    stored = RNG.integers(-127, 128, shape).astype(np.int8)
    return constant("w", stored, tuple(scales.tolist()), axis)


def bias(channels: int, kind: str) -> list[Tensor]:
    if not kind:
        return []
    array: Array = RNG.integers(-(2**20), 2**20, channels).astype(kind)
    return [Tensor("b", kind, (channels,), (1e-6,), (0,), 0, array)]


def check(
    tensors: Sequence[Tensor],
    kind: str,
    options: tuple[str, Mapping[str, Any]],
    folder: Path,
    version: int = 1,
) -> None:
    """One operator of all tensors but the last, which it makes; two drawn inputs and extremes."""
    *given, made = tensors
    op = Operator(kind, [t.name for t in given], made.name, *options, version=version)
    varying = [t for t in given if t.data is None]
    model = build(tensors, [op], [t.name for t in varying], [made.name])
    graph = lowered(model, folder, allow_float=True)
    for largest in (2**15 - 1, 2000, 60):
        inputs = {
            t.name: RNG.integers(-largest, largest + 1, t.shape).astype(t.dtype) for t in varying
        }
        assert differences(graph, model, inputs) == {}


@pytest.mark.parametrize("kind", ["int64", "int32"])
@pytest.mark.parametrize("padding", [0, 1])
def test_convolutions(tmp_path: Path, kind: str, padding: int) -> None:
    x = wide("x", (1, 6, 7, 4), 0.004)
    y = wide("y", (1, 6, 4, 5) if padding == 0 else (1, 4, 3, 5), 0.02)
    fields = {**CONV, "padding": padding, "fusedActivationFunction": padding}
    fields["quantizedBiasType"] = 2 if kind == "int32" else 4
    options = ("Conv2DOptions", fields)
    check([x, weights((5, 3, 3, 4), 0), *bias(5, kind), y], "CONV_2D", options, tmp_path)


@pytest.mark.parametrize("kind", ["int64", ""])
def test_depthwise_convolutions(tmp_path: Path, kind: str) -> None:
    x, y = wide("x", (1, 6, 7, 4), 0.004), wide("y", (1, 3, 4, 8), 0.003)
    fields = {**CONV, "strideH": 2, "depthMultiplier": 2, "padding": 0}
    tensors = [x, weights((1, 3, 3, 8), 3), *bias(8, kind), y]
    check(tensors, "DEPTHWISE_CONV_2D", ("DepthwiseConv2DOptions", fields), tmp_path)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("kind", ["int64", "int32", ""])
def test_fully_connected(tmp_path: Path, kind: str, per_channel: bool) -> None:
    x, y = wide("x", (3, 40), 0.004), wide("y", (3, 6), 0.03)
    w = weights((6, 40), 0, per_channel=per_channel)
    fields = {"fusedActivationFunction": 3, "quantizedBiasType": 2 if kind == "int32" else 4}
    options = ("FullyConnectedOptions", fields)
    check([x, w, *bias(6, kind), y], "FULLY_CONNECTED", options, tmp_path, version=4)


@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL"])
def test_arithmetic(tmp_path: Path, kind: str) -> None:
    a, b = wide("a", (2, 3, 5), 0.004), wide("b", (1, 3, 5), 0.001)
    y = wide("y", (2, 3, 5), 0.0045 if kind != "MUL" else 0.002)
    options = (f"{kind.title()}Options", {"fusedActivationFunction": 1})
    if kind != "MUL":
        options[1]["potScaleInt16"] = False
    check([a, b, y], kind, options, tmp_path, version=2)


@pytest.mark.parametrize("scale", [0.0003, 0.004])
def test_softmax(tmp_path: Path, scale: float) -> None:
    x, y = wide("x", (4, 11), scale), wide("y", (4, 11), 2.0**-15)
    check([x, y], "SOFTMAX", ("SoftmaxOptions", {"beta": 1.0}), tmp_path)


PAIRS = [("int16", "int8"), ("int8", "int16"), ("int16", "int16"), ("int16", "int32")]


@pytest.mark.parametrize(("kind", "into"), PAIRS)
def test_quantize(tmp_path: Path, kind: str, into: str) -> None:
    x = Tensor("x", kind, (3, 40), (0.01,), (0 if kind == "int16" else 7,))
    y = Tensor("y", into, (3, 40), (0.03,), (-5 if into == "int8" else 0,))
    op = Operator("QUANTIZE", ["x"], "y", "QuantizeOptions", {})
    model = build([x, y], [op], ["x"], ["y"])
    graph = lowered(model, tmp_path)
    info = np.iinfo(kind)
    stored = RNG.integers(info.min, info.max + 1, x.shape).astype(kind)
    assert differences(graph, model, {"x": stored}) == {}


POOL = {"strideW": 2, "strideH": 2, "filterWidth": 2, "filterHeight": 2, "padding": 0}

OTHERS: dict[str, tuple[str, dict[str, Any], Shape]] = {
    "AVERAGE_POOL_2D": ("Pool2DOptions", POOL, (1, 3, 4, 3)),
    "MAX_POOL_2D": ("Pool2DOptions", POOL, (1, 3, 4, 3)),
    "LOGISTIC": ("", {}, (1, 6, 7, 3)),
    "TANH": ("", {}, (1, 6, 7, 3)),
    "RELU": ("", {}, (1, 6, 7, 3)),
    "LEAKY_RELU": ("LeakyReluOptions", {"alpha": 0.2}, (1, 6, 7, 3)),
    "ABS": ("", {}, (1, 6, 7, 3)),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_others_are_computed_in_float32(tmp_path: Path, kind: str) -> None:
    """Within two steps; what only compares, exactly."""
    options, fields, shape = OTHERS[kind]
    scale = 2.0**-15 if kind in ("LOGISTIC", "TANH") else 0.001
    x, y = wide("x", (1, 6, 7, 3), 0.001), wide("y", shape, scale)
    op = Operator(kind, ["x"], "y", options, fields, version=2 if kind == "LEAKY_RELU" else 3)
    model = build([x, y], [op], ["x"], ["y"])
    graph = lowered(model, tmp_path, allow_float=True)
    stored: Array = RNG.integers(-(2**15), 2**15, x.shape).astype(np.int16)
    ours = evaluate_graph(graph, {"x": stored})[graph.outputs[0]]
    off = np.abs(ours.astype(np.int32) - reference(model, {"x": stored})["y"])
    assert off.max() <= (0 if kind in ("MAX_POOL_2D", "RELU", "ABS") else 2)
