"""Networks that nobody here made, and what ONNX Runtime's quantiser writes."""

from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from onnxruntime import quantization as ort_quantisation

from evaluate import evaluate_graph
from layer_agreement import layer_agreement, lowered, run_onnx
from onnx_models import Model, compiled
from tilewright.frontend.lower import lower
from tilewright.frontend.onnx_import import import_onnx
from tilewright.frontend.rewrites.rules import simplify
from tilewright.frontend.tflite_import import import_tflite
from tilewright.ir.graph import Contract
from tilewright.ops.layout import Transpose

MODELS = Path(__file__).parents[3] / "shared/models"
MLPERF_TINY = ("resnet8", "kws", "vww", "ad")
needs_corpus = pytest.mark.skipif(not MODELS.is_dir(), reason="../shared/models is not there")


def path_of(name: str) -> Path:
    return MODELS / f"mlperf_tiny/{name}_qdq.onnx"


@needs_corpus
@pytest.mark.parametrize(
    "path",
    [*map(path_of, MLPERF_TINY), MODELS / "onnx_quant/micro_kws_m_static_qdq.onnx"],
    ids=lambda path: path.stem,
)
def test_each_layer_is_at_most_one_off_on_equal_inputs(path: Path):
    rows = layer_agreement(path, seeds=range(4))
    assert [row for row in rows if row.largest > 1] == []
    # numerics.md expects a share of differing bytes below 0.5 %
    assert sum(r.differing for r in rows) < 0.005 * sum(r.elements for r in rows)


@needs_corpus
@pytest.mark.parametrize("name", MLPERF_TINY)
def test_goldens_of_onnx_runtime_keep_their_answer(name: str):
    """Bytes may drift: differences of one grow through the layers that follow."""
    graph = lowered(path_of(name))
    golden = np.load(MODELS / f"mlperf_tiny/{name}_golden.npz")
    inputs = golden["x_nchw"] if "x_nchw" in golden else golden["x_nhwc"]
    shape = graph.type(graph.inputs[0]).shape
    for x, y in zip(inputs, golden["y_ort_noopt"], strict=True):
        out = evaluate_graph(graph, {graph.inputs[0]: x.reshape(shape)})[graph.outputs[0]]
        assert out.argmax() == y.argmax()


@needs_corpus
@pytest.mark.parametrize("name", MLPERF_TINY)
def test_no_transpose_is_left_at_run_time(name: str):
    assert [n for n in lowered(path_of(name)).nodes if isinstance(n.op, Transpose)] == []


@needs_corpus
@pytest.mark.parametrize("contract", [Contract.TFLITE, Contract.PULP], ids=lambda c: c.value)
@pytest.mark.parametrize("name", MLPERF_TINY)
def test_networks_keep_their_answer_under_another_contract(name: str, contract: Contract):
    """Contracts round differently; on real inputs the largest output is the same."""
    own, other = lowered(path_of(name)), lowered(path_of(name), contract)
    golden = np.load(MODELS / f"mlperf_tiny/{name}_golden.npz")
    inputs = golden["x_nchw"] if "x_nchw" in golden else golden["x_nhwc"]
    shape = own.type(own.inputs[0]).shape
    for x in inputs:
        y, z = (
            evaluate_graph(g, {g.inputs[0]: x.reshape(shape)})[g.outputs[0]] for g in (own, other)
        )
        assert y.argmax() == z.argmax()


TFLITE = {"resnet8": "ic01_resnet8", "kws": "kws01", "vww": "vww96", "ad": "ad01"}


