"""Arithmetic, comparison, functions and reductions of .tflite files against LiteRT.

On reals and plain integers every result is LiteRT's. On int8 what has an integer form is LiteRT's
byte for byte; what is computed in float32 may be one step of the output from its fixed point.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluate import evaluate_graph
from tflite_cases import activation, compare, seeds, stored
from tflite_models import Operator, Tensor, build, constant, reference
from tilewright.frontend.lower import lower
from tilewright.frontend.tflite_import import import_tflite
from tilewright.ir.types import Array, Shape

drawn = settings(derandomize=True, deadline=None, max_examples=40)
NO_SHAPE: Shape = ()


def close(operator: Operator, tensors: list[Tensor], arrays: dict[str, Array], step: int) -> None:
    """Assert that all outputs are LiteRT's, stored ones up to ``step``."""
    outputs = [operator.output, *operator.more]
    inputs = [t.name for t in tensors if t.data is None and t.name not in outputs]
    model = build(tensors, [operator], inputs, outputs)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(model)
        source = import_tflite(path, {})
    graph = lower(source, source.contract, allow_float=True)
    held = {n: a.astype(np.int32) if a.dtype == bool else a for n, a in arrays.items()}
    ours, theirs = evaluate_graph(graph, held), reference(model, arrays)
    for mine, name in zip(graph.outputs, outputs, strict=True):
        made, wish = ours[mine], theirs[name]
        assert made.shape == wish.shape
        if wish.dtype == np.float32:
            np.testing.assert_allclose(made, wish, rtol=2e-5, atol=2e-5)
        else:
            assert np.abs(made.astype(np.int64) - wish.astype(np.int64)).max(initial=0) <= step


@st.composite
def broadcast(draw: st.DrawFn) -> tuple[Shape, Shape]:
    shape = draw(st.tuples(*[st.integers(1, 5)] * draw(st.integers(1, 4))))
    other = tuple(n if draw(st.booleans()) else 1 for n in shape)
    return (shape, other) if draw(st.booleans()) else (other, shape)


BINARY = {
    "ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions",
    "MAXIMUM": "MaximumMinimumOptions", "MINIMUM": "MaximumMinimumOptions", "POW": "PowOptions",
    "SQUARED_DIFFERENCE": "SquaredDifferenceOptions", "FLOOR_DIV": "FloorDivOptions",
    "FLOOR_MOD": "FloorModOptions", "EQUAL": "EqualOptions", "NOT_EQUAL": "NotEqualOptions",
    "LESS": "LessOptions", "LESS_EQUAL": "LessEqualOptions", "GREATER": "GreaterOptions",
    "GREATER_EQUAL": "GreaterEqualOptions",
}  # fmt: skip
TRUTHS = ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")


@drawn
@given(st.sampled_from(sorted(BINARY)), broadcast(), st.booleans(), seeds)
def test_two_operands_equal_litert(
    kind: str, shapes: tuple[Shape, Shape], is_whole: bool, seed: int
) -> None:
    dtype = "int32" if is_whole and kind != "DIV" else "float32"
    rng = np.random.default_rng(seed)
    signs = (1,) if kind == "POW" else (-1, 1)
    arrays: dict[str, Array] = {
        name: (rng.integers(1, 9, shape) * rng.choice(signs, shape)).astype(dtype)
        for name, shape in zip("ab", shapes, strict=True)
    }
    if dtype == "int32":
        arrays["b"] = np.abs(arrays["b"])
    inputs = [Tensor(name, dtype, array.shape) for name, array in arrays.items()]
    y = Tensor("y", "bool" if kind in TRUTHS else dtype, NO_SHAPE)
    close(Operator(kind, ["a", "b"], "y", BINARY[kind]), [*inputs, y], arrays, 0)


@drawn
@given(st.data())
def test_differences_equal_litert_byte_for_byte(data: st.DataObject) -> None:
    shapes = data.draw(broadcast())
    a, b = (data.draw(activation(n, s)) for n, s in zip("ab", shapes, strict=True))
    whole = np.broadcast_shapes(*shapes)
    y = data.draw(activation("y", tuple(map(int, whole))))
    compare([a, b], [], Operator("SUB", ["a", "b"], "y", "SubOptions"), y, data.draw(seeds))


