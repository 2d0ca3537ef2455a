"""Generated networks whose cores are threads, under ThreadSanitizer: no report, the same bytes."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from digits import MODEL, some_digits
from judged import check_plan
from layout_networks import networks
from properties.test_tiled_equals_whole import assert_bits, lowered
from random_networks import evaluate_graph, random_inputs
from tilewright.backend.bundle import Bundle
from tilewright.backend.print_bundle import print_bundle
from tilewright.backend.stage import stage
from tilewright.errors import MismatchError
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.target import Target
from tilewright.ir.types import Array
from tilewright.midend.assign import assign
from tilewright.midend.plan_memory import plan_memory
from tilewright.pipeline import Compilation, Options, compile_model
from tilewright.run.host import HostOptions, run_on_host
from tilewright.run.inputs import Batch, match_inputs, random_batch
from tilewright.run.result import RunResult
from tilewright.run.thread_sanitizer import why_no_thread_sanitizer
from tilewright.targets.host.target import HOST, on_threads

MODELS = Path(__file__).parents[3] / "shared/models/mlperf_tiny"
CORPUS = ("kws01_int8", "vww96_int8", "ic01_resnet8_int8", "ad01_int8")
MISSING = why_no_thread_sanitizer()

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
relaxed = settings(
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
)


def run(made: Compilation, batch: Batch, bundle: Bundle | None = None) -> RunResult:
    """Two runs of the whole batch in one process."""
    options = HostOptions(finds_races=made.target.engines[0].cores > 1)
    return run_on_host(bundle or made.bundle, made.program, made.target.toolchain, batch, options)


def assert_same(made: Compilation, batch: Batch, wanted: RunResult) -> None:
    result = run(made, batch)
    assert result.runs_identical
    for name, array in wanted.outputs.items():
        np.testing.assert_array_equal(result.outputs[name], array)


@pytest.mark.parametrize(
    ("cores", "sizes"), [(2, {}), (3, {"L2": 1 << 16, "L1": 6144}), (8, {}), (16, {})]
)
def test_digits_are_the_same_on_any_number_of_cores(cores: int, sizes: dict[str, int]) -> None:
    one = compile_model(MODEL, HOST)
    many = compile_model(MODEL, on_threads(HOST, cores), Options(memory=sizes))
    assert "tw_parallel(" in many.bundle.files[f"{many.program.name}.c"]
    batch = match_inputs(one.graph, {one.graph.inputs[0]: some_digits(2)})
    assert_same(many, batch, run(one, batch))


def test_cores_that_share_their_scratch_are_found() -> None:
    made = compile_model(MODEL, on_threads(HOST, 8))
    files = {
        path: re.sub(r"\.stride = \d+", ".stride = 0", text)
        for path, text in made.bundle.files.items()
    }
    batch = match_inputs(made.graph, {made.graph.inputs[0]: some_digits(2)})
    with pytest.raises(MismatchError, match="data race"):
        run(made, batch, replace(made.bundle, files=files))


def test_scratch_is_planned_for_every_core() -> None:
    made = compile_model(MODEL, on_threads(HOST, 8))
    parts = [call for call in made.program.calls if call.scratch is not None]
    assert parts
    for call in parts:
        alone = call.kernel.scratch_bytes(call.node.op, call.signature)
        assert call.scratch_bytes == 8 * call.scratch_stride
        assert alone <= call.scratch_stride < alone + 4
        assert call.scratch_stride % 4 == 0


@settings(relaxed, max_examples=6, phases=(Phase.generate,))
@given(networks(is_stored=True), st.sampled_from((2, 3, 8)), st.integers(0, 99))
def test_drawn_networks_compute_the_definition_on_several_cores(
    source: Graph, cores: int, seed: int
) -> None:
    graph, target = lowered(source), on_threads(HOST, cores)
    each = [random_inputs(graph, seed), random_inputs(graph, seed + 1)]
    result = run_drawn(graph, target, each)
    for index, inputs in enumerate(each):
        made = {name: array[index] for name, array in result.outputs.items()}
        assert_bits(graph, made, evaluate_graph(graph, inputs))


def run_drawn(graph: Graph, target: Target, each: list[dict[ValueName, Array]]) -> RunResult:
    plan = plan_memory(graph, assign(graph, target), target)
    check_plan(plan, graph, target)
    program = stage(graph, plan, target, "net")
    batch = Batch({n: np.stack([i[n] for i in each]) for n in graph.inputs}, 2, is_batched=True)
    bundle = print_bundle(program, plan, graph, "0")
    return run_on_host(bundle, program, target.toolchain, batch, HostOptions(finds_races=True))


@pytest.mark.slow
@pytest.mark.skipif(not MODELS.is_dir(), reason="../shared/models is not there")
@pytest.mark.parametrize("name", CORPUS)
def test_the_corpus_is_the_same_on_any_number_of_cores(name: str) -> None:
    model = MODELS / f"{name}.tflite"
    one = compile_model(model, HOST)
    batch = random_batch(one.graph, 2, 7)
    wanted = run(one, batch)
    for cores in (2, 3, 8, 16):
        assert_same(compile_model(model, on_threads(HOST, cores)), batch, wanted)
