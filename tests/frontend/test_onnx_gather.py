"""Rows chosen at run time: our integers against ONNX Runtime's, and files that are refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnx_models import Model, assert_close, both, compiled, random_integers, saved
from tilewright import verify_model
from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_import import import_onnx
from tilewright.ir.types import Array, DType, Shape

relaxed = settings(
    derandomize=True, deadline=None, max_examples=30, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


def drawn_indices(seed: int, rows: int, shape: Shape) -> Array:
    """int64, some of them from the end."""
    return np.random.default_rng(seed).integers(-rows, rows, shape)


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_embeddings_equal_onnx_runtime(tmp_path: Path, stored: bool, dtype):
    @relaxed
    @given(st.integers(0, 99), st.sampled_from([(3,), (2, 3)]), st.booleans())
    def check(seed: int, count: Shape, rescales: bool):
        model = Model()
        rng = np.random.default_rng(seed)
        table = model.constant("table", rng.standard_normal((11, 6)).astype(np.float32))
        if stored:
            model.constant("table", random_integers(seed, (11, 6), np.int8))
            table = model.dequantise("table", 0.02, 3, np.int8)
        model.node("Gather", (table, model.input("ids", count, dtype)), "y")
        made = {"y": np.float32}
        if stored:
            model.quantise("y", 0.05 if rescales else 0.02, 3, np.int8, "q")
            made = {"q": np.int8}
        index = drawn_indices(seed, 11, count).astype(dtype)
        assert_close(both(tmp_path, model.proto(made), {"ids": index}))

    check()


@relaxed
@given(st.integers(0, 99), st.integers(-3, 2), st.sampled_from([(), (1,), (2, 2)]))
def test_chosen_activations_equal_onnx_runtime(
    tmp_path_factory: pytest.TempPathFactory, seed: int, axis: int, count: Shape
):
    model = Model()
    shape = (3, 4, 5)
    x = model.dequantise(model.input("x", shape, np.uint8), 0.1, 7, np.uint8)
    index = model.constant("index", drawn_indices(seed, shape[axis], count))
    model.quantise(model.node("Gather", (x, index), "y", axis=axis), 0.1, 7, np.uint8, "q")
    inputs = {"x": random_integers(seed, shape, np.uint8)}
    folder = tmp_path_factory.mktemp("gather")
    assert_close(both(folder, model.proto({"q": np.uint8}), inputs))


def test_indices_pass_through_casts_and_reshapes(tmp_path: Path):
    model = Model()
    ids = model.input("ids", (6,), np.int64)
    flat = model.node("Cast", (ids,), "ids32", to=6)
    shaped = model.node("Reshape", (flat, model.constant("shape", np.array([2, 3]))), "shaped")
    table = model.constant("table", np.arange(20, dtype=np.float32).reshape(10, 2))
    model.node("Gather", (table, shaped), "y")
    inputs = {"ids": np.array([0, -1, 9, 3, -10, 4])}
    assert_close(both(tmp_path, model.proto({"y": np.float32}), inputs))


def test_int64_inputs_are_int32_inside(tmp_path: Path):
    model = Model()
    table = model.constant("table", np.zeros((10, 2), np.float32))
    model.node("Gather", (table, model.input("ids", (3,), np.int64)), "y")
    graph = compiled(saved(tmp_path, model.proto({"y": np.float32})))
    assert graph.type(graph.inputs[0]).dtype is DType.S32


def test_a_constant_index_beyond_the_table(tmp_path: Path):
    model = Model()
    index = model.constant("index", np.array([1, 4]))
    model.node("Gather", (model.input("x", (4, 2)), index), "y")
    with pytest.raises(ModelError, match=r"y \(Gather\): index 4 is outside the 4 rows of x"):
        import_onnx(saved(tmp_path, model.proto({"y": np.float32})), {})


def test_no_indices_at_all_are_refused(tmp_path: Path):
    model = Model()
    index = model.constant("index", np.zeros(0, np.int64))
    model.node("Gather", (model.input("x", (4, 2)), index), "y")
    with pytest.raises(UnsupportedError, match="no indices"):
        import_onnx(saved(tmp_path, model.proto({"y": np.float32})), {})


def test_one_index_at_run_time_compiles_and_runs(tmp_path: Path):
    model = Model()
    model.constant("table", random_integers(0, (4, 5), np.int8))
    table = model.dequantise("table", 0.02, 3, np.int8)
    row = model.node("Gather", (table, model.input("id", (), np.int64)), "row")
    model.quantise(row, 0.02, 3, np.int8, "y")
    path = saved(tmp_path, model.proto({"y": np.int8}))
    assert verify_model(path, inputs=2).verification.holds


def test_indices_are_nothing_to_compute_with(tmp_path: Path):
    model = Model()
    model.node("Sigmoid", (model.input("ids", (3,), np.int32),), "y")
    with pytest.raises(UnsupportedError, match="computes with the integers of ids"):
        import_onnx(saved(tmp_path, model.proto({"y": np.int32})), {})
