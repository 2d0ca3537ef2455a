"""What the TFLite door makes of files: shapes, names, options, and messages for what is wrong."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from evaluate import evaluate_graph
from tflite_models import Operator, Tensor, build, constant, differences, lowered, schema
from tilewright.errors import (
    CompileError,
    ModelError,
    OptionError,
    QuantisationError,
    UnsupportedError,
)
from tilewright.frontend.tflite_control import CONTROL
from tilewright.frontend.tflite_file import OPERATOR_NAMES, TENSOR_TYPES
from tilewright.frontend.tflite_import import import_tflite
from tilewright.frontend.tflite_operators import OPERATORS
from tilewright.ir.graph import Contract, Graph
from tilewright.ir.types import Shape
from tilewright.ops.elementwise import Clip

RNG = np.random.default_rng(7)
Q = {"scales": (0.1,), "zeros": (3,)}
X = Tensor("x", "int8", (1, 6, 6, 4), **Q)
Y = Tensor("y", "int8", (1, 6, 6, 4), **Q)
RELU = Operator("RELU", ["x"], "y")


def imported(model: bytes, folder: Path, shapes: Mapping[str, Shape] | None = None) -> Graph:
    path = folder / "net.tflite"
    path.write_bytes(model)
    return import_tflite(path, shapes or {})


def refusal(kind: type[CompileError], model: bytes, folder: Path, **options: object) -> str:
    """The message of the error that importing must end with."""
    with pytest.raises(kind) as caught:
        imported(model, folder, **options)
    return str(caught.value)


def small_network() -> bytes:
    """Convolution, pooling, reshape, fully connected and softmax; per-channel weights."""
    w = RNG.integers(-127, 128, (3, 3, 3, 4)).astype(np.int8)
    dense = RNG.integers(-127, 128, (5, 27)).astype(np.int8)
    tensors = [
        X,
        constant("w", w, (0.01, 0.02, 0.03)),
        constant("b", np.arange(3, dtype=np.int32), (0.001, 0.002, 0.003)),
        Tensor("conv", "int8", (1, 6, 6, 3), **Q),
        Tensor("pool", "int8", (1, 3, 3, 3), **Q),
        constant("shape", np.array([1, -1], np.int32)),
        Tensor("flat", "int8", (1, 27), **Q),
        constant("dense/w", dense, (0.02,)),
        Tensor("logits", "int8", (1, 5), **Q),
        Tensor("y", "int8", (1, 5), (1 / 256,), (-128,)),
    ]
    window = {"strideH": 1, "strideW": 1, "padding": 0}
    pool = {"strideH": 2, "strideW": 2, "padding": 1, "filterHeight": 2, "filterWidth": 2}
    operators = [
        Operator("CONV_2D", ["x", "w", "b"], "conv", "Conv2DOptions", window),
        Operator("AVERAGE_POOL_2D", ["conv"], "pool", "Pool2DOptions", pool),
        Operator("RESHAPE", ["pool", "shape"], "flat", "ReshapeOptions"),
        Operator("FULLY_CONNECTED", ["flat", "dense/w"], "logits", "FullyConnectedOptions"),
        Operator("SOFTMAX", ["logits"], "y", "SoftmaxOptions", {"beta": 1.0}),
    ]
    return build(tensors, operators, ["x"], ["y"])


def test_nodes_are_named_by_kind_and_place_and_values_by_tensor(tmp_path: Path) -> None:
    graph = imported(small_network(), tmp_path)
    assert [n.name for n in graph.nodes] == [
        "conv_2d_0", "average_pool_2d_1", "reshape_2", "fully_connected_3", "softmax_4",
    ]  # fmt: skip
    assert [n.output for n in graph.nodes] == ["conv", "pool", "flat", "logits", "y"]
    origin = graph.values[graph.nodes[0].output].origin
    assert origin is not None
    assert origin.name == "conv"
    assert (graph.name, graph.contract) == ("net", Contract.TFLITE)


def test_a_small_network_equals_litert(tmp_path: Path) -> None:
    model = small_network()
    x = RNG.integers(-128, 128, X.shape).astype(np.int8)
    assert differences(lowered(model, tmp_path), model, {"x": x}) == {}


def test_a_float_network_is_float32_throughout_and_close_to_litert(tmp_path: Path) -> None:
    def real(name: str, *shape: int) -> Tensor:
        return Tensor(name, "float32", shape)

    def weights(name: str, *shape: int) -> Tensor:
        return constant(name, RNG.standard_normal(shape).astype(np.float32))

    strided = {"strideH": 2, "strideW": 1, "padding": 0, "fusedActivationFunction": 3}
    depthwise = strided | {"depthMultiplier": 2, "fusedActivationFunction": 0}
    pool = {"strideH": 1, "strideW": 2, "padding": 0, "filterHeight": 3, "filterWidth": 2}
    operators = [
        Operator("CONV_2D", ["x", "w", "b"], "conv", "Conv2DOptions", strided),
        Operator("DEPTHWISE_CONV_2D", ["conv", "dw"], "depth", "DepthwiseConv2DOptions", depthwise),
        Operator("HARD_SWISH", ["depth"], "swish"),
        Operator("MAX_POOL_2D", ["swish"], "max", "Pool2DOptions", pool),
        Operator("AVERAGE_POOL_2D", ["max"], "avg", "Pool2DOptions", pool),
        Operator("TANH", ["avg"], "tanh"),
        Operator("ADD", ["avg", "tanh"], "sum", "AddOptions", {"fusedActivationFunction": 1}),
        Operator("MUL", ["sum", "factor"], "product", "MulOptions"),
        Operator("LEAKY_RELU", ["product"], "leaky", "LeakyReluOptions", {"alpha": 0.2}),
        Operator("MEAN", ["leaky", "axes"], "mean", "ReducerOptions"),
        Operator("FULLY_CONNECTED", ["mean", "fc"], "logits", "FullyConnectedOptions"),
        Operator("LOGISTIC", ["logits"], "gate"),
        Operator("SOFTMAX", ["gate"], "y", "SoftmaxOptions", {"beta": 2.0}),
    ]
    tensors = [
        real("x", 1, 7, 7, 3), weights("w", 4, 3, 3, 3), weights("b", 4), real("conv", 1, 4, 7, 4),
        weights("dw", 1, 3, 3, 8), real("depth", 1, 2, 7, 8), real("swish", 1, 2, 7, 8),
        real("max", 1, 2, 4, 8), real("avg", 1, 2, 2, 8), real("tanh", 1, 2, 2, 8),
        real("sum", 1, 2, 2, 8), weights("factor", 8), real("product", 1, 2, 2, 8),
        real("leaky", 1, 2, 2, 8), constant("axes", np.array([1, 2], np.int32)),
        real("mean", 1, 8), weights("fc", 5, 8), real("logits", 1, 5), real("gate", 1, 5),
        real("y", 1, 5),
    ]  # fmt: skip
    model = build(tensors, operators, ["x"], ["y"])
    graph = lowered(model, tmp_path)
    assert graph.contract is Contract.FLOAT32
    x = RNG.standard_normal((1, 7, 7, 3)).astype(np.float32)
    assert differences(graph, model, {"x": x}) == {}


def test_a_fused_clip_of_a_pooling_is_a_node_of_its_own(tmp_path: Path) -> None:
    fields = {"strideH": 1, "strideW": 1, "filterHeight": 1, "filterWidth": 1,
              "fusedActivationFunction": 3}  # fmt: skip
    operator = Operator("MAX_POOL_2D", ["x"], "y", "Pool2DOptions", fields)
    graph = imported(build([X, Y], [operator], ["x"], ["y"]), tmp_path)
    assert [n.name for n in graph.nodes] == ["max_pool_2d_0.unclipped", "max_pool_2d_0"]
    assert graph.nodes[1].op == Clip(0.0, 6.0)


def test_weights_stored_as_float16_become_float32(tmp_path: Path) -> None:
    half = RNG.standard_normal((5, 4)).astype(np.float16)
    tensors = [
        Tensor("x", "float32", (2, 4)), constant("half", half), Tensor("w", "float32", (5, 4)),
        Tensor("y", "float32", (2, 5)),
    ]  # fmt: skip
    operators = [
        Operator("DEQUANTIZE", ["half"], "w"),
        Operator("FULLY_CONNECTED", ["x", "w"], "y", "FullyConnectedOptions"),
    ]
    model = build(tensors, operators, ["x"], ["y"])
    x = RNG.standard_normal((2, 4)).astype(np.float32)
    assert differences(lowered(model, tmp_path), model, {"x": x}) == {}


def test_quantised_weights_of_a_float_layer_are_noted_and_dequantised(tmp_path: Path) -> None:
    w = RNG.integers(-127, 128, (5, 4)).astype(np.int8)
    tensors = [Tensor("x", "float32", (2, 4)), constant("w", w, (0.02,)),
               Tensor("y", "float32", (2, 5))]  # fmt: skip
    operator = Operator("FULLY_CONNECTED", ["x", "w"], "y", "FullyConnectedOptions")
    graph = lowered(build(tensors, [operator], ["x"], ["y"]), tmp_path)
    assert graph.contract is Contract.FLOAT32
    assert graph.notes == (
        "fully_connected_0: weights are int8, activations are not quantised; computed in float32",
    )
    x = RNG.standard_normal((2, 4)).astype(np.float32)
    y = evaluate_graph(graph, {"x": x})[graph.outputs[0]]
    assert np.allclose(y, x @ (w.astype(np.float32) * np.float32(0.02)).T, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_activations_of_other_integers_are_refused(dtype: str, tmp_path: Path) -> None:
    x, y = Tensor("x", dtype, (4,), **Q), Tensor("y", dtype, (4,), **Q)
    message = refusal(UnsupportedError, build([x, y], [RELU], ["x"], ["y"]), tmp_path)
    assert f"tensor x ({dtype}[4]): activations of type {dtype} are not supported" in message


def test_tensors_of_one_name_stay_apart(tmp_path: Path) -> None:
    middle, end = Tensor("a", "int8", X.shape, **Q), Tensor("b", "int8", X.shape, **Q)
    operators = [Operator("RELU", ["x"], "a"), Operator("RELU6", ["a"], "b")]
    model = build([X, middle, end], operators, ["x"], ["b"])
    # Renaming in place keeps every offset: both names have one letter.
    model = model.replace(b"\x01\x00\x00\x00b", b"\x01\x00\x00\x00a")
    graph = imported(model, tmp_path)
    assert sorted(graph.values) == ["a", "a#2", "x"]


def test_a_stored_shape_stands_for_an_unknown_batch(tmp_path: Path) -> None:
    x = Tensor("x", "int8", (1, 4), signature=(-1, 4), **Q)
    y = Tensor("y", "int8", (1, 4), signature=(-1, 4), **Q)
    graph = imported(build([x, y], [RELU], ["x"], ["y"]), tmp_path)
    assert graph.type(graph.outputs[0]).shape == (1, 4)


def test_a_given_input_shape_is_carried_through(tmp_path: Path) -> None:
    x = Tensor("x", "int8", (1, 4), signature=(-1, 4), **Q)
    y = Tensor("y", "int8", (1, 4), signature=(-1, 4), **Q)
    graph = imported(build([x, y], [RELU], ["x"], ["y"]), tmp_path, {"x": (3, 4)})
    assert graph.type(graph.outputs[0]).shape == (3, 4)


def test_an_open_dimension_asks_for_the_option_that_fixes_it(tmp_path: Path) -> None:
    x = Tensor("x", "int8", (-1, 96, 96, 3), **Q)
    model = build([x, Y], [RELU], ["x"], ["y"])
    message = refusal(ModelError, model, tmp_path)
    assert "input x has shape [-1, 96, 96, 3]; give it with --input-shape x=1,96,96,3" in message


def test_an_input_shape_that_contradicts_the_file_is_refused(tmp_path: Path) -> None:
    model = build([X, Y], [RELU], ["x"], ["y"])
    message = refusal(OptionError, model, tmp_path, shapes={"x": (1, 6, 6, 5)})
    assert "input x has shape [1, 6, 6, 4] in the file; --input-shape gave [1, 6, 6, 5]" in message
    message = refusal(OptionError, model, tmp_path, shapes={"z": (1,)})
    assert "has no input z; its inputs are x" in message


def test_all_unsupported_operators_are_listed_at_once(tmp_path: Path) -> None:
    y, z = Tensor("dense", "int8", X.shape, **Q), Tensor("magic", "int8", X.shape, **Q)
    operators = [
        Operator("DENSIFY", ["x"], "dense"),
        Operator("CUSTOM", ["dense"], "magic", custom="TFLite_Detection"),
    ]
    message = refusal(UnsupportedError, build([X, y, z], operators, ["x"], ["magic"]), tmp_path)
    assert message.splitlines() == [
        "net: 2 of 2 operators are not supported (CUSTOM TFLite_Detection, DENSIFY)",
        "  operator 0: DENSIFY, makes dense",
        "  operator 1: CUSTOM TFLite_Detection, makes magic",
    ]


def test_an_activation_without_a_scale_is_named(tmp_path: Path) -> None:
    bare = Tensor("bare", "int8", X.shape)
    message = refusal(QuantisationError, build([bare, Y], [
        Operator("RELU", ["bare"], "y")], ["bare"], ["y"]), tmp_path)  # fmt: skip
    assert re.search(r"tensor bare \(int8\[1x6x6x4\]\): has no scale", message)


@pytest.mark.parametrize(
    ("scales", "zeros", "expected"),
    [
        ((0.0,), (0,), "scale 0.0 is not a positive number"),
        ((float("nan"),), (0,), "scale nan is not a positive number"),
        ((0.1,), (200,), "zero point 200 is outside -128 to 127"),
        ((0.1, 0.2), (0, 0), "2 scales along axis 0, which has 1 elements"),
        ((0.1, 0.2), (0, 0, 0), "has 2 scales and 3 zero points"),
    ],
)
def test_unusable_scales_are_named(
    scales: tuple[float, ...], zeros: tuple[int, ...], expected: str, tmp_path: Path
) -> None:
    y = Tensor("y", "int8", X.shape, scales, zeros)
    assert expected in refusal(CompileError, build([X, y], [RELU], ["x"], ["y"]), tmp_path)


def test_a_shape_that_contradicts_the_operator_is_named(tmp_path: Path) -> None:
    y = Tensor("y", "int8", (1, 6, 6, 5), **Q)
    message = refusal(ModelError, build([X, y], [RELU], ["x"], ["y"]), tmp_path)
    assert (
        "net: operator 0 (makes y): its inputs make a result of shape [1, 6, 6, 4], the file says "
        "[1, 6, 6, 5]" in message
    )


def test_a_constant_of_the_wrong_size_is_named(tmp_path: Path) -> None:
    short = Tensor("w", "int8", (5, 4), (0.1,), (0,), data=np.zeros(19, np.int8))
    x, y = Tensor("x", "int8", (1, 4), **Q), Tensor("y", "int8", (1, 5), **Q)
    operator = Operator("FULLY_CONNECTED", ["x", "w"], "y", "FullyConnectedOptions")
    message = refusal(ModelError, build([x, short, y], [operator], ["x"], ["y"]), tmp_path)
    assert "tensor w (int8[5x4]): its buffer holds 19 bytes, shape and type ask for 20" in message


def test_weights_computed_at_run_time_are_refused(tmp_path: Path) -> None:
    x, w = Tensor("x", "int8", (1, 4), **Q), Tensor("w", "int8", (5, 4), (0.1,), (0,))
    y = Tensor("y", "int8", (1, 5), **Q)
    operator = Operator("FULLY_CONNECTED", ["x", "w"], "y", "FullyConnectedOptions")
    message = refusal(UnsupportedError, build([x, w, y], [operator], ["x", "w"], ["y"]), tmp_path)
    assert "input 1 (w) is computed at run time" in message


def test_operators_out_of_order_are_refused(tmp_path: Path) -> None:
    middle = Tensor("m", "int8", X.shape, **Q)
    operators = [Operator("RELU", ["m"], "y"), Operator("RELU", ["x"], "m")]
    message = refusal(ModelError, build([X, middle, Y], operators, ["x"], ["y"]), tmp_path)
    assert "input 0 (m) is no constant" in message


def test_an_output_that_nothing_makes_is_refused(tmp_path: Path) -> None:
    lost = Tensor("lost", "int8", X.shape, **Q)
    model = build([X, Y, lost], [RELU], ["x"], ["y", "lost"])
    assert "nothing makes output lost" in refusal(ModelError, model, tmp_path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "not a TFL3 FlatBuffers file"),
        (b"PK\x03\x04somezip", "not a TFL3 FlatBuffers file"),
        (b"\xff\xff\xff\x7fTFL3", "an offset points at bytes"),
        (b"\x08\x00\x00\x00TFL3", "an offset points at bytes"),
    ],
)
def test_files_that_are_no_model_are_refused(content: bytes, expected: str, tmp_path: Path) -> None:
    assert expected in refusal(ModelError, content, tmp_path)


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.tflite: cannot be read: No such file"):
        import_tflite(tmp_path / "nowhere.tflite", {})


def test_operator_and_type_codes_are_those_of_the_schema() -> None:
    for code, name in OPERATOR_NAMES.items():
        assert getattr(schema.BuiltinOperator, name) == code
    assert set(OPERATOR_NAMES.values()) == {*OPERATORS, *CONTROL}
    for code, name in TENSOR_TYPES.items():
        if hasattr(schema.TensorType, name.upper()):
            assert getattr(schema.TensorType, name.upper()) == code


def _mutations(model: bytes, count: int) -> list[bytes]:
    rng = np.random.default_rng(2026)
    made: list[bytes] = []
    for number in range(count):
        changed = bytearray(model)
        if number % 5 == 0:
            made.append(bytes(changed[: rng.integers(0, len(model))]))
            continue
        for _ in range(int(rng.integers(1, 5))):
            place = int(rng.integers(0, len(model)))
            kind = int(rng.integers(0, 3))
            changed[place] = (int(rng.integers(0, 256)), 0xFF, changed[place] ^ 0x80)[kind]
        made.append(bytes(changed))
    return made


@pytest.mark.slow
def test_damaged_files_end_in_a_message_or_in_a_sound_graph(tmp_path: Path) -> None:
    messages: list[str] = []
    for damaged in _mutations(small_network(), 3000):
        try:
            lowered(damaged, tmp_path).check()
        except CompileError as error:
            messages.append(str(error))
    assert len(messages) > 300
    assert all(messages)
