"""One operator at a time: import, lower, evaluate; every byte equals LiteRT's reference kernels."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tflite_cases import (
    a_scale,
    activation,
    channel_scales,
    compare,
    geometry,
    output_hw,
    seeds,
    sizes,
    stored,
    weights,
)
from tflite_models import Operator, Tensor, build, constant, differences, lowered
from tilewright.ir.types import Shape

drawn = settings(derandomize=True, deadline=None, max_examples=60)
TYPES = ("int8", "uint8")


@drawn
@given(st.data())
def test_convolutions_equal_litert(data: st.DataObject) -> None:
    options, kernel, spatial = data.draw(geometry())
    groups = data.draw(st.sampled_from((1, 1, 2)))
    channels, filters = groups * data.draw(sizes), groups * data.draw(sizes)
    x = data.draw(activation("x", (1, *spatial, channels)))
    w = weights(data.draw(seeds), (filters, *kernel, channels // groups))
    scales = data.draw(channel_scales(filters))
    y = data.draw(activation("y", (1, *output_hw(options, kernel, spatial), filters)))
    names, constants = ["x", "w"], [constant("w", w, scales, axis=0)]
    bias = np.random.default_rng(data.draw(seeds)).integers(-9000, 9000, filters)
    names.append("b")
    steps = [x.scales[0] * s for s in scales]
    constants.append(constant("b", bias.astype(np.int32), steps))
    options["fusedActivationFunction"] = data.draw(st.sampled_from((0, 1, 2, 3)))
    operator = Operator("CONV_2D", names, "y", "Conv2DOptions", options)
    compare([x], constants, operator, y, data.draw(seeds))


@drawn
@given(st.data())
def test_depthwise_convolutions_equal_litert(data: st.DataObject) -> None:
    options, kernel, spatial = data.draw(geometry())
    channels, multiplier = data.draw(sizes), data.draw(st.integers(1, 3))
    filters = channels * multiplier
    x = data.draw(activation("x", (data.draw(st.integers(1, 2)), *spatial, channels)))
    w = weights(data.draw(seeds), (1, *kernel, filters))
    scales = data.draw(channel_scales(filters))
    y = data.draw(activation("y", (x.shape[0], *output_hw(options, kernel, spatial), filters)))
    bias = np.random.default_rng(data.draw(seeds)).integers(-9000, 9000, filters)
    steps = [x.scales[0] * s for s in scales]
    constants = [constant("w", w, scales, axis=3), constant("b", bias.astype(np.int32), steps)]
    options["depthMultiplier"] = multiplier
    options["fusedActivationFunction"] = data.draw(st.sampled_from((0, 1, 3)))
    operator = Operator(
        "DEPTHWISE_CONV_2D", ["x", "w", "b"], "y", "DepthwiseConv2DOptions", options
    )
    compare([x], constants, operator, y, data.draw(seeds))


@drawn
@given(st.data())
def test_products_of_activations_equal_litert(data: st.DataObject) -> None:
    rows, inner, columns = data.draw(sizes), data.draw(st.integers(1, 40)), data.draw(sizes)
    leading = tuple(data.draw(sizes) for _ in range(data.draw(st.integers(0, 2))))
    repeated = tuple(1 if data.draw(st.booleans()) else n for n in leading)
    adjoint = {"adjX": data.draw(st.booleans()), "adjY": data.draw(st.booleans())}
    a = (inner, rows) if adjoint["adjX"] else (rows, inner)
    b = (columns, inner) if adjoint["adjY"] else (inner, columns)
    inputs = [
        data.draw(activation("a", (*leading, *a))),
        data.draw(activation("b", (*repeated, *b))),
    ]
    y = data.draw(activation("y", (*leading, rows, columns)))
    operator = Operator("BATCH_MATMUL", ["a", "b"], "y", "BatchMatMulOptions", adjoint)
    compare(inputs, [], operator, y, data.draw(seeds))


@drawn
@given(st.data())
def test_chosen_rows_equal_litert(data: st.DataObject) -> None:
    shape = tuple(data.draw(sizes) for _ in range(data.draw(st.integers(1, 3))))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    rows, count = shape[axis], data.draw(st.sampled_from([(4,), (2, 3), (1,)]))
    index = np.random.default_rng(data.draw(seeds)).integers(0, rows, count).astype(np.int32)
    x = data.draw(activation("x", shape, data.draw(st.sampled_from(TYPES))))
    at = axis % len(shape)
    y = replace(x, name="y", shape=(*shape[:at], *count, *shape[at + 1 :]))
    operator = Operator("GATHER", ["x", "i"], "y", "GatherOptions", {"axis": axis})
    if data.draw(st.booleans()):
        compare([x], [constant("i", index)], operator, y, data.draw(seeds))
        return
    table = replace(x, data=stored(x, data.draw(seeds)))
    model = build([table, Tensor("i", "int32", count), y], [operator], ["i"], ["y"])
    with TemporaryDirectory() as folder:
        graph = lowered(model, Path(folder))
    assert differences(graph, model, {"i": index}) == {}


def test_embeddings_equal_litert(tmp_path: Path) -> None:
    x = Tensor("x", "int8", (9, 5), (0.1,), (3,))
    table = replace(x, data=stored(x, 0))
    y = replace(x, name="y", shape=(4, 5))
    operator = Operator("EMBEDDING_LOOKUP", ["i", "x"], "y")
    model = build([table, Tensor("i", "int32", (4,)), y], [operator], ["i"], ["y"])
    index = np.array([8, 0, 3, 3], np.int32)
    assert differences(lowered(model, tmp_path), model, {"i": index}) == {}


@drawn
@given(st.data())
def test_fully_connected_layers_equal_litert(data: st.DataObject) -> None:
    rows, outputs = data.draw(st.sampled_from((1, 99))), data.draw(sizes)
    features = data.draw(st.integers(1, 40))
    keeps = data.draw(st.booleans())
    shape = data.draw(st.sampled_from([(rows, features), (2, rows, features), (rows, 1, features)]))
    x = data.draw(activation("x", shape))
    leading = shape[:-1] if keeps else (int(np.prod(shape[:-1])),)
    y = data.draw(activation("y", (*leading, outputs)))
    scales = data.draw(channel_scales(outputs))
    constants = [constant("w", weights(data.draw(seeds), (outputs, features)), scales)]
    names = ["x", "w"]
    if data.draw(st.booleans()):
        bias = np.random.default_rng(data.draw(seeds)).integers(-9000, 9000, outputs)
        steps = [x.scales[0] * s for s in scales]
        constants.append(constant("b", bias.astype(np.int32), steps))
        names.append("b")
    else:
        names.append("")
    fields = {
        "keepNumDims": keeps,
        "fusedActivationFunction": data.draw(st.sampled_from((0, 1, 2, 3))),
    }
    operator = Operator("FULLY_CONNECTED", names, "y", "FullyConnectedOptions", fields)
    compare([x], constants, operator, y, data.draw(seeds))


BROADCASTS: tuple[tuple[Shape, Shape], ...] = (
    ((1, 5, 4, 3), (1, 5, 4, 3)),
    ((1, 5, 4, 3), (3,)),
    ((1, 5, 4, 3), (1, 1, 1, 3)),
    ((1,), (2, 6)),
    ((2, 1, 4, 1), (2, 3, 1, 5)),
)


@pytest.mark.parametrize("kind", ["ADD", "MUL"])
@pytest.mark.parametrize("dtype", TYPES)
@settings(drawn, max_examples=25)
@given(data=st.data())
def test_sums_and_products_equal_litert(kind: str, dtype: str, data: st.DataObject) -> None:
    shapes = data.draw(st.sampled_from(BROADCASTS))
    a, b = (data.draw(activation(n, s, dtype)) for n, s in zip("ab", shapes, strict=True))
    y = data.draw(activation("y", tuple(np.broadcast_shapes(*shapes)), dtype))
    fields = {"fusedActivationFunction": data.draw(st.sampled_from((0, 1, 2, 3)))}
    options = f"{kind.capitalize()}Options"
    compare([a, b], [], Operator(kind, ["a", "b"], "y", options, fields), y, data.draw(seeds))


@pytest.mark.parametrize("kind", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
@pytest.mark.parametrize("dtype", TYPES)
@settings(drawn, max_examples=25)
@given(data=st.data())
def test_poolings_equal_litert(kind: str, dtype: str, data: st.DataObject) -> None:
    options, kernel, spatial = data.draw(geometry())
    options = {k: v for k, v in options.items() if not k.startswith("dilation")}
    channels = data.draw(sizes)
    x = data.draw(activation("x", (2, *spatial, channels), dtype))
    shape = (2, *output_hw(options, kernel, spatial), channels)
    y = Tensor("y", dtype, shape, x.scales, x.zeros)
    options |= {"filterHeight": kernel[0], "filterWidth": kernel[1]}
    options["fusedActivationFunction"] = data.draw(st.sampled_from((0, 1, 3)))
    compare([x], [], Operator(kind, ["x"], "y", "Pool2DOptions", options), y, data.draw(seeds))


@pytest.mark.parametrize("dtype", TYPES)
@settings(drawn, max_examples=40)
@given(data=st.data())
def test_means_equal_litert(dtype: str, data: st.DataObject) -> None:
    shape = tuple(data.draw(sizes) for _ in range(data.draw(st.integers(1, 4))))
    axes = data.draw(st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=3))
    keeps = data.draw(st.booleans())
    x = data.draw(activation("x", shape, dtype))
    reduced = np.zeros(shape).mean(axis=tuple({a % len(shape) for a in axes}), keepdims=keeps)
    y = data.draw(activation("y", reduced.shape, dtype))
    if data.draw(st.booleans()):
        y = Tensor("y", dtype, reduced.shape, x.scales, x.zeros)
    operator = Operator("MEAN", ["x", "axes"], "y", "ReducerOptions", {"keepDims": keeps})
    constants = [constant("axes", np.array(axes, np.int32))]
    compare([x], constants, operator, y, data.draw(seeds))


@pytest.mark.parametrize("dtype", TYPES)
@settings(drawn, max_examples=60)
@given(data=st.data())
def test_softmaxes_equal_litert(dtype: str, data: st.DataObject) -> None:
    shape = (data.draw(sizes), data.draw(st.sampled_from((1, 2, 3, 10, 12, 100, 700))))
    x = data.draw(activation("x", shape, dtype))
    y = Tensor("y", dtype, shape, (1 / 256,), (-128 if dtype == "int8" else 0,))
    fields = {"beta": data.draw(st.sampled_from((1.0, 0.5, 2.0, 0.1)))}
    compare([x], [], Operator("SOFTMAX", ["x"], "y", "SoftmaxOptions", fields), y, data.draw(seeds))


CURVES = ("LOGISTIC", "TANH", "HARD_SWISH", "LEAKY_RELU", "RELU", "RELU6", "RELU_N1_TO_1")


@pytest.mark.parametrize("kind", CURVES)
@pytest.mark.parametrize("dtype", TYPES)
@settings(drawn, max_examples=40)
@given(data=st.data())
def test_tables_equal_litert_for_every_stored_value(
    kind: str, dtype: str, data: st.DataObject
) -> None:
    low = int(np.iinfo(dtype).min)
    x = data.draw(activation("x", (256,), dtype))
    y = data.draw(activation("y", (256,), dtype))
    if kind == "LOGISTIC":
        y = Tensor("y", dtype, (256,), (1 / 256,), (low,))
    if kind == "HARD_SWISH":  # the reference refuses outputs finer than input / 128
        y = Tensor("y", dtype, (256,), (max(y.scales[0], x.scales[0] / 64),), y.zeros)
    options, fields = "", {}
    if kind == "LEAKY_RELU":
        options = "LeakyReluOptions"
        fields = {"alpha": data.draw(st.sampled_from((0.1, 0.3, 1.5, -0.25)))}
    model = build([x, y], [Operator(kind, ["x"], "y", options, fields)], ["x"], ["y"])
    with TemporaryDirectory() as folder:
        graph = lowered(model, Path(folder))
    every = np.arange(low, low + 256).astype(dtype)
    assert differences(graph, model, {"x": every}) == {}


@settings(drawn, max_examples=40)
@given(st.data())
def test_changes_of_scale_equal_litert(data: st.DataObject) -> None:
    kinds = [("int8", "int8"), ("uint8", "int8"), ("int8", "uint8"), ("uint8", "uint8")]
    before, after = data.draw(st.sampled_from(kinds))
    x = data.draw(activation("x", (256,), before))
    y = data.draw(activation("y", (256,), after))
    model = build([x, y], [Operator("QUANTIZE", ["x"], "y")], ["x"], ["y"])
    with TemporaryDirectory() as folder:
        graph = lowered(model, Path(folder))
    low = int(np.iinfo(before).min)
    every = np.arange(low, low + 256).astype(before)
    assert differences(graph, model, {"x": every}) == {}


@pytest.mark.parametrize("dtype", TYPES)
@settings(drawn, max_examples=25)
@given(data=st.data())
def test_quantising_real_numbers_equals_litert(dtype: str, data: st.DataObject) -> None:
    y = data.draw(activation("y", (40,), dtype))
    x = Tensor("x", "float32", (40,))
    model = build([x, y], [Operator("QUANTIZE", ["x"], "y")], ["x"], ["y"])
    with TemporaryDirectory() as folder:
        graph = lowered(model, Path(folder))
    halves = (np.arange(-20, 20) / 2).astype(np.float32) * np.float32(y.scales[0])
    near = halves * np.float32(1 + 1e-7)
    for array in (halves, near, stored(x, data.draw(seeds)) * 50):
        assert differences(graph, model, {"x": array}) == {}


@pytest.mark.parametrize("dtype", TYPES)
@settings(drawn, max_examples=20)
@given(data=st.data())
def test_dequantising_equals_litert(dtype: str, data: st.DataObject) -> None:
    x = data.draw(activation("x", (30, 3), dtype))
    y = Tensor("y", "float32", (30, 3))
    compare([x], [], Operator("DEQUANTIZE", ["x"], "y"), y, data.draw(seeds))


@pytest.mark.parametrize("dtype", [*TYPES, "float32"])
@settings(drawn, max_examples=15)
@given(data=st.data())
def test_movements_equal_litert(dtype: str, data: st.DataObject) -> None:
    shape = tuple(data.draw(sizes) for _ in range(4))
    x = (
        data.draw(activation("x", shape, dtype))
        if dtype != "float32"
        else Tensor("x", dtype, shape)
    )

    def like(name: str, shape: Shape) -> Tensor:
        return Tensor(name, dtype, shape, x.scales, x.zeros)

    seed = data.draw(seeds)
    size = int(np.prod(shape))
    target = constant("shape", np.array([shape[0], -1], np.int32))
    reshape = Operator("RESHAPE", ["x", "shape"], "y", "ReshapeOptions")
    compare([x], [target], reshape, like("y", (shape[0], size // shape[0])), seed)

    perm = data.draw(st.permutations(range(4)))
    permutation = constant("perm", np.array(perm, np.int32))
    transpose = Operator("TRANSPOSE", ["x", "perm"], "y", "TransposeOptions")
    compare([x], [permutation], transpose, like("y", tuple(shape[p] for p in perm)), seed)

    pads = np.array([[data.draw(st.integers(0, 3)) for _ in range(2)] for _ in range(4)], np.int32)
    grown = tuple(int(n + p.sum()) for n, p in zip(shape, pads, strict=True))
    pad = Operator("PAD", ["x", "pads"], "y", "PadOptions")
    compare([x], [constant("pads", pads)], pad, like("y", grown), seed)

    axis = data.draw(st.integers(-4, 3))
    joined = list(shape)
    joined[axis] *= 2
    fields = {"axis": axis, "fusedActivationFunction": 0}
    concat = Operator("CONCATENATION", ["x", "z"], "y", "ConcatenationOptions", fields)
    compare([x, like("z", shape)], [], concat, like("y", tuple(joined)), seed)


def test_expanding_and_squeezing_equal_litert() -> None:
    q = {"scales": (0.1,), "zeros": (3,)}
    x = Tensor("x", "int8", (3, 4), **q)
    expand = Operator("EXPAND_DIMS", ["x", "axis"], "y", "ExpandDimsOptions")
    axis = constant("axis", np.array([-2], np.int32))
    compare([x], [axis], expand, Tensor("y", "int8", (3, 1, 4), **q), 1)

    thin = Tensor("x", "int8", (1, 3, 1, 4, 1), **q)
    fields = {"squeezeDims": np.array([0, -1], np.int32)}
    squeeze = Operator("SQUEEZE", ["x"], "y", "SqueezeOptions", fields)
    compare([thin], [], squeeze, Tensor("y", "int8", (3, 1, 4), **q), 1)
    squeeze = Operator("SQUEEZE", ["x"], "y", "SqueezeOptions")
    compare([thin], [], squeeze, Tensor("y", "int8", (3, 4), **q), 1)


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
@settings(drawn, max_examples=40)
@given(data=st.data())
def test_layers_of_uint8_networks_equal_litert(kind: str, data: st.DataObject) -> None:
    """Activations and weights uint8, one scale each, weights with a zero point."""
    options, kernel, spatial = data.draw(geometry())
    channels, filters = data.draw(sizes), data.draw(sizes)
    shape, result = (1, *spatial, channels), (1, *output_hw(options, kernel, spatial), filters)
    options["fusedActivationFunction"] = data.draw(st.sampled_from((0, 1, 3)))
    table, form = "Conv2DOptions", (filters, *kernel, channels)
    if kind == "DEPTHWISE_CONV_2D":
        table, form, filters = "DepthwiseConv2DOptions", (1, *kernel, channels), channels
        result = (*result[:3], filters)
        options["depthMultiplier"] = 1
    if kind == "FULLY_CONNECTED":
        table, form = "FullyConnectedOptions", (filters, channels)
        shape, result, options = (99, channels), (99, filters), {}
    x, y = data.draw(activation("x", shape, "uint8")), data.draw(activation("y", result, "uint8"))
    rng = np.random.default_rng(data.draw(seeds))
    w_scale = data.draw(a_scale(1e-3, 0.05))
    w = Tensor(
        "w", "uint8", form, (w_scale,), (data.draw(st.integers(0, 255)),),
        data=rng.integers(0, 256, form).astype(np.uint8),
    )  # fmt: skip
    # Reference kernels that read uint8 want multipliers below one.
    ratio = x.scales[0] * w_scale / y.scales[0]
    y = Tensor("y", "uint8", result, (y.scales[0] * max(1.0, ratio * 1.01),), y.zeros)
    step = float(np.float32(x.scales[0]) * np.float32(w_scale))
    bias = constant("b", rng.integers(-9000, 9000, filters).astype(np.int32), (step,))
    compare([x], [w, bias], Operator(kind, ["x", "w", "b"], "y", table, options), y, 1)


@settings(drawn, max_examples=40)
@given(st.data())
def test_joins_of_uint8_values_under_other_scales_equal_litert(data: st.DataObject) -> None:
    a = data.draw(activation("a", (2, 130), "uint8"))
    b = data.draw(activation("b", (2, 5), "uint8"))
    y = data.draw(activation("y", (2, 135), "uint8"))
    operator = Operator("CONCATENATION", ["a", "b"], "y", "ConcatenationOptions", {"axis": 1})
    compare([a, b], [], operator, y, data.draw(seeds))


@settings(drawn, max_examples=20)
@given(st.data())
def test_operands_that_are_constants_equal_litert(data: st.DataObject) -> None:
    x, y = data.draw(activation("x", (2, 3, 4))), data.draw(activation("y", (2, 3, 4)))
    k = constant("k", weights(data.draw(seeds), (4,)), (data.draw(a_scale()),))
    compare([x], [k], Operator("ADD", ["k", "x"], "y", "AddOptions"), y, data.draw(seeds))
    compare([x], [k], Operator("MUL", ["x", "k"], "y", "MulOptions"), y, data.draw(seeds))


@settings(drawn, max_examples=20)
@given(st.data())
def test_borders_of_a_given_value_equal_litert(data: st.DataObject) -> None:
    x = data.draw(activation("x", (3, 4)))
    y = Tensor("y", "int8", (6, 7), x.scales, x.zeros)
    value = np.array([data.draw(st.integers(-128, 127))], np.int8)
    border = Tensor("v", "int8", (1,), x.scales, x.zeros, data=value)
    pads = constant("pads", np.array([[1, 2], [0, 3]], np.int64))
    operator = Operator("PADV2", ["x", "pads", "v"], "y", "PadV2Options")
    compare([x], [pads, border], operator, y, data.draw(seeds))
