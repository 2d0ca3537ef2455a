"""Files that cannot be compiled: the message says where, what, and what to do."""

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnx_models import Model, compiled, random_integers, saved
from tilewright.errors import (
    CompileError,
    ModelError,
    OptionError,
    QuantisationError,
    UnsupportedError,
)
from tilewright.frontend.onnx_import import import_onnx
from tilewright.pipeline import import_graph

FLOAT = {"y": np.float32}


def message(folder: Path, proto: onnx.ModelProto, error: type[CompileError], **shapes) -> str:
    with pytest.raises(error) as caught:
        import_onnx(saved(folder, proto), shapes)
    return str(caught.value)


def relu(shape) -> Model:
    model = Model()
    model.node("Relu", (model.input("x", shape),), "y")
    return model


def test_unknown_operators_are_listed_all_at_once(tmp_path: Path):
    model = Model()
    a = model.node("NonZero", (model.input("x", (2,)),), "a")
    b = model.node("Relu", (a,), "b")
    model.node("StringNormalizer", (b,), "y")
    text = message(tmp_path, model.proto(FLOAT), UnsupportedError)
    assert text == (
        "model: 2 of 3 nodes have operators that are not supported (NonZero, StringNormalizer)\n"
        "  a (NonZero): makes a; no importer has this operator\n"
        "  y (StringNormalizer): makes y; no importer has this operator"
    )


def test_a_loop_whose_trips_are_counted_at_run_time_is_refused(tmp_path: Path):
    keep = helper.make_node("Identity", ["go"], ["goes"])
    step = helper.make_node("Relu", ["old"], ["new"])
    kinds = {"i": TensorProto.INT64, "go": TensorProto.BOOL, "old": TensorProto.FLOAT}
    inputs = [helper.make_tensor_value_info(n, t, ()) for n, t in kinds.items()]
    outputs = [
        helper.make_tensor_value_info("goes", TensorProto.BOOL, ()),
        helper.make_tensor_value_info("new", TensorProto.FLOAT, (1,)),
    ]
    body = helper.make_graph([keep, step], "body", inputs, outputs)
    model = Model()
    inputs = (model.input("n", (), np.int64), "", model.input("x", (1,)))
    model.node("Loop", inputs, "y", body=body)
    text = message(tmp_path, model.proto(FLOAT), UnsupportedError)
    assert text == (
        "y (Loop): trip count n: computed at run time; only a constant is supported here"
    )


def test_a_file_that_is_no_onnx(tmp_path: Path):
    path = tmp_path / "notes.onnx"
    path.write_bytes(b"these are not the weights you are looking for")
    with pytest.raises(ModelError, match=r"notes\.onnx: is no ONNX file, or is damaged"):
        import_onnx(path, {})


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(ModelError, match=r"gone\.onnx: cannot be read: No such file"):
        import_onnx(tmp_path / "gone.onnx", {})


@pytest.mark.parametrize("content", [b"", b"\x08\x08"], ids=["empty", "no graph"])
def test_a_file_without_a_graph(tmp_path: Path, content: bytes):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="holds no ONNX graph"):
        import_onnx(path, {})


def test_missing_external_data(tmp_path: Path):
    model = Model()
    w = model.constant("w", np.ones((64, 64), np.float32))
    model.node("MatMul", (model.input("x", (1, 64)), w), "y")
    path = tmp_path / "model.onnx"
    onnx.save(model.proto(FLOAT), path, save_as_external_data=True, location="w.bin")
    (tmp_path / "w.bin").unlink()
    with pytest.raises(ModelError, match="external data cannot be read"):
        import_onnx(path, {})


@pytest.mark.parametrize("opset", [0, 99])
def test_opsets_outside_the_supported_ones(tmp_path: Path, opset: int):
    proto = relu((1, 2)).proto(FLOAT)
    proto.opset_import[0].version = opset
    text = message(tmp_path, proto, UnsupportedError)
    assert text.startswith(f"model.onnx: uses ONNX opset {opset}; 7 to 28 are supported")


def test_cycles(tmp_path: Path):
    model = Model()
    model.node("Add", (model.input("x", (2,)), "b"), "a")
    model.node("Relu", ("a",), "b")
    model.node("Relu", ("b",), "y")
    text = message(tmp_path, model.proto(FLOAT), ModelError)
    assert text == "model: a (Add) reads b, which depends on its own output (a cycle)"


def test_tensors_that_nothing_makes(tmp_path: Path):
    model = Model()
    model.node("Add", (model.input("x", (2,)), "gone"), "y")
    text = message(tmp_path, model.proto(FLOAT), ModelError)
    assert text == "model: y (Add) reads gone, which nothing in the file makes"


def test_open_dimensions_name_the_option(tmp_path: Path):
    text = message(tmp_path, relu(("N", 3, "H", "W")).proto(FLOAT), ModelError)
    assert text == (
        "input x: its shape Nx3xHxW is not fixed\n"
        "  try      --input-shape x=1,3,?,? with a number for each ?"
    )


def test_open_dimensions_can_be_given(tmp_path: Path):
    path = saved(tmp_path, relu(("N", 3, "H", "W")).proto(FLOAT))
    graph = import_onnx(path, {"x": (2, 3, 8, 9)})
    assert graph.type(graph.outputs[0]).shape == (2, 3, 8, 9)


@pytest.mark.parametrize("shape", [(1, 4, 8, 8), (1, 3, 8), (1, 3, 0, 8)])
def test_given_shapes_must_fit(tmp_path: Path, shape):
    text = message(tmp_path, relu(("N", 3, "H", "W")).proto(FLOAT), OptionError, x=shape)
    given = ",".join(map(str, shape))
    assert text == f"--input-shape x={given}: does not fit x, which the file gives as Nx3xHxW"