@drawn
@given(st.data(), st.sampled_from(("MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "PRELU")))
def test_stored_operands_are_within_a_step_of_litert(data: st.DataObject, kind: str) -> None:
    shape = data.draw(st.tuples(*[st.integers(1, 5)] * 4))
    a = data.draw(activation("a", shape))
    if kind in BINARY:
        options, b = BINARY[kind], data.draw(activation("b", shape))
        if kind.startswith("M"):
            b = Tensor("b", a.dtype, a.shape, a.scales, a.zeros)
        y = b if kind.startswith("M") else data.draw(activation("y", shape))
        y = Tensor("y", "int8", NO_SHAPE, y.scales, y.zeros)
        arrays = {t.name: stored(t, data.draw(seeds)) for t in (a, b)}
        step = 0 if kind.startswith("M") else 1
        close(Operator(kind, ["a", "b"], "y", options), [a, b, y], arrays, step)
        return
    slope = constant("b", stored(Tensor("b", "int8", (1, 1, shape[3])), 3), (0.01,))
    y = data.draw(activation("y", NO_SHAPE))
    arrays = {"a": stored(a, data.draw(seeds))}
    close(Operator(kind, ["a", "b"], "y"), [a, slope, y], arrays, 1)


CURVES = {
    "ABS": "AbsOptions", "NEG": "NegOptions", "EXP": "ExpOptions", "LOG": "", "SQRT": "",
    "RSQRT": "", "SQUARE": "SquareOptions", "SIN": "", "COS": "CosOptions", "FLOOR": "",
    "SIGN": "SignOptions", "RELU_0_TO_1": "",
    "GELU": "GeluOptions", "LOG_SOFTMAX": "LogSoftmaxOptions", "L2_NORMALIZATION": "L2NormOptions",
}  # fmt: skip


@pytest.mark.parametrize("kind", CURVES)
def test_functions_of_reals_equal_litert(kind: str) -> None:
    x: Array = (np.random.default_rng(1).standard_normal((3, 40)) * 2).astype(np.float32)
    if kind in ("LOG", "SQRT", "RSQRT"):
        x = np.abs(x) + np.float32(0.01)
    tensors = [Tensor(name, "float32", (3, 40)) for name in "xy"]
    close(Operator(kind, ["x"], "y", CURVES[kind]), tensors, {"x": x}, 0)


@pytest.mark.parametrize("kind", ["ABS", "EXP", "LOG", "GELU", "RSQRT"])
def test_functions_of_stored_values_are_within_a_step_of_litert(kind: str) -> None:
    positive = kind in ("LOG", "RSQRT")
    x = Tensor("x", "int8", (1, 256), (0.02,), (-128 if positive else 3,))
    y = Tensor("y", "int8", (1, 256), (0.05,), (-7,))
    values: Array = np.arange(-128, 128, dtype=np.int8)[None]
    if positive:
        values = np.maximum(values, -120)
    version = {"ABS": 2, "RSQRT": 2}.get(kind, 1)
    operator = Operator(kind, ["x"], "y", CURVES[kind], version=version)
    close(operator, [x, y], {"x": values}, 1)


@drawn
@given(st.data(), st.sampled_from(("SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN")))
def test_reductions_equal_litert(data: st.DataObject, kind: str) -> None:
    shape = data.draw(st.tuples(*[st.integers(1, 4)] * data.draw(st.integers(1, 4))))
    axes = data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))
    is_stored = kind != "REDUCE_PROD" and data.draw(st.booleans())
    x = data.draw(activation("x", shape)) if is_stored else Tensor("x", "float32", shape)
    # LiteRT adds int8 sums of one scale in int8, where they wrap; with two it rescales them.
    is_sum = kind == "SUM" and is_stored
    scales = (x.scales[0] * 3,) if is_sum else x.scales
    y = Tensor("y", x.dtype, NO_SHAPE, scales, x.zeros)
    fields = {"keepDims": data.draw(st.booleans())}
    operator = Operator(kind, ["x", "a"], "y", "ReducerOptions", fields)
    index = constant("a", np.array(sorted(axes), np.int32))
    close(operator, [x, index, y], {"x": stored(x, data.draw(seeds))}, 1 if is_sum else 0)


@drawn
@given(st.data(), st.sampled_from(("ARG_MAX", "ARG_MIN", "CUMSUM", "TOPK_V2")))
def test_places_and_running_sums_equal_litert(data: st.DataObject, kind: str) -> None:
    shape = data.draw(st.tuples(*[st.integers(1, 5)] * data.draw(st.integers(1, 3))))
    axis = data.draw(st.integers(0, len(shape) - 1))
    seed = data.draw(seeds)
    if kind == "CUMSUM":
        fields = {"exclusive": data.draw(st.booleans()), "reverse": data.draw(st.booleans())}
        operator = Operator(kind, ["x", "a"], "y", "CumsumOptions", fields)
        tensors = [Tensor("x", "float32", shape), Tensor("y", "float32", NO_SHAPE)]
    elif kind == "TOPK_V2":
        axis = data.draw(st.integers(1, shape[-1]))
        operator = Operator(kind, ["x", "a"], "y", "TopKV2Options", more=["z"])
        x = data.draw(activation("x", shape))
        tensors = [x, Tensor("y", "int8", NO_SHAPE, x.scales, x.zeros)]
        tensors.append(Tensor("z", "int32", NO_SHAPE))
    else:
        name = "ArgMaxOptions" if kind == "ARG_MAX" else "ArgMinOptions"
        operator = Operator(kind, ["x", "a"], "y", name, {"outputType": 2})
        tensors = [data.draw(activation("x", shape)), Tensor("y", "int32", NO_SHAPE)]
    index = constant("a", np.array(axis if kind != "ARG_MIN" else [axis], np.int32))
    close(operator, [*tensors, index], {"x": stored(tensors[0], seed)}, 0)


@drawn
@given(st.data(), st.sampled_from(("int8", "uint8", "float32")))
def test_bilinear_resizing_equals_litert(data: st.DataObject, dtype: str) -> None:
    shape = data.draw(st.tuples(*[st.integers(1, 5)] * 4))
    wish = [data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))]
    aligns = data.draw(st.booleans())
    half = not aligns and data.draw(st.booleans())
    x = Tensor("x", dtype, shape)
    if dtype != "float32":
        x = data.draw(activation("x", shape, dtype))
    y = Tensor("y", dtype, NO_SHAPE, x.scales, x.zeros)
    operator = Operator(
        "RESIZE_BILINEAR", ["x", "n"], "y", "ResizeBilinearOptions",
        {"alignCorners": aligns, "halfPixelCenters": half}, version=3,
    )  # fmt: skip
    tensors = [x, constant("n", np.array(wish, np.int32)), y]
    close(operator, tensors, {"x": stored(x, data.draw(seeds))}, 0)