@needs_corpus
@pytest.mark.parametrize("contract", [Contract.ONNX, Contract.PULP], ids=lambda c: c.value)
@pytest.mark.parametrize("name", MLPERF_TINY)
def test_tflite_files_keep_their_answer_under_these_contracts(name: str, contract: Contract):
    source = import_tflite(MODELS / f"mlperf_tiny/{TFLITE[name]}_int8.tflite", {})
    graph = lower(simplify(source).graph, contract)
    golden = np.load(MODELS / f"mlperf_tiny/{name}_golden.npz")
    shape = graph.type(graph.inputs[0]).shape
    for x, y in zip(golden["x_nhwc"], golden["y_litert_ref"], strict=True):
        out = evaluate_graph(graph, {graph.inputs[0]: x.reshape(shape)})[graph.outputs[0]]
        assert out.argmax() == y.argmax()


def small_network() -> Model:
    """Convolutions, a residual sum, pooling and a classifier, with seeded weights."""
    rng = np.random.default_rng(7)

    def weights(name: str, *shape: int) -> str:
        return model.constant(name, (rng.standard_normal(shape) * 0.4).astype(np.float32))

    model = Model(opset=17)
    x = model.input("x", (1, 3, 12, 12))
    x = model.node(
        "Conv", (x, weights("w0", 8, 3, 3, 3), weights("b0", 8)), "t0", pads=[1, 1, 1, 1]
    )
    x = trunk = model.node("Relu", (x,), "t1")
    x = model.node("Conv", (x, weights("w1", 8, 1, 3, 3), weights("b1", 8)), "t2",
                   group=8, pads=[1, 1, 1, 1])  # fmt: skip
    x = model.node("HardSwish", (x,), "t3")
    x = model.node("Conv", (x, weights("w2", 8, 8, 1, 1), weights("b2", 8)), "t4")
    x = model.node("Add", (x, trunk), "t5")
    x = model.node("MaxPool", (x,), "t6", kernel_shape=[2, 2], strides=[2, 2])
    x = model.node("Concat", (x, x), "t7", axis=1)
    x = model.node("GlobalAveragePool", (x,), "t8")
    x = model.node("Flatten", (x,), "t9")
    x = model.node("Gemm", (x, weights("w3", 16, 5), weights("b3", 5)), "t10")
    model.node("Softmax", (x,), "y")
    return model


@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
@pytest.mark.parametrize("activations", ["QInt8", "QUInt8"])
@pytest.mark.parametrize("per_channel", [False, True], ids=["per_tensor", "per_channel"])
def test_files_of_the_onnx_runtime_quantiser_are_followed(
    tmp_path: Path, form: str, activations: str, per_channel: bool
):
    """Whole networks may drift by rounding; this one has five layers that can."""
    model = small_network().proto({"y": np.float32})
    (tmp_path / "float.onnx").write_bytes(model.SerializeToString())
    rng = np.random.default_rng(1)
    samples = [{"x": rng.standard_normal((1, 3, 12, 12)).astype(np.float32)} for _ in range(8)]
    path = tmp_path / "quantised.onnx"
    ort_quantisation.quantize_static(
        tmp_path / "float.onnx",
        path,
        Samples(samples),
        quant_format=ort_quantisation.QuantFormat[form],
        activation_type=ort_quantisation.QuantType[activations],
        weight_type=ort_quantisation.QuantType.QInt8,
        per_channel=per_channel,
    )
    graph = compiled(path, allow_float=form == "QOperator")
    for sample in samples:
        (reference,) = run_onnx(onnx.load(path), sample)
        ours = evaluate_graph(graph, sample)[graph.outputs[0]]
        assert np.abs(ours - reference).max() <= 3 / 256


class Samples(ort_quantisation.CalibrationDataReader):
    """Calibration data, as the quantiser wants it."""

    def __init__(self, samples):
        self._samples = iter(samples)

    def get_next(self):
        return next(self._samples, None)


@needs_corpus
def test_an_unknown_batch_size_is_one_and_said_so():
    graph = import_onnx(MODELS / "onnx_quant/micro_kws_m_static_qdq.onnx", {})
    assert graph.type(graph.inputs[0]).shape == (1, 1960)
    assert graph.notes == (
        "input serving_default_input:0 (unk__68x1960): batch size unk__68 taken as 1",
    )