def test_given_shapes_must_name_an_input(tmp_path: Path):
    text = message(tmp_path, relu((1, 3)).proto(FLOAT), OptionError, image=(1, 3))
    assert text == "--input-shape image: the network's inputs are x"


def test_weights_that_are_computed(tmp_path: Path):
    model = Model()
    w = model.input("w", (4, 4, 1))
    model.node("Conv", (model.input("x", (1, 4, 5)), w), "y")
    text = message(tmp_path, model.proto(FLOAT), UnsupportedError)
    assert text == ("y (Conv): weights w: computed at run time; only a constant is supported here")


def test_products_that_int32_cannot_sum(tmp_path: Path):
    model = Model()
    a = model.dequantise(model.input("a", (1, 40000), np.int8), 0.1, -128, np.int8)
    b = model.dequantise(model.input("b", (40000, 1), np.int8), 0.1, 127, np.int8)
    model.quantise(model.node("MatMul", (a, b), "real"), 0.1, 0, np.int8, "y")
    with pytest.raises(QuantisationError, match=r"sums of 40000 products can reach 2601000000"):
        compiled(saved(tmp_path, model.proto({"y": np.int8})))


def test_products_on_a_scale_that_is_too_fine(tmp_path: Path):
    model = Model()
    a = model.dequantise(model.input("a", (2, 4), np.int8), 1e4, 0, np.int8)
    b = model.dequantise(model.input("b", (4, 3), np.int8), 1e4, 0, np.int8)
    model.quantise(model.node("MatMul", (a, b), "real"), 1e-4, 0, np.int8, "y")
    with pytest.raises(QuantisationError, match="the scale of y is too small by far"):
        compiled(saved(tmp_path, model.proto({"y": np.int8})))


def test_shapes_that_contradict_each_other(tmp_path: Path):
    model = Model()
    w = model.constant("w", np.ones((4, 3, 3, 3), np.float32))
    model.node("Conv", (model.input("x", (1, 2, 8, 8)), w), "y")
    text = message(tmp_path, model.proto(FLOAT), ModelError)
    assert text == "y (Conv): x has 2 channels, the weights [4, 3, 3, 3] in 1 groups"


def test_operands_that_do_not_broadcast(tmp_path: Path):
    model = Model()
    model.node("Add", (model.input("a", (2, 3)), model.input("b", (2, 4))), "y")
    text = message(tmp_path, model.proto(FLOAT), ModelError)
    assert text == "y (Add): makes y: f32[2x3] and f32[2x4] do not broadcast"


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan])
def test_unusable_scales(tmp_path: Path, scale: float):
    model = Model()
    x = model.dequantise(model.input("x", (4,), np.int8), scale, 0, np.int8)
    model.node("Relu", (x,), "y")
    text = message(tmp_path, model.proto(FLOAT), QuantisationError)
    assert re.search(r"x\.real \(DequantizeLinear\): scale .* is not a finite positive", text)


def test_two_readers_that_disagree(tmp_path: Path):
    model = Model()
    x = model.input("x", (4,), np.int8)
    for i, scale in enumerate((0.1, 0.2)):
        parameters = model.scale(f"s{i}", scale, 0, np.int8)
        model.node("DequantizeLinear", (x, *parameters), f"r{i}")
    model.node("Add", ("r0", "r1"), "y")
    text = message(tmp_path, model.proto(FLOAT), QuantisationError)
    assert text == (
        "r1 (DequantizeLinear): tensor x has scale 0.2 zero 0 (s8) here, but scale 0.1 zero 0 (s8) "
        "at another node"
    )


def test_arithmetic_on_stored_integers(tmp_path: Path):
    model = Model()
    x = model.input("x", (4,), np.int8)
    model.dequantise(x, 0.1, 0, np.int8)
    model.node("Relu", (x,), "y")
    text = message(tmp_path, model.proto({"y": np.int8}), UnsupportedError)
    assert text.startswith("y (Relu): computes with the stored integers of x; a DequantizeLinear")


def test_incomplete_patterns_name_the_tensor_that_lacks_a_pair(tmp_path: Path):
    model = Model()
    x = model.dequantise(model.input("x", (2, 10), np.int8), 0.02, 5, np.int8)
    model.constant("w", random_integers(4, (10, 6), np.int8))
    hidden = model.node("MatMul", (x, model.dequantise("w", 0.01, 0, np.int8)), "hidden")
    model.node("Softmax", (hidden,), "y")
    path = saved(tmp_path, model.proto(FLOAT))
    with pytest.raises(QuantisationError) as caught:
        compiled(path)
    assert str(caught.value) == (
        "hidden (Dense): x is quantised, but hidden is not\n"
        "  try      quantise hidden (a QuantizeLinear/DequantizeLinear pair), or keep this "
        "operator in float32 (without --no-float)"
    )


def test_element_types_that_nothing_here_computes_with(tmp_path: Path):
    proto = relu((1, 2)).proto(FLOAT)
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.COMPLEX64
    text = message(tmp_path, proto, UnsupportedError)
    assert text == ("input x: is complex64; reals, integers and bool are known")


def test_a_tensor_beyond_any_microcontroller_is_refused_at_once(tmp_path: Path):
    path = saved(tmp_path, relu((1 << 16, 1 << 9)).proto(FLOAT))
    with pytest.raises(ModelError, match=r"x is f32\[65536x512\], 33,554,432 elements; tensors"):
        import_graph(path)