@drawn
@given(st.data())
def test_transposed_convolutions_equal_litert(data: st.DataObject) -> None:
    n, h, w, c = data.draw(st.tuples(*[st.integers(1, 5)] * 4))
    kernel = [data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))]
    stride = [data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))]
    filters, is_same = data.draw(st.integers(1, 4)), data.draw(st.booleans())
    grown = [
        extent * s if is_same else (extent - 1) * s + max(k, s)
        for extent, s, k in zip((h, w), stride, kernel, strict=True)
    ]
    out = (n, grown[0], grown[1], filters)
    x = data.draw(activation("x", (n, h, w, c)))
    stored_weights = stored(Tensor("w", "int8", (filters, *kernel, c)), data.draw(seeds))
    scales = [0.01 * (i + 1) for i in range(filters)]
    weights = constant("w", np.maximum(stored_weights, -127), scales, axis=0)
    bias = constant("b", np.arange(filters, dtype=np.int32) * 90, [x.scales[0] * s for s in scales])
    y = data.draw(activation("y", out))
    fields = {"padding": 0 if is_same else 1, "strideW": stride[1], "strideH": stride[0]}
    operator = Operator(
        "TRANSPOSE_CONV", ["o", "w", "x", "b"], "y", "TransposeConvOptions", fields, version=3
    )
    shape = constant("o", np.array(out, np.int32))
    compare([x], [shape, weights, bias], operator, y, data.draw(seeds))


@pytest.mark.parametrize("kind", ["SELECT", "SELECT_V2"])
def test_choices_equal_litert(kind: str) -> None:
    rng = np.random.default_rng(4)
    shape = (3, 4)
    condition: Array = rng.integers(0, 2, (3,) if kind == "SELECT" else (3, 1)).astype(bool)
    tensors = [
        Tensor("c", "bool", condition.shape),
        *(Tensor(name, "int8", shape, (0.1,), (2,)) for name in "aby"),
    ]
    arrays: dict[str, Array] = {"c": condition}
    arrays |= {name: rng.integers(-128, 128, shape).astype(np.int8) for name in "ab"}
    options = "SelectOptions" if kind == "SELECT" else "SelectV2Options"
    close(Operator(kind, ["c", "a", "b"], "y", options), tensors, arrays, 0)
