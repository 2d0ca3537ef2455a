"""The four MLPerf Tiny networks: every tensor equals LiteRT's reference kernels."""

from pathlib import Path

import numpy as np
import pytest

from evaluate import evaluate_graph
from tflite_models import differences, lowered, reference
from tilewright.ir.graph import Contract

MODELS = Path(__file__).parents[3] / "shared" / "models" / "mlperf_tiny"

NETWORKS = {
    "ad01_int8": "ad_golden",
    "kws01_int8": "kws_golden",
    "ic01_resnet8_int8": "resnet8_golden",
    "vww96_int8": "vww_golden",
}

pytestmark = pytest.mark.skipif(
    not MODELS.is_dir(), reason=f"{MODELS} is absent; it holds networks that are not ours to ship"
)


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> str:
    return request.param


def test_outputs_equal_the_stored_reference_results(network: str, tmp_path: Path) -> None:
    graph = lowered((MODELS / f"{network}.tflite").read_bytes(), tmp_path)
    golden = np.load(MODELS / f"{NETWORKS[network]}.npz")
    shape = graph.type(graph.inputs[0]).shape
    for x, y in zip(golden["x_nhwc"], golden["y_litert_ref"], strict=True):
        ours = evaluate_graph(graph, {graph.inputs[0]: x.reshape(shape)})[graph.outputs[0]]
        assert np.array_equal(ours.reshape(y.shape), y)


@pytest.mark.parametrize("seed", range(3))
def test_every_tensor_equals_litert(network: str, seed: int, tmp_path: Path) -> None:
    model = (MODELS / f"{network}.tflite").read_bytes()
    graph = lowered(model, tmp_path)
    assert graph.contract is Contract.TFLITE
    rng = np.random.default_rng(seed)
    x = rng.integers(-128, 128, graph.type(graph.inputs[0]).shape).astype(np.int8)
    assert differences(graph, model, {graph.inputs[0]: x}) == {}


@pytest.mark.slow
def test_outputs_equal_litert_on_two_hundred_inputs(network: str, tmp_path: Path) -> None:
    model = (MODELS / f"{network}.tflite").read_bytes()
    graph = lowered(model, tmp_path)
    rng = np.random.default_rng(2026)
    for _ in range(200):
        x = rng.integers(-128, 128, graph.type(graph.inputs[0]).shape).astype(np.int8)
        assert differences(graph, model, {graph.inputs[0]: x}) == {}


def test_no_layer_rounds_differently_from_litert(network: str, tmp_path: Path) -> None:
    graph = lowered((MODELS / f"{network}.tflite").read_bytes(), tmp_path)
    assert graph.notes == ()


@pytest.mark.slow
def test_keywords_are_recognised_as_litert_recognises_them(tmp_path: Path) -> None:
    model = (MODELS / "kws01_int8.tflite").read_bytes()
    graph = lowered(model, tmp_path)
    samples = np.load(MODELS / "kws01_eval.npz")
    shape = graph.type(graph.inputs[0]).shape
    right = 0
    for x, label in zip(samples["x"], samples["y"], strict=True):
        inputs = {graph.inputs[0]: x.reshape(shape)}
        ours = evaluate_graph(graph, inputs)[graph.outputs[0]]
        theirs = reference(model, inputs)[graph.outputs[0]]
        assert np.array_equal(ours, theirs)
        right += int(ours.argmax() == label)
    assert right == 901
