"""The same operator as different tools write it: QOperator nodes, 4-bit weights, folded shapes."""

from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnx import TensorProto, helper

from onnx_models import Model, assert_close, both, compiled, random_integers, saved
from tilewright.frontend.onnx_import import import_onnx
from tilewright.ir.graph import Contract
from tilewright.ops.conv2d import DepthwiseConv2d
from tilewright.ops.dense import Dense, QDense
from tilewright.ops.elementwise import Mul
from tilewright.ops.lut import Lut

TYPES = pytest.mark.parametrize("dtype", [np.int8, np.uint8], ids=["s8", "u8"])
MIDDLE = {np.int8: 3, np.uint8: 131}


def check(folder: Path, model: Model, dtype, seed: int = 0) -> None:
    inputs = {
        name: random_integers(seed + i, tuple(shape), kind)
        for i, (name, (kind, shape)) in enumerate(model.inputs.items())
    }
    assert_close(both(folder, model.proto({"y": dtype}), inputs))


@TYPES
@pytest.mark.parametrize("is_per_channel", [False, True], ids=["per_tensor", "per_channel"])
@pytest.mark.parametrize("has_bias", [False, True], ids=["no_bias", "bias"])
def test_qlinearconv(tmp_path: Path, dtype, is_per_channel: bool, has_bias: bool):
    model = Model()
    x = (model.input("x", (1, 4, 7, 6), dtype), *model.scale("x", 0.03, MIDDLE[dtype], dtype))
    w_scale = np.linspace(0.01, 0.04, 6) if is_per_channel else 0.02
    w_zero = np.zeros(6 if is_per_channel else (), np.int8)
    w = (
        model.constant("w", random_integers(1, (6, 4, 3, 3), np.int8)),
        *model.scale("w", w_scale, w_zero, np.int8),
    )
    inputs = [*x, *w, *model.scale("y", 0.25, MIDDLE[dtype] - 5, dtype)]
    if has_bias:
        rng = np.random.default_rng(2)
        inputs.append(model.constant("b", rng.integers(-900, 900, 6).astype(np.int32)))
    model.node("QLinearConv", inputs, "y", pads=[1, 1, 1, 1], strides=[2, 1])
    check(tmp_path, model, dtype)


@TYPES
def test_qlinearmatmul(tmp_path: Path, dtype):
    model = Model()
    x = (model.input("x", (3, 20), dtype), *model.scale("x", 0.03, MIDDLE[dtype], dtype))
    w = (model.constant("w", random_integers(1, (20, 6), dtype)),
         *model.scale("w", 0.02, MIDDLE[dtype] - 2, dtype))  # fmt: skip
    model.node("QLinearMatMul", [*x, *w, *model.scale("y", 0.3, MIDDLE[dtype], dtype)], "y")
    check(tmp_path, model, dtype)


@TYPES
def test_qlinearmatmul_of_two_activations(tmp_path: Path, dtype):
    model = Model()
    a = (model.input("a", (2, 3, 20), dtype), *model.scale("a", 0.03, MIDDLE[dtype], dtype))
    b = (model.input("b", (2, 20, 6), dtype), *model.scale("b", 0.02, MIDDLE[dtype] - 2, dtype))
    model.node("QLinearMatMul", [*a, *b, *model.scale("y", 0.3, MIDDLE[dtype], dtype)], "y")
    check(tmp_path, model, dtype)


@TYPES
def test_qlinearmatmul_with_a_constant_on_the_left(tmp_path: Path, dtype):
    model = Model()
    a = (model.constant("a", random_integers(1, (3, 20), dtype)),
         *model.scale("a", 0.03, MIDDLE[dtype], dtype))  # fmt: skip
    b = (model.input("b", (2, 20, 6), dtype), *model.scale("b", 0.02, MIDDLE[dtype] - 2, dtype))
    model.node("QLinearMatMul", [*a, *b, *model.scale("y", 0.3, MIDDLE[dtype], dtype)], "y")
    check(tmp_path, model, dtype)


@TYPES
def test_qgemm(tmp_path: Path, dtype):
    model = Model()
    x = (model.input("x", (3, 20), dtype), *model.scale("x", 0.03, MIDDLE[dtype], dtype))
    w = (model.constant("w", random_integers(1, (6, 20), np.int8)),
         *model.scale("w", np.linspace(0.01, 0.05, 6), np.zeros(6), np.int8))  # fmt: skip
    bias = model.constant("b", np.arange(-3000, 3000, 1000).astype(np.int32))
    y = model.scale("y", 0.3, MIDDLE[dtype], dtype)
    model.node("QGemm", [*x, *w, bias, *y], "y", transB=1, alpha=1.0)
    check(tmp_path, model, dtype)


