"""LayerNormalization and RMSNormalization: what is refused, and how often bytes differ."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnx_models import Model, both, output_parameters, saved
from tilewright.errors import ModelError, QuantisationError, UnsupportedError
from tilewright.frontend.lower import lower
from tilewright.frontend.onnx_import import import_onnx
from tilewright.ir.graph import Contract
from tilewright.ir.types import Array

OPSETS = {"LayerNormalization": 17, "RMSNormalization": 23}


def model(kind: str, x: Array, tables: list[Array], **attributes) -> Model:
    made = Model(OPSETS[kind])
    made.input("x", x.shape, x.dtype)
    real = made.dequantise("x", 0.02, 10, np.int8) if x.dtype == np.int8 else "x"
    names = [made.constant(f"c{i}", t) for i, t in enumerate(tables)]
    made.node(kind, [real, *names], "y.real", **attributes)
    return made


@pytest.mark.parametrize("kind", OPSETS)
@pytest.mark.parametrize("length", [16, 64, 384])
def test_quantised_norms_differ_in_few_bytes(tmp_path: Path, kind: str, length: int):
    rng = np.random.default_rng(length)
    x = rng.integers(-128, 128, (20_000 // length, length)).astype(np.int8)
    tables = [rng.normal(1, 0.3, length).astype(np.float32), rng.normal(0, 0.3, length)]
    tables = [t.astype(np.float32) for t in tables[: 2 if kind == "LayerNormalization" else 1]]
    made = model(kind, x, tables)
    scale, zero = output_parameters(made, "y.real", {"x": x}, np.int8)
    made.quantise("y.real", scale, zero, np.int8, "y")
    ((ours, reference),) = both(tmp_path, made.proto({"y": np.int8}), {"x": x})
    distance = np.abs(ours.astype(int) - reference)
    assert distance.max() <= 1
    assert np.count_nonzero(distance) <= distance.size / 10_000


def test_rows_of_equal_elements_are_the_bias(tmp_path: Path):
    x = np.full((2, 8), 33, np.int8)
    bias = np.linspace(-1, 1, 8, dtype=np.float32)
    made = model("LayerNormalization", x, [np.ones(8, np.float32), bias])
    made.quantise("y.real", 0.01, -3, np.int8, "y")
    ((ours, reference),) = both(tmp_path, made.proto({"y": np.int8}), {"x": x})
    np.testing.assert_array_equal(ours, reference)


def test_a_scale_for_each_row_is_refused(tmp_path: Path):
    made = model("LayerNormalization", np.zeros((3, 4), np.float32), [np.ones((3, 4), np.float32)])
    with pytest.raises(UnsupportedError, match="differs from row to row"):
        import_onnx(saved(tmp_path, made.proto({"y.real": np.float32})), {})


@pytest.mark.parametrize(
    ("attributes", "length", "message"),
    [
        ({"axis": 2}, 4, "axis 2 is no dimension"),
        ({"epsilon": -1.0}, 4, "negative"),
        ({}, 3, "does not fit rows"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, attributes, length: int, message: str):
    x, scale = np.zeros((3, 4), np.float32), np.ones(length, np.float32)
    made = model("LayerNormalization", x, [scale], **attributes)
    with pytest.raises(ModelError, match=message):
        import_onnx(saved(tmp_path, made.proto({"y.real": np.float32})), {})


def test_an_output_scale_beyond_all_reason_is_refused(tmp_path: Path):
    made = model("LayerNormalization", np.zeros((3, 4), np.int8), [np.ones(4, np.float32)])
    made.quantise("y.real", 1e-12, 0, np.int8, "y")
    graph = import_onnx(saved(tmp_path, made.proto({"y": np.int8})), {})
    with pytest.raises(QuantisationError, match="too large for a normalisation of 4 elements"):
        lower(graph, Contract.ONNX)
