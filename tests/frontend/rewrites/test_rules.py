from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from evaluate import evaluate_graph
from layout_networks import networks
from rewriting import assert_origins_are_true, assert_same_outputs, drawn_inputs, operators
from tilewright.frontend.lower import lower
from tilewright.frontend.onnx_import import import_onnx
from tilewright.frontend.rewrites.rules import LOWERED_RULES, SOURCE_RULES, optimise, simplify
from tilewright.frontend.tflite_import import import_tflite
from tilewright.ir.graph import Contract, Graph
from work import counted

MODELS = Path(__file__).parents[4] / "shared/models/mlperf_tiny"
needs_corpus = pytest.mark.skipif(not MODELS.is_dir(), reason="../shared/models is not there")
INTEGERS = (Contract.TFLITE, Contract.ONNX, Contract.PULP)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(networks(is_stored=False))
def test_real_networks_compute_the_same_after_simplifying(before) -> None:
    after = simplify(before).graph
    assert_same_outputs(before, after)
    assert_origins_are_true(before, after)
    assert simplify(after).graph is after


def assert_same_integers(before: Graph) -> None:
    """Simplified or not, each contract makes the same integers; optimising changes none either."""
    after = simplify(before).graph
    assert simplify(after).graph is after
    for contract in INTEGERS:
        plain, simple = lower(before, contract), lower(after, contract)
        assert_same_outputs(plain, simple)
        assert_same_outputs(plain, optimise(simple, prune=True).graph)
        assert_origins_are_true(plain, simple)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(networks(is_stored=True))
def test_simplifying_changes_no_integer_under_any_contract(before) -> None:
    assert_same_integers(before)


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=1000)
@given(networks(is_stored=True))
def test_simplifying_changes_no_integer_over_many_networks(before) -> None:
    assert_same_integers(before)


@pytest.mark.parametrize("rules", [SOURCE_RULES, LOWERED_RULES])
def test_rules_have_one_name_and_one_sentence_each(rules) -> None:
    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.summary.endswith(".")
        assert ". " not in rule.summary


def imported(name: str) -> Graph:
    path = MODELS / name
    return import_onnx(path, {}) if path.suffix == ".onnx" else import_tflite(path, {})


NETWORKS = (
    "ad01_int8.tflite", "ic01_resnet8_int8.tflite", "kws01_int8.tflite", "vww96_int8.tflite",
    "ad_qdq.onnx", "resnet8_qdq.onnx", "kws_qdq.onnx", "vww_qdq.onnx",
)  # fmt: skip


@needs_corpus
@pytest.mark.parametrize("name", NETWORKS)
def test_no_transpose_and_no_activation_of_its_own_is_left_in_mlperf_tiny(name) -> None:
    left = set(operators(simplify(imported(name)).graph))
    assert not left & {"Transpose", "Clip", "Pad", "BatchNorm"}


@needs_corpus
@pytest.mark.parametrize("name", ["vww96_int8.tflite", "vww_qdq.onnx"])
def test_half_of_the_person_detector_is_dead(name) -> None:
    source = imported(name)
    lowered = lower(simplify(source).graph, source.contract)
    optimised = optimise(lowered, prune=True)
    report = optimised.prune
    assert report is not None
    assert (report.macs_before, report.macs_after) == (7_489_664, 3_733_073)
    assert (report.weight_bytes_before, report.weight_bytes_after) == (208_112, 29_286)
    inputs = drawn_inputs(lowered, np.random.default_rng(1))
    full, pruned = (evaluate_graph(graph, inputs) for graph in (lowered, optimised.graph))
    for node in optimised.graph.nodes:
        origin = optimised.graph.values[node.output].origin
        kept = slice(None) if origin is None or origin.kept is None else list(origin.kept)
        np.testing.assert_array_equal(pruned[node.output], full[node.output][..., kept])


@needs_corpus
@pytest.mark.parametrize("name", [n for n in NETWORKS if "vww" not in n])
def test_the_other_mlperf_tiny_networks_have_no_dead_channel(name) -> None:
    source = imported(name)
    lowered = lower(simplify(source).graph, source.contract)
    report = optimise(lowered, prune=True).prune
    assert report is not None
    assert report.removed == ()
    assert report.macs_after == lowered.macs


@needs_corpus
def test_rewriting_the_person_detector_is_little_work() -> None:
    source = imported("vww_qdq.onnx")
    with counted() as simplifying:
        simple = simplify(source).graph
    lowered = lower(simple, source.contract)
    with counted() as optimising:
        optimise(lowered, prune=True)
    assert simplifying.calls + optimising.calls < 60_000  # 26,631