@TYPES
@pytest.mark.parametrize("kind", ["QLinearAdd", "QLinearMul"])
def test_qlinear_arithmetic(tmp_path: Path, dtype, kind: str):
    model = Model()
    a = (model.input("a", (2, 3, 4), dtype), *model.scale("a", 0.03, MIDDLE[dtype], dtype))
    b = (model.input("b", (2, 3, 4), dtype), *model.scale("b", 0.05, MIDDLE[dtype] + 9, dtype))
    model.node(kind, [*a, *b, *model.scale("y", 0.07, MIDDLE[dtype], dtype)], "y")
    check(tmp_path, model, dtype)


@TYPES
@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("QLinearAveragePool", {"kernel_shape": [3, 2], "pads": [1, 1, 1, 0]}),
        ("QLinearAveragePool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("QLinearGlobalAveragePool", {}),
        ("QLinearSigmoid", {}),
        ("QLinearLeakyRelu", {"alpha": 0.3}),
        ("QLinearSoftmax", {"axis": -1, "opset": 13}),
        ("QLinearSoftmax", {"axis": 1, "opset": 11}),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_qlinear_of_one_input(tmp_path: Path, dtype, kind: str, attributes: dict):
    model = Model()
    x = (model.input("x", (1, 5, 6, 7), dtype), *model.scale("x", 0.03, MIDDLE[dtype], dtype))
    y = model.scale("y", 1 / 256 if "S" in kind[7:] else 0.04, np.iinfo(dtype).min, dtype)
    if "Softmax" in kind and attributes["opset"] == 11:
        y = model.scale("y", 1 / 2000, np.iinfo(dtype).min, dtype)
    model.node(kind, [*x, *y], "y", **attributes)
    check(tmp_path, model, dtype)


@TYPES
def test_qlinearconcat_rescales_its_inputs(tmp_path: Path, dtype):
    model = Model()
    a = (model.input("a", (2, 3, 4), dtype), *model.scale("a", 0.03, MIDDLE[dtype], dtype))
    b = (model.input("b", (2, 2, 4), dtype), *model.scale("b", 0.05, MIDDLE[dtype] + 9, dtype))
    model.node(
        "QLinearConcat", [*model.scale("y", 0.05, MIDDLE[dtype], dtype), *a, *b], "y", axis=1
    )
    check(tmp_path, model, dtype)


@TYPES
def test_stored_integers_pass_through_movements(tmp_path: Path, dtype):
    """QOperator files reshape and pool uint8 tensors with no Q or DQ around."""
    model = Model()
    x = (model.input("x", (1, 4, 6, 6), dtype), *model.scale("x", 0.03, MIDDLE[dtype], dtype))
    y = model.scale("p", 0.04, MIDDLE[dtype], dtype)
    pooled = model.node("QLinearAveragePool", [*x, *y], "p", kernel_shape=[2, 2], strides=[2, 2])
    largest = model.node("MaxPool", [pooled], "m", kernel_shape=[3, 3])
    model.node("Reshape", [largest, model.constant("shape", np.array([1, -1]))], "y")
    check(tmp_path, model, dtype)


@pytest.mark.parametrize("element", [TensorProto.INT4, TensorProto.UINT4], ids=["int4", "uint4"])
def test_four_bit_weights_are_unpacked(tmp_path: Path, element: int):
    low = -8 if element == TensorProto.INT4 else 0
    rng = np.random.default_rng(3)
    stored = rng.integers(low, low + 16, (6, 10))
    zero = 0 if low else 7
    model = Model(opset=21)
    x = model.dequantise(model.input("x", (2, 10), np.int8), 0.02, 5, np.int8)
    scale = model.constant("w.scale", np.float32(0.1))
    w = model.node("DequantizeLinear", ("w", scale, "w.zero"), "w.real")
    real = model.node("Gemm", (x, w), "y.real", transB=1)
    model.quantise(real, 0.2, -3, np.int8, "y")
    proto = model.proto({"y": np.int8})
    proto.graph.initializer.append(helper.make_tensor("w", element, (6, 10), stored.ravel()))
    proto.graph.initializer.append(helper.make_tensor("w.zero", element, (), [zero]))
    proto.ir_version = 10
    inputs = {"x": random_integers(1, (2, 10), np.int8)}
    assert_close(both(tmp_path, proto, inputs))


def test_uint8_weights_become_int8_with_a_zero_point(tmp_path: Path):
    model = Model()
    x = model.dequantise(model.input("x", (2, 10), np.uint8), 0.02, 120, np.uint8)
    model.constant("w", random_integers(4, (10, 6), np.uint8))
    w = model.dequantise("w", 0.01, 140, np.uint8)
    model.quantise(model.node("MatMul", (x, w), "y.real"), 0.05, 100, np.uint8, "y")
    check(tmp_path, model, np.uint8)
    (node,) = (n for n in compiled(tmp_path / "model.onnx").nodes if isinstance(n.op, QDense))
    assert node.op.w_zero == 12


def test_weights_may_be_reshaped_after_their_dequantisation(tmp_path: Path):
    model = Model()
    x = model.dequantise(model.input("x", (2, 10), np.int8), 0.02, 5, np.int8)
    model.constant("w", random_integers(4, (6, 10, 1), np.int8))
    column = model.dequantise("w", 0.01, 0, np.int8)
    flat = model.node("Squeeze", (column, model.constant("axes", np.array([2]))), "flat")
    w = model.node("Transpose", (flat,), "turned", perm=[1, 0])
    model.quantise(model.node("MatMul", (x, w), "y.real"), 0.05, 0, np.int8, "y")
    check(tmp_path, model, np.int8)


def test_matmul_then_add_is_a_dense_layer_with_bias(tmp_path: Path):
    model = Model()
    x = model.dequantise(model.input("x", (2, 10), np.int8), 0.02, 5, np.int8)
    model.constant("w", random_integers(4, (10, 6), np.int8))
    w = model.dequantise("w", 0.01, 0, np.int8)
    product = model.node("MatMul", (x, w), "product")
    bias = model.constant("b", np.linspace(-1, 1, 6).astype(np.float32))
    total = model.node("Add", (product, bias), "total")
    model.quantise(model.node("Relu", (total,), "y.real"), 0.05, -128, np.int8, "y")
    check(tmp_path, model, np.int8)
    assert [type(n.op) for n in compiled(tmp_path / "model.onnx").nodes] == [QDense]


def test_a_change_of_scale_is_one_table(tmp_path: Path):
    model = Model()
    x = model.dequantise(model.input("x", (256,), np.int8), 0.02, 5, np.int8)
    model.quantise(x, 0.03, -7, np.int8, "y")
    inputs = {"x": np.arange(-128, 128).astype(np.int8)}
    ((ours, reference),) = both(tmp_path, model.proto({"y": np.int8}), inputs)
    assert np.array_equal(ours, reference)
    assert [type(n.op) for n in compiled(tmp_path / "model.onnx").nodes] == [Lut]


def test_a_pair_with_equal_scales_leaves_no_trace(tmp_path: Path):
    model = Model()
    x = model.dequantise(model.input("x", (2, 10), np.int8), 0.02, 5, np.int8)
    model.quantise(x, 0.02, 5, np.int8, "q")
    again = model.dequantise("q", 0.02, 5, np.int8)
    model.constant("w", random_integers(4, (10, 6), np.int8))
    product = model.node("MatMul", (again, model.dequantise("w", 0.01, 0, np.int8)), "y.real")
    model.quantise(product, 0.05, 0, np.int8, "y")
    check(tmp_path, model, np.int8)
    graph = import_onnx(tmp_path / "model.onnx", {})
    assert [type(n.op) for n in graph.nodes] == [Dense]


def test_every_reader_may_have_a_pair_of_its_own(tmp_path: Path):
    """ONNX Runtime's quantiser writes this with DedicatedQDQPair."""
    model = Model()
    x = model.dequantise(model.input("x", (2, 10), np.int8), 0.02, 5, np.int8)
    model.constant("w", random_integers(4, (10, 6), np.int8))
    hidden = model.node("MatMul", (x, model.dequantise("w", 0.01, 0, np.int8)), "hidden")
    sides = []
    for i in range(2):
        model.quantise(hidden, 0.04, -3, np.int8, f"q{i}")
        sides.append(model.dequantise(f"q{i}", 0.04, -3, np.int8))
    total = model.node("Mul", sides, "y.real")
    model.quantise(total, 0.1, 0, np.int8, "y")
    check(tmp_path, model, np.int8)
    assert [type(n.op) for n in import_onnx(tmp_path / "model.onnx", {}).nodes] == [Dense, Mul]


def test_movements_without_parameters_take_their_neighbours(tmp_path: Path):
    """Some exporters put Q and DQ around layers only: the Flatten between has none of its own."""
    model = Model()
    x = model.dequantise(model.input("x", (1, 3, 5, 5), np.int8), 0.02, 5, np.int8)
    pooled = model.node("MaxPool", (x,), "pooled", kernel_shape=[2, 2], strides=[2, 2])
    flat = model.node("Flatten", (pooled,), "flat")
    model.constant("w", random_integers(4, (12, 6), np.int8))
    product = model.node("MatMul", (flat, model.dequantise("w", 0.01, 0, np.int8)), "product")
    shape = model.constant("shape", np.array([2, 3]))
    model.quantise(model.node("Reshape", (product, shape), "y.real"), 0.05, 0, np.int8, "y")
    check(tmp_path, model, np.int8)


def test_shape_arithmetic_of_exporters_is_folded(tmp_path: Path):
    """x.view(x.size(0), -1), as PyTorch writes it."""
    model = Model()
    x = model.input("x", (2, 3, 4))
    shape = model.node("Shape", (x,), "shape")
    first = model.node("Gather", (shape, model.constant("zero", np.array(0))), "first", axis=0)
    row = model.node("Unsqueeze", (first, model.constant("axes", np.array([0]))), "row")
    rest = model.constant("rest", np.array([-1]))
    wish = model.node("Concat", (row, rest), "wish", axis=0)
    model.node("Reshape", (x, wish), "y")
    graph = import_onnx(saved(tmp_path, model.proto({"y": np.float32})), {})
    assert graph.type(graph.outputs[0]).shape == (2, 12)


def test_depthwise_with_a_multiplier_keeps_its_channel_order(tmp_path: Path):
    model = Model()
    x = model.input("x", (1, 3, 5, 5))
    rng = np.random.default_rng(5)
    w = model.constant("w", rng.standard_normal((6, 1, 3, 3)).astype(np.float32))
    model.node("Conv", (x, w), "y", group=3)
    inputs = {"x": rng.standard_normal((1, 3, 5, 5)).astype(np.float32)}
    assert_close(both(tmp_path, model.proto({"y": np.float32}), inputs))
    graph = import_onnx(tmp_path / "model.onnx", {})
    assert any(isinstance(n.op, DepthwiseConv2d) for n in graph.nodes)


def test_unquantised_layers_stay_in_float(tmp_path: Path):
    """A float layer before the first Q needs no permission: nothing asks it to be integer."""
    rng = np.random.default_rng(6)
    model = Model()
    x = model.input("x", (2, 10))
    first = model.constant("w0", rng.standard_normal((10, 8)).astype(np.float32))
    hidden = model.node("Relu", (model.node("MatMul", (x, first), "t0"),), "t1")
    model.quantise(hidden, 0.03, -128, np.int8, "q")
    again = model.dequantise("q", 0.03, -128, np.int8)
    model.constant("w", random_integers(4, (8, 6), np.int8))
    product = model.node("MatMul", (again, model.dequantise("w", 0.01, 0, np.int8)), "y.real")
    model.quantise(product, 0.05, 0, np.int8, "q2")
    model.dequantise("q2", 0.05, 0, np.int8)
    inputs = {"x": rng.standard_normal((2, 10)).astype(np.float32)}
    ((ours, reference),) = both(tmp_path, model.proto({"q2.real": np.float32}), inputs)
    assert np.abs(ours - reference).max() <= 0.05 * 1.001
    assert compiled(tmp_path / "model.onnx").contract is Contract.ONNX


def test_incomplete_patterns_run_in_float_where_allowed(tmp_path: Path):
    model = Model()
    x = model.dequantise(model.input("x", (2, 10), np.int8), 0.02, 5, np.int8)
    model.node("Softmax", (x,), "y")
    inputs = {"x": random_integers(1, (2, 10), np.int8)}
    assert_close(both(tmp_path, model.proto({"y": np.float32}), inputs, allow_float=True))


def test_float32_may_be_asked_for(tmp_path: Path):
    model = Model()
    x = model.dequantise(model.input("x", (2, 10), np.int8), 0.02, 5, np.int8)
    model.constant("w", random_integers(4, (10, 6), np.int8))
    product = model.node("MatMul", (x, model.dequantise("w", 0.01, 0, np.int8)), "y.real")
    model.quantise(product, 0.05, 0, np.int8, "y")
    inputs = {"x": random_integers(1, (2, 10), np.int8)}
    pairs = both(tmp_path, model.proto({"y": np.int8}), inputs, contract=Contract.FLOAT32)
    assert_close(pairs)


def test_nodes_may_stand_in_any_order(tmp_path: Path):
    model = Model()
    x = model.input("x", (2, 3))
    model.node("Relu", ("t0",), "y")
    model.node("Sigmoid", (x,), "t0")
    graph = import_onnx(saved(tmp_path, model.proto({"y": np.float32})), {})
    assert [n.name for n in graph.nodes] == ["t0", "y"]


def test_external_data_is_read(tmp_path: Path):
    model = Model()
    w = model.constant("w", np.ones((64, 64), np.float32))
    model.node("MatMul", (model.input("x", (1, 64)), w), "y")
    path = tmp_path / "model.onnx"
    onnx.save(model.proto({"y": np.float32}), path, save_as_external_data=True, location="w.bin")
    assert import_onnx(path, {}).macs == 64 * 64
