"""uint8 x int8 products are judged exactly, also where ONNX Runtime saturates them (simulated)."""

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnx import TensorProto, shape_inference

from onnx_models import Model, both, random_integers
from saturating_runtime import SATURATING, saturating_sums
from tilewright import Options, verify_model
from tilewright.ir.types import Array
from tilewright.run.judges import onnxruntime as judges
from tilewright.run.judges.exact_products import UNSIGNED, exact_products
from tilewright.run.judges.onnxruntime import OnnxRuntime

ROOT = Path(__file__).parents[3]
FIELD = ROOT.parent / "shared/models/field"


@pytest.fixture
def saturating(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime as on an x86 processor without VNNI."""
    monkeypatch.setitem(sys.modules, "onnxruntime", SATURATING)


def conv(dtype=np.uint8, *, is_per_channel: bool = False) -> Model:
    model = Model()
    zero = 131 if dtype == np.uint8 else 3
    x = (model.input("x", (1, 4, 7, 6), dtype), *model.scale("x", 0.03, zero, dtype))
    scale = np.linspace(0.01, 0.04, 6) if is_per_channel else 0.02
    w_zero = np.zeros(6 if is_per_channel else (), np.int8)
    w = (model.constant("w", random_integers(1, (6, 4, 3, 3), np.int8)),
         *model.scale("w", scale, w_zero, np.int8))  # fmt: skip
    bias = model.constant("b", np.arange(-900, 900, 300).astype(np.int32))
    y = model.scale("y", 0.25, zero - 5, dtype)
    model.node("QLinearConv", [*x, *w, *y, bias], "y", pads=[1, 1, 1, 1], strides=[2, 1])
    return model


def gemm() -> Model:
    model = Model()
    x = (model.input("x", (3, 20), np.uint8), *model.scale("x", 0.03, 131, np.uint8))
    w = (model.constant("w", random_integers(1, (6, 20), np.int8)),
         *model.scale("w", 0.02, 0, np.int8))  # fmt: skip
    bias = model.constant("b", np.arange(-900, 900, 300).astype(np.int32))
    model.node("QGemm", [*x, *w, bias, *model.scale("y", 0.3, 120, np.uint8)], "y", transB=1)
    return model


def matmul(*, is_constant: bool = True) -> Model:
    model = Model()
    a = (model.input("a", (2, 3, 21), np.uint8), *model.scale("a", 0.03, 131, np.uint8))
    weights = (
        model.constant("b", random_integers(1, (21, 6), np.int8))
        if is_constant
        else model.input("b", (2, 21, 6), np.int8)
    )
    b = (weights, *model.scale("b", 0.02, -3, np.int8))
    model.node("QLinearMatMul", [*a, *b, *model.scale("y", 0.3, 100, np.uint8)], "y")
    return model


def drawn(model: Model) -> dict[str, Array]:
    return {
        name: random_integers(7 + i, tuple(shape), kind)
        for i, (name, (kind, shape)) in enumerate(model.inputs.items())
    }


MIXED = pytest.mark.parametrize(
    "model",
    [conv(), conv(is_per_channel=True), gemm(), matmul(), matmul(is_constant=False)],
    ids=["conv", "conv_per_channel", "gemm", "matmul", "matmul_of_two_activations"],
)


def largest_difference(left: Array, right: Array) -> int:
    return int(np.abs(left.astype(np.int32) - right.astype(np.int32)).max())


def test_pairs_saturate_as_the_instruction_does():
    """2 * 255 * 127 = 64,770 is 32,767 in 16 bits; the fifth product has no neighbour."""
    a, b = np.full((1, 5), 255, np.uint8), np.full((5, 1), 127, np.int8)
    assert saturating_sums(a, b).tolist() == [[2 * 32_767 + 255 * 127]]
    assert saturating_sums(a, -b).tolist() == [[2 * -32_768 - 255 * 127]]


@MIXED
def test_the_simulation_bites_where_the_file_is_run_as_it_is(model: Model):
    """Else the tests below would hold for any judge."""
    proto = model.proto({"y": np.uint8})
    session = SATURATING.InferenceSession(
        proto.SerializeToString(), SATURATING.SessionOptions(), ["CPUExecutionProvider"]
    )
    (wrong,) = session.run(["y"], drawn(model))
    assert largest_difference(wrong, OnnxRuntime(proto).outputs(drawn(model))["y"]) > 10


@MIXED
def test_the_judge_is_exact_on_every_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Model
):
    proto = model.proto({"y": np.uint8})
    installed = OnnxRuntime(proto).outputs(drawn(model))["y"]
    monkeypatch.setitem(sys.modules, "onnxruntime", SATURATING)
    assert np.array_equal(OnnxRuntime(proto).outputs(drawn(model))["y"], installed)
    ((ours, theirs),) = both(tmp_path, proto, drawn(model))
    assert largest_difference(ours, theirs) <= 1


def test_what_was_rewritten_is_said_and_nothing_else_is_touched():
    (note,) = OnnxRuntime(conv().proto({"y": np.uint8})).notes
    assert "one layer of uint8 x int8 products" in note
    signed = conv(np.int8).proto({"y": np.int8})
    assert OnnxRuntime(signed).notes == ()
    kinds = {"x": TensorProto.INT8, "w": TensorProto.INT8}
    assert exact_products(signed, kinds) == (signed, 0)


def test_a_zero_point_that_is_left_out_is_centred_too():
    model = Model()
    model.input("x", (3, 8), np.uint8)
    model.constant("w", random_integers(1, (8, 5), np.int8))
    model.node("MatMulInteger", ["x", "w"], "y")
    proto = model.proto({"y": np.int32})
    exact, rewritten = exact_products(proto, {"x": TensorProto.UINT8, "w": TensorProto.INT8})
    assert rewritten == 1
    assert list(exact.graph.node[0].input) == ["x", f"{UNSIGNED}w", "", UNSIGNED]
    x = drawn(model)
    expected = x["x"].astype(np.int32) @ model.constants["w"].astype(np.int32)
    assert np.array_equal(OnnxRuntime(proto).outputs(x)["y"], expected)


def inverted_residuals(blocks: int = 3) -> Model:
    """A small MobileNetV2 in QOperator form: residual sums, pooling, reshape, classifier."""
    rng = np.random.default_rng(3)
    model = Model()
    names = iter(f"t{i}" for i in range(99))

    def stored(name: str, scale: float = 0.05) -> tuple[str, str, str]:
        return (name, *model.scale(name, scale, 110, np.uint8))

    def conv(x: tuple[str, ...], shape: tuple[int, ...], **attributes) -> tuple[str, str, str]:
        y = next(names)
        weights = model.constant(f"{y}.w", rng.integers(-127, 128, shape).astype(np.int8))
        scale = 0.6 / np.sqrt(np.prod(shape[1:])) / 64
        w = (weights, *model.scale(f"{y}.w", scale, 0, np.int8))
        bias = model.constant(f"{y}.b", rng.integers(-900, 900, shape[0]).astype(np.int32))
        made = stored(y)
        model.node("QLinearConv", [*x, *w, *made[1:], bias], y, **attributes)
        return made

    model.input("x", (1, 8, 8, 8), np.uint8)
    x = stored("x")
    for _ in range(blocks):
        wide = conv(x, (24, 8, 1, 1))
        deep = conv(wide, (24, 1, 3, 3), group=24, pads=[1, 1, 1, 1])
        thin = conv(deep, (8, 24, 1, 1))
        total = stored(next(names), 0.07)
        model.node("QLinearAdd", [*x, *thin, *total[1:]], total[0])
        x = total
    pooled = stored("pooled", 0.04)
    model.node("QLinearGlobalAveragePool", [*x, *pooled[1:]], "pooled", channels_last=0)
    model.node("Reshape", ["pooled", model.constant("shape", np.array([1, 8]))], "flat")
    w = (model.constant("w", rng.integers(-127, 128, (5, 8)).astype(np.int8)),
         *model.scale("w", 0.004, 0, np.int8))  # fmt: skip
    bias = model.constant("bias", rng.integers(-900, 900, 5).astype(np.int32))
    flat = ("flat", *pooled[1:])
    model.node("QGemm", [*flat, *w, bias, *model.scale("y", 0.03, 120, np.uint8)], "y", transB=1)
    return model


def test_verify_holds_for_a_qoperator_network_where_products_saturate(
    tmp_path: Path, saturating: None
):
    model = inverted_residuals()
    path = tmp_path / "net.onnx"
    onnx.save(model.proto({"y": np.uint8}), path)
    report = verify_model(path, inputs=2)
    assert report.holds
    (note,) = report.json()["notes"]
    assert "10 layers of uint8 x int8 products" in note
    layers = next(
        c for c in report.verification.comparisons if c.what == "each layer, equal inputs"
    )
    # Every tensor that a node makes is given and judged, those of com.microsoft included.
    assert layers.tensors == 2 * len(model.nodes)


def test_tensors_that_onnx_itself_cannot_type_are_cut_too():
    """Else the reshape reads what ONNX Runtime's own layers made: unequal inputs, a false fault."""
    model = inverted_residuals(blocks=1)
    proto = model.proto({"y": np.uint8})
    inferred = {info.name for info in shape_inference.infer_shapes(proto).graph.value_info}
    assert "pooled" not in inferred
    ours = random_integers(5, (1, 8, 1, 1), np.uint8)
    judged = OnnxRuntime(proto).layers(drawn(model), {"pooled": ours, "flat": ours.reshape(1, 8)})
    assert np.array_equal(judged["flat"].theirs, ours.reshape(1, 8))
    assert not np.array_equal(judged["pooled"].theirs, ours)
    assert judged["flat"].roundings == 0


def test_roundings_are_counted_since_the_tensors_that_were_given():
    model = inverted_residuals(blocks=1)
    proto = model.proto({"y": np.uint8})
    whole = OnnxRuntime(proto).outputs(drawn(model))["y"]
    (judged,) = OnnxRuntime(proto).layers(drawn(model), {"y": whole}).values()
    assert judged.roundings == len(model.nodes) - 1  # all but the reshape


def test_only_the_judge_opens_sessions():
    """A test that asks ONNX Runtime elsewhere would depend on the processor again."""
    allowed = {
        Path(judges.__file__),
        ROOT / "examples/digits/train.py",  # a float network in DQ-op-Q form
        ROOT / "tests/saturating_runtime.py",
        Path(__file__),
    }
    folders = ("src", "tests", "examples", "benchmarks")
    files = {path for folder in folders for path in (ROOT / folder).rglob("*.py")}
    opening = {path for path in files if "InferenceSession(" in path.read_text()}
    assert opening <= allowed


@pytest.mark.skipif(not FIELD.is_dir(), reason="../shared/models is not there")
def test_what_grows_over_several_layers_is_reported_apart():
    """Its inner tensors are real in the file and integers here, so they are not ours to give."""
    model = FIELD / "residual_qdq_on_inputs_only/model.onnx"
    report = verify_model(model, options=Options(allow_float=True), inputs=3)
    assert report.holds
    drift = next(c for c in report.verification.comparisons if "drift" in c.what)
    assert (drift.tensors, drift.promise) == (6, "reported")
