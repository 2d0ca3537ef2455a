"""One operator at a time, drawn: our integers against ONNX Runtime's on the same file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnx_models import Model, assert_close, both, output_parameters, random_integers
from tilewright.ir.graph import Contract
from tilewright.ir.types import Array, Shape

relaxed = settings(
    derandomize=True, deadline=None, max_examples=12, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """One operator: the shapes of its activations, then constants.

    weights  index of the constant that is quantised per channel along ``axis``
    """

    kind: str
    shapes: Sequence[Shape]
    constants: Sequence[Array] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)
    opset: int = 17
    axis: int | None = None


def sizes(largest: int = 6) -> st.SearchStrategy[int]:
    return st.integers(1, largest)


def normal(draw: st.DrawFn, shape: Shape, scale: float = 1.0) -> Array:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return (rng.standard_normal(shape) * scale).astype(np.float32)


@st.composite
def windows(draw: st.DrawFn, dims: int, *, pools: bool = False) -> tuple[dict, tuple[int, ...]]:
    """Attributes of a window, and an input size that it fits."""
    kernel = [draw(sizes(3)) for _ in range(dims)]
    dilations = [1] * dims if pools else [draw(sizes(2)) for _ in range(dims)]
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    attributes = {"kernel_shape": kernel, "strides": [draw(sizes(3)) for _ in range(dims)]}
    if not pools:
        attributes["dilations"] = dilations
    mode = draw(st.sampled_from(("NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")))
    if mode == "NOTSET":
        limit = [k - 1 for k in kernel] if pools else [2] * dims
        attributes["pads"] = [draw(st.integers(0, limit[i % dims])) for i in range(2 * dims)]
    else:
        attributes["auto_pad"] = mode
        if pools:  # ONNX Runtime refuses pools that would skip elements between windows
            strides = zip(attributes["strides"], kernel, strict=True)
            attributes["strides"] = [min(stride, k) for stride, k in strides]
        elif mode != "VALID":  # ONNX Runtime refuses to dilate such windows
            extent = kernel
            attributes["dilations"] = [1] * dims
    return attributes, tuple(e + draw(st.integers(0, 5)) for e in extent)


@st.composite
def conv(draw: st.DrawFn) -> Drawn:
    dims = draw(st.sampled_from((2, 2, 2, 1)))
    attributes, size = draw(windows(dims))
    groups = draw(st.sampled_from((1, 1, 2, 3)))
    per_group = draw(st.sampled_from((1, 1, 2, 4)))
    out = groups * draw(sizes(3))
    w = normal(draw, (out, per_group, *attributes["kernel_shape"]))
    constants = [w, normal(draw, (out,))] if draw(st.booleans()) else [w]
    shape = (draw(sizes(2)), groups * per_group, *size)
    return Drawn("Conv", [shape], constants, {**attributes, "group": groups}, axis=0)


@st.composite
def gemm(draw: st.DrawFn) -> Drawn:
    rows, inner, out = draw(sizes(3)), draw(sizes(20)), draw(sizes(8))
    transposed, turned = draw(st.booleans()), draw(st.booleans())
    w = normal(draw, (out, inner) if transposed else (inner, out))
    constants = [w]
    if draw(st.booleans()):
        constants.append(normal(draw, draw(st.sampled_from(((out,), (1, out))))))
    attributes = {
        "transB": int(transposed), "transA": int(turned),
        "alpha": draw(st.sampled_from((1.0, 0.5))), "beta": draw(st.sampled_from((1.0, 2.0))),
    }  # fmt: skip
    shape = (inner, rows) if turned else (rows, inner)
    return Drawn("Gemm", [shape], constants, attributes, axis=0 if transposed else 1)


@st.composite
def matmul(draw: st.DrawFn) -> Drawn:
    inner, out = draw(sizes(20)), draw(sizes(8))
    leading = draw(st.sampled_from(((1,), (3,), (2, 3))))
    return Drawn("MatMul", [(*leading, inner)], [normal(draw, (inner, out))], axis=1)


@st.composite
def product(draw: st.DrawFn) -> Drawn:
    rows, inner, columns = draw(sizes(9)), draw(sizes(20)), draw(sizes(9))
    leading = tuple(draw(sizes(3)) for _ in range(draw(st.integers(0, 2))))
    repeated = tuple(1 if draw(st.booleans()) else n for n in leading)
    a, b = (*leading, rows, inner), (*repeated, inner, columns)
    shapes = draw(st.sampled_from(([a, b], [a, b[-2:]], [(inner,), b], [a, (inner,)])))
    if draw(st.booleans()) or len(shapes[1]) == 1:
        return Drawn("MatMul", shapes)
    return Drawn("MatMul", shapes[:1], [normal(draw, (2, *shapes[1]))])


@st.composite
def binary(draw: st.DrawFn) -> Drawn:
    shape = tuple(draw(sizes(5)) for _ in range(draw(st.integers(1, 4))))
    other = tuple(1 if draw(st.integers(0, 3)) == 0 else n for n in shape)
    kind = draw(st.sampled_from(("Add", "Mul")))
    return Drawn(kind, draw(st.sampled_from(([shape, shape], [shape, other], [other, shape]))))


@st.composite
def with_constant(draw: st.DrawFn) -> Drawn:
    shape = tuple(draw(sizes(5)) for _ in range(draw(st.integers(1, 4))))
    kind = draw(st.sampled_from(("Add", "Mul", "Sub", "Div")))
    other = (1,) if kind == "Div" or draw(st.booleans()) else shape[-1:]
    constant = normal(draw, other)
    return Drawn(kind, [shape], [np.copysign(np.abs(constant) + 0.2, constant)])


@st.composite
def pool(draw: st.DrawFn) -> Drawn:
    dims = draw(st.sampled_from((2, 2, 1)))
    attributes, size = draw(windows(dims, pools=True))
    kind = draw(st.sampled_from(("AveragePool", "MaxPool")))
    if "auto_pad" not in attributes:
        attributes["ceil_mode"] = draw(st.integers(0, 1))
    if kind == "AveragePool" and not attributes.get("ceil_mode"):
        attributes["count_include_pad"] = draw(st.integers(0, 1))
    return Drawn(kind, [(draw(sizes(2)), draw(sizes(5)), *size)], (), attributes, opset=19)


@st.composite
def whole_image(draw: st.DrawFn) -> Drawn:
    kind = draw(st.sampled_from(("GlobalAveragePool", "GlobalMaxPool")))
    return Drawn(kind, [tuple(draw(sizes()) for _ in range(4))])


@st.composite
def mean(draw: st.DrawFn) -> Drawn:
    shape = tuple(draw(sizes()) for _ in range(draw(st.integers(1, 4))))
    axes = draw(st.lists(st.integers(-len(shape), -1), min_size=1, max_size=4, unique=True))
    axes = [a for a in axes if a >= -len(shape)]
    keeps = int(draw(st.booleans())) if len(axes) < len(shape) else 1
    if draw(st.booleans()):
        return Drawn("ReduceMean", [shape], (), {"axes": axes, "keepdims": keeps})
    return Drawn("ReduceMean", [shape], [np.array(axes, np.int64)], {"keepdims": keeps}, opset=18)


@st.composite
def curve(draw: st.DrawFn) -> Drawn:
    shape = tuple(draw(sizes()) for _ in range(draw(st.integers(1, 4))))
    kind, attributes = draw(st.sampled_from((
        ("Sigmoid", {}), ("Tanh", {}), ("HardSwish", {}), ("Relu", {}),
        ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}), ("HardSigmoid", {}),
        ("LeakyRelu", {"alpha": 0.2}), ("LeakyRelu", {}),
    )))  # fmt: skip
    return Drawn(kind, [shape], (), attributes)


@st.composite
def clip(draw: st.DrawFn) -> Drawn:
    bounds = draw(st.sampled_from(((0.0, 6.0), (-1.0, 1.0), (0.5, 0.5))))
    if draw(st.booleans()):
        return Drawn("Clip", [(3, 5)], [np.float32(b) for b in bounds])
    return Drawn("Clip", [(3, 5)], (), dict(zip(("min", "max"), bounds, strict=True)), opset=10)


@st.composite
def softmax(draw: st.DrawFn) -> Drawn:
    shape = tuple(draw(sizes(12)) for _ in range(draw(st.integers(2, 4))))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    return Drawn("Softmax", [shape], (), {"axis": axis}, opset=draw(st.sampled_from((11, 17))))


@st.composite
def layout(draw: st.DrawFn) -> Drawn:
    shape = (draw(sizes(3)), draw(sizes(4)), 1, draw(sizes(4)))
    perm = draw(st.permutations(range(4)))
    return draw(st.sampled_from((
        Drawn("Transpose", [shape], (), {"perm": perm}),
        Drawn("Transpose", [shape]),
        Drawn("Flatten", [shape], (), {"axis": draw(st.integers(-3, 4))}),
        Drawn("Reshape", [shape], [np.array([0, -1, 1], np.int64)]),
        Drawn("Squeeze", [shape], [np.array([-2], np.int64)]),
        Drawn("Squeeze", [shape], (), {"axes": [2]}, opset=11),
        Drawn("Unsqueeze", [shape], [np.array([0, -1], np.int64)]),
        Drawn("Unsqueeze", [shape], (), {"axes": [1, 4]}, opset=11),
        Drawn("Concat", [shape, shape], (), {"axis": draw(st.integers(-4, 3))}),
        Drawn("Pad", [shape], [np.array([0, 1, 2, 0, 1, 0, 0, 3], np.int64)]),
        Drawn("Pad", [shape], (), {"pads": [0, 0, 1, 1, 0, 0, 1, 1]}, opset=10),
        Drawn("Pad", [shape], [np.array([1, 0], np.int64), np.float32(0.5), np.array([1])],
              opset=18),
    )))  # fmt: skip


@st.composite
def batch_norm(draw: st.DrawFn) -> Drawn:
    shape = tuple(draw(sizes()) for _ in range(draw(st.integers(2, 4))))
    tables = [normal(draw, (shape[1],)) for _ in range(4)]
    tables[3] = np.abs(tables[3]) + np.float32(0.1)
    return Drawn("BatchNormalization", [shape], tables, {"epsilon": 1e-3})


@st.composite
def norm(draw: st.DrawFn) -> Drawn:
    """Rows of one or more dimensions; tables as large as a row, or repeated along one of them."""
    shape = tuple(draw(sizes(9)) for _ in range(draw(st.integers(1, 4))))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    row = shape[axis:]
    repeated = draw(st.sampled_from((row, row, (1,) * len(row), row[-1:])))
    attributes = {"axis": axis, "epsilon": draw(st.sampled_from((1e-5, 1e-2)))}
    if draw(st.booleans()):
        return Drawn("RMSNormalization", [shape], [normal(draw, repeated)], attributes, opset=23)
    tables = [normal(draw, repeated)] + [normal(draw, row)] * draw(st.integers(0, 1))
    return Drawn("LayerNormalization", [shape], tables, attributes)


PARAMETERS = frozenset({"Reshape", "Squeeze", "Unsqueeze", "ReduceMean", "Pad", "Clip"})
"""Their constants are no tensors of numbers to quantise."""

COMPUTING = {
    "conv": conv(), "gemm": gemm(), "matmul": matmul(), "product": product(),
    "binary": binary(), "pool": pool(), "with_constant": with_constant(),
    "whole_image": whole_image(), "mean": mean(), "curve": curve(), "clip": clip(),
    "softmax": softmax(), "layout": layout(), "norm": norm(),
}  # fmt: skip


def float_model(drawn: Drawn) -> Model:
    model = Model(drawn.opset)
    names = [model.input(f"x{i}", shape) for i, shape in enumerate(drawn.shapes)]
    names += [model.constant(f"c{i}", c) for i, c in enumerate(drawn.constants)]
    model.node(drawn.kind, names, "y", **drawn.attributes)
    return model


def quantised_constant(model: Model, drawn: Drawn, index: int, dtype, x_scale: float) -> str:
    """Weights per channel or per tensor, a bias as int32 or float32, other constants as int8."""
    array = drawn.constants[index]
    name = model.constant(f"c{index}", array)
    if drawn.kind in PARAMETERS:
        return name
    if index == 1:  # a bias, left in float32
        return name
    axes = (
        tuple(a for a in range(array.ndim) if a != drawn.axis) if drawn.axis is not None else None
    )
    per_channel = drawn.axis is not None and dtype == np.int8
    largest = np.abs(array).max(axis=axes if per_channel else None)
    scale = np.maximum(np.asarray(largest, np.float32) / 127, np.float32(1e-3))
    zero = np.full(scale.shape, 0 if dtype == np.int8 else 128, dtype)
    shape = [1] * array.ndim
    if per_channel:
        shape[drawn.axis] = -1
    stored = np.clip(np.rint(array / scale.reshape(shape)), -127, 127)
    model.constant(name, (stored + (0 if dtype == np.int8 else 128)).astype(dtype))
    return model.dequantise(
        name, scale, zero, dtype, **({"axis": drawn.axis} if per_channel else {})
    )


def qdq_model(drawn: Drawn, dtype, seed: int) -> tuple[Model, dict[str, Array]]:
    """Stored integers in, stored integers out, Q and DQ around the operator."""
    model = Model(max(drawn.opset, 13) if drawn.axis is not None else drawn.opset)
    inputs = {f"x{i}": random_integers(seed + i, s, dtype) for i, s in enumerate(drawn.shapes)}
    names: list[str] = []
    for i, (name, array) in enumerate(inputs.items()):
        model.input(name, array.shape, dtype)
        zero = np.iinfo(dtype).min + 100 + 20 * i
        names.append(model.dequantise(name, 0.02 * (1 + i), zero, dtype))
    for i in range(len(drawn.constants)):
        names.append(quantised_constant(model, drawn, i, dtype, 0.02))
    real = model.node(drawn.kind, names, "y.real", **drawn.attributes)
    scale, zero = output_parameters(model, real, inputs, dtype)
    model.quantise(real, scale, zero, dtype, "y")
    return model, inputs


@pytest.mark.parametrize("family", [*COMPUTING, "batch_norm"])
def test_float_operators_agree_with_onnx_runtime(tmp_path: Path, family: str):
    @relaxed
    @given({**COMPUTING, "batch_norm": batch_norm()}[family], st.integers(0, 2**32 - 1))
    def check(drawn, seed):
        rng = np.random.default_rng(seed)
        inputs = {
            f"x{i}": rng.standard_normal(s).astype(np.float32) for i, s in enumerate(drawn.shapes)
        }
        assert_close(both(tmp_path, float_model(drawn).proto({"y": np.float32}), inputs))

    check()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8], ids=["s8", "u8"])
@pytest.mark.parametrize("family", COMPUTING)
def test_quantised_operators_are_at_most_one_off(tmp_path: Path, family: str, dtype):
    @relaxed
    @given(COMPUTING[family], st.integers(0, 2**32 - 1))
    def check(drawn, seed):
        model, inputs = qdq_model(drawn, dtype, seed)
        assert_close(both(tmp_path, model.proto({"y": dtype}), inputs))

    check()


@pytest.mark.parametrize("family", COMPUTING)
def test_the_pulp_contract_is_close_too(tmp_path: Path, family: str):
    @relaxed
    @given(COMPUTING[family], st.integers(0, 2**32 - 1))
    def check(drawn, seed):
        model, inputs = qdq_model(drawn, np.int8, seed)
        assert_close(both(tmp_path, model.proto({"y": np.int8}), inputs, contract=Contract.PULP))

    check()
