"""Normalisations in pieces, as exporters write them, become the operator that they mean."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnx_models import (
    Model,
    assert_close,
    both,
    compiled,
    output_parameters,
    random_integers,
    saved,
)
from tilewright.errors import TilewrightError
from tilewright.frontend.onnx_import import import_onnx
from tilewright.ops.normalisation import LayerNorm, RmsNorm

ROWS, WIDTH = 6, 24


def constant(model: Model, name: str, *values: float, dtype=np.float32) -> str:
    return model.constant(name, np.array(values, dtype))


def table(model: Model, name: str, middle: float) -> str:
    rng = np.random.default_rng(len(name))
    return model.constant(name, rng.normal(middle, 0.2, WIDTH).astype(np.float32))


def deviation(model: Model, t: str, **options) -> str:
    """Sqrt(ReduceMean(t ** 2) + epsilon)"""
    if options.get("multiplies"):
        squares = model.node("Mul", [t, t], "squares")
    else:
        squares = model.node("Pow", [t, constant(model, "two", 2.0)], "squares")
    mean = model.node("ReduceMean", [squares], "mean of squares", axes=[-1])
    total = model.node("Add", [constant(model, "epsilon", 1e-3), mean], "total")
    return model.node("Sqrt", [total], "deviation")


def layer_norm(model: Model, x: str) -> str:
    mean = model.node("ReduceMean", [x], "mean", axes=[-1], keepdims=1)
    centred = model.node("Sub", [x, mean], "centred")
    normal = model.node("Div", [centred, deviation(model, centred)], "normal")
    scaled = model.node("Mul", [normal, table(model, "scale", 1.0)], "scaled")
    return model.node("Add", [table(model, "bias", 0.0), scaled], "y.real")


def plain_layer_norm(model: Model, x: str) -> str:
    mean = model.node("ReduceMean", [x], "mean", axes=[-1], keepdims=1)
    centred = model.node("Sub", [x, mean], "centred")
    root = deviation(model, centred, multiplies=True)
    return model.node("Div", [centred, root], "y.real")


def rms_norm(model: Model, x: str) -> str:
    inverse = model.node("Reciprocal", [deviation(model, x)], "inverse")
    normal = model.node("Mul", [x, inverse], "normal")
    return model.node("Mul", [table(model, "scale", 1.0), normal], "y.real")


def rms_norm_by_one(model: Model, x: str) -> str:
    root = deviation(model, x, multiplies=True)
    inverse = model.node("Div", [constant(model, "one", 1.0), root], "inverse")
    return model.node("Mul", [inverse, x], "y.real")


PATTERNS: dict[Callable[[Model, str], str], type[LayerNorm | RmsNorm]] = {
    layer_norm: LayerNorm, plain_layer_norm: LayerNorm,
    rms_norm: RmsNorm, rms_norm_by_one: RmsNorm,
}  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.__name__)
def test_real_numbers_agree_with_onnx_runtime(tmp_path: Path, pattern):
    model = Model()
    pattern(model, model.input("x", (2, ROWS, WIDTH)))
    proto = model.proto({"y.real": np.float32})
    graph = import_onnx(saved(tmp_path, proto), {})
    assert [node.op for node in graph.nodes] == [PATTERNS[pattern](float(np.float32(1e-3)))]
    x = np.random.default_rng(0).normal(0.5, 2, (2, ROWS, WIDTH)).astype(np.float32)
    assert_close(both(tmp_path, proto, {"x": x}))


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.__name__)
def test_between_quantised_tensors_they_are_integers(tmp_path: Path, pattern):
    model, x = Model(), random_integers(0, (2, ROWS, WIDTH), np.int8)
    model.input("x", x.shape, np.int8)
    real = pattern(model, model.dequantise("x", 0.02, 5, np.int8))
    scale, zero = output_parameters(model, real, {"x": x}, np.int8)
    model.quantise(real, scale, zero, np.int8, "y")
    assert_close(both(tmp_path, model.proto({"y": np.int8}), {"x": x}))


def test_what_something_else_reads_keeps_the_pieces(tmp_path: Path):
    model = Model()
    layer_norm(model, model.input("x", (2, ROWS, WIDTH)))
    model.node("Relu", ["mean of squares"], "z")
    proto = model.proto({"y.real": np.float32, "z": np.float32})
    graph = import_onnx(saved(tmp_path, proto), {})
    assert not any(isinstance(node.op, LayerNorm) for node in graph.nodes)


@pytest.mark.parametrize("output", ["centred", "deviation"])
def test_an_output_between_the_pieces_keeps_them(tmp_path: Path, output: str):
    model = Model()
    layer_norm(model, model.input("x", (2, ROWS, WIDTH)))
    proto = model.proto({"y.real": np.float32, output: np.float32})
    graph = import_onnx(saved(tmp_path, proto), {})
    assert not any(isinstance(node.op, LayerNorm) for node in graph.nodes)


def test_an_output_before_the_scale_ends_the_pattern(tmp_path: Path):
    model = Model()
    layer_norm(model, model.input("x", (2, ROWS, WIDTH)))
    proto = model.proto({"y.real": np.float32, "normal": np.float32})
    x = np.random.default_rng(0).normal(0.5, 2, (2, ROWS, WIDTH)).astype(np.float32)
    assert_close(both(tmp_path, proto, {"x": x}))


def test_several_dimensions_at_once(tmp_path: Path):
    model = Model(opset=18)
    x = model.input("x", (2, ROWS, WIDTH))
    axes = model.constant("axes", np.array([-2, -1]))
    mean = model.node("ReduceMean", [x, axes], "mean")
    centred = model.node("Sub", [x, mean], "centred")
    squares = model.node("Mul", [centred, centred], "squares")
    variance = model.node("ReduceMean", [squares, axes], "variance")
    total = model.node("Add", [variance, constant(model, "epsilon", 1e-3)], "total")
    normal = model.node("Div", [centred, model.node("Sqrt", [total], "root")], "normal")
    model.node("Mul", [normal, table(model, "scale", 1.0)], "y")
    values = np.random.default_rng(0).normal(0.5, 2, (2, ROWS, WIDTH)).astype(np.float32)
    assert_close(both(tmp_path, model.proto({"y": np.float32}), {"x": values}))


@pytest.mark.parametrize("kind", ["Pow", "ReduceMean", "Add", "Sqrt", "Div", "Mul"])
def test_a_piece_without_its_operands_is_refused_in_words(tmp_path: Path, kind: str):
    model = Model()
    rms_norm(model, model.input("x", (2, ROWS, WIDTH)))
    for node in model.nodes:
        if node.op_type == kind:
            del node.input[-1]
    with pytest.raises(TilewrightError):
        compiled(saved(tmp_path, model.proto({"y": np.float32})))
