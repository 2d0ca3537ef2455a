"""Control flow, and quantisation that no integer kernel takes, against the package's reference."""

from pathlib import Path
from typing import cast

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from evaluate import evaluate_graph
from tilewright.frontend.lower import lower
from tilewright.frontend.onnx_import import import_onnx
from tilewright.ir.types import Array

drawn = settings(derandomize=True, deadline=None, max_examples=30)
SHAPE = (2, 3)


def value(name: str, kind: int = TensorProto.FLOAT, shape: tuple[int, ...] | None = SHAPE):
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(
    nodes: list[onnx.NodeProto], inputs: list[onnx.ValueInfoProto], outputs: list[str],
    constants: dict[str, Array],
) -> onnx.ModelProto:  # fmt: skip
    results = [value(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(
        nodes, "control", inputs, results,
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])


def same(tmp_path: Path, model: onnx.ModelProto, inputs: dict[str, Array]) -> None:
    """Assert that the compiler's graph makes what the reference makes."""
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    source = import_onnx(path, {})
    graph = lower(source, source.contract, allow_float=True)
    held = {n: a.astype(np.int32) if a.dtype.kind in "biu" else a for n, a in inputs.items()}
    found = evaluate_graph(graph, held)
    wishes = cast(list[Array], ReferenceEvaluator(model).run(None, dict(inputs)))
    for name, wish in zip(graph.outputs, wishes, strict=True):
        assert found[name].shape == wish.shape
        np.testing.assert_allclose(found[name], wish, rtol=1e-5, atol=1e-6)


def reals(seed: int, shape: tuple[int, ...] = SHAPE) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@drawn
@given(st.integers(1, 5), st.integers(0, 5), st.integers(0, 99))
def test_loops_run_as_often_as_they_say(
    tmp_path_factory: pytest.TempPathFactory, trips: int, last: int, seed: int
) -> None:
    body = helper.make_graph(
        [
            helper.make_node("Less", ["i", "last"], ["goes"]),
            helper.make_node("Cast", ["i"], ["number"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["old", "outside"], ["scaled"]),
            helper.make_node("Add", ["scaled", "number"], ["new"]),
            helper.make_node("Abs", ["new"], ["total"]),
        ],
        "body",
        [value("i", TensorProto.INT64, ()), value("go", TensorProto.BOOL, ()), value("old")],
        [value("goes", TensorProto.BOOL, ()), value("new"), value("total")],
    )
    loop = helper.make_node("Loop", ["n", "yes", "x"], ["y", "totals"], body=body)
    constants: dict[str, Array] = {
        "n": np.array(trips), "last": np.array(last), "yes": np.array(True), "outside": reals(seed),
    }  # fmt: skip
    model = model_of([loop], [value("x")], ["y", "totals"], constants)
    x, rows, count = reals(seed + 1), [], 0
    path = tmp_path_factory.mktemp("loop") / "model.onnx"
    onnx.save(model, path)
    graph = import_onnx(path, {})
    found = evaluate_graph(graph, {"x": x})
    while count < trips:
        x = x * constants["outside"] + np.float32(count)
        rows.append(np.abs(x))
        count += 1
        if not count - 1 < last:
            break
    np.testing.assert_allclose(found[graph.outputs[0]], x, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[graph.outputs[1]], np.stack(rows), rtol=1e-5, atol=1e-6)


@drawn
@given(st.booleans(), st.booleans(), st.integers(0, 1), st.integers(0, 99))
def test_scans_go_along_any_axis_either_way(
    tmp_path_factory: pytest.TempPathFactory, backward: bool, turned: bool, axis: int, seed: int
) -> None:
    rest = (SHAPE[1 - axis],)
    body = helper.make_graph(
        [
            helper.make_node("Add", ["sum", "row"], ["next"]),
            helper.make_node("Identity", ["next"], ["seen"]),
        ],
        "body",
        [value("sum", shape=rest), value("row", shape=rest)],
        [value("next", shape=rest), value("seen", shape=rest)],
    )
    scan = helper.make_node(
        "Scan", ["start", "x"], ["end", "all"], body=body, num_scan_inputs=1,
        scan_input_axes=[axis], scan_input_directions=[int(backward)],
        scan_output_axes=[axis], scan_output_directions=[int(turned)],
    )  # fmt: skip
    given = [value("start", shape=rest), value("x")]
    model = model_of([scan], given, ["end", "all"], {})
    inputs = {"start": reals(seed, rest), "x": reals(seed + 1)}
    path = tmp_path_factory.mktemp("scan")
    rows = np.moveaxis(inputs["x"], axis, 0)[:: -1 if backward else 1]
    sums = inputs["start"] + np.cumsum(rows, 0, dtype=np.float32)
    onnx.save(model, path / "model.onnx")
    graph = import_onnx(path / "model.onnx", {})
    found = evaluate_graph(graph, inputs)
    wish = np.moveaxis(sums[:: -1 if turned else 1], 0, axis)
    np.testing.assert_allclose(found[graph.outputs[0]], sums[-1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[graph.outputs[1]], wish, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("condition", [False, True])
@pytest.mark.parametrize("is_known", [False, True])
def test_a_choice_takes_the_right_branch(tmp_path: Path, condition: bool, is_known: bool) -> None:
    branches = {
        name: helper.make_graph(
            [helper.make_node(kind, ["x"], [f"{name}_y"])], name, [], [value(f"{name}_y")]
        )
        for name, kind in (("then_branch", "Relu"), ("else_branch", "Neg"))
    }
    node = helper.make_node("If", ["c"], ["y"], **branches)
    constants: dict[str, Array] = {"c": np.array(condition)} if is_known else {}
    given = [value("x")] if is_known else [value("x"), value("c", TensorProto.BOOL, ())]
    inputs = {"x": reals(1)} | ({} if is_known else {"c": np.array(condition)})
    same(tmp_path, model_of([node], given, ["y"], constants), inputs)


@drawn
@given(st.sampled_from(("tensor", "channel", "block")), st.sampled_from(("uint16", "int8")),
       st.booleans(), st.integers(0, 99))  # fmt: skip
def test_quantisation_is_computed_as_the_file_says(
    tmp_path_factory: pytest.TempPathFactory, kind: str, dtype: str, is_known: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    shape = {"tensor": (), "channel": (6,), "block": (4, 2)}[kind]
    attributes = {"tensor": {}, "channel": {"axis": 1}, "block": {"axis": 1, "block_size": 3}}[kind]
    scale = rng.uniform(0.01, 0.1, shape).astype(np.float32)
    zero = rng.integers(0, 9, shape).astype(dtype)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], **attributes),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], **attributes),
    ]
    constants: dict[str, Array] = {"z": zero} | ({"s": scale} if is_known else {})
    given = [value("x", shape=(4, 6))]
    given += [] if is_known else [value("s", shape=shape)]
    inputs = {"x": reals(seed, (4, 6)) * 4} | ({} if is_known else {"s": scale})
    same(tmp_path_factory.mktemp("q"), model_of(nodes, given, ["y"], constants), inputs)


def test_weights_with_scales_per_block_are_real_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    weights = rng.integers(-8, 8, (4, 8)).astype(np.int8)
    constants: dict[str, Array] = {
        "w": weights, "s": rng.uniform(0.1, 1, (4, 2)).astype(np.float32),
        "z": rng.integers(-3, 3, (4, 2)).astype(np.int8),
    }  # fmt: skip
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s", "z"], ["r"], axis=1, block_size=4),
        helper.make_node("Gemm", ["x", "r"], ["y"], transB=1),
    ]
    model = model_of(nodes, [value("x", shape=(2, 8))], ["y"], constants)
    same(tmp_path, model, {"x": reals(3, (2, 8))})
