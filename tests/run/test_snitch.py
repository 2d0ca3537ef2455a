"""Networks on the simulated Snitch cluster: outputs, layers, memory to the byte, refusals."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from digits import MODEL, some_digits
from evaluate import evaluate_graph
from siracusa_bench import needs_compiler
from tilewright import api
from tilewright.errors import OptionError
from tilewright.pipeline import Compilation, Options, compile_model
from tilewright.run.host import HostOptions
from tilewright.run.inputs import match_inputs
from tilewright.run.result import RunResult
from tilewright.run.runners import run_bundle
from tilewright.targets.snitch.link_script import link_script
from tilewright.targets.snitch.machine import L1_BASE, L1_BYTES, RESERVED_BYTES
from tilewright.targets.snitch.target import SNITCH, with_cores

KIB = 1024
TINY = Path(__file__).parents[2].parent / "shared/models/mlperf_tiny"
needs_models = pytest.mark.skipif(not TINY.is_dir(), reason="the MLPerf Tiny models are elsewhere")


@cache
def ran(
    l1: int = L1_BYTES, cores: int = 8, *, observes: bool = False
) -> tuple[Compilation, RunResult]:
    """The digits network in so much L1, two inferences, twice."""
    compiled = compile_model(MODEL, with_cores(cores), Options(memory={"L1": l1}))
    batch = match_inputs(compiled.graph, {"image": some_digits(2)})
    options = HostOptions(observes=observes)
    toolchain = compiled.target.toolchain
    return compiled, run_bundle(compiled.bundle, compiled.program, toolchain, batch, options)


@needs_compiler
@pytest.mark.parametrize(("l1", "cores"), [(16 * KIB, 8), (L1_BYTES, 8), (16 * KIB, 3)])
def test_networks_compute_what_the_definitions_say_twice(l1: int, cores: int) -> None:
    compiled, result = ran(l1, cores)
    (output,) = compiled.graph.outputs
    batch = match_inputs(compiled.graph, {"image": some_digits(2)})
    for index in range(2):
        wanted = evaluate_graph(compiled.graph, dict(batch.one(index)))[output]
        assert np.array_equal(result.outputs[output][index], wanted)
    assert (result.runs, result.runs_identical) == (2, True)
    assert result.stack is not None
    assert 0 < result.stack < RESERVED_BYTES


@needs_compiler
def test_every_layer_can_be_looked_at() -> None:
    compiled, result = ran(16 * KIB, observes=True)
    batch = match_inputs(compiled.graph, {"image": some_digits(2)})
    for index in range(2):
        wanted = evaluate_graph(compiled.graph, dict(batch.one(index)))
        for call, raw in zip(compiled.program.observed, result.layers[index], strict=True):
            assert raw == wanted[call.output.value.name].tobytes(), call.node.name


@needs_compiler
def test_cycles_are_those_of_the_core_that_runs_the_network() -> None:
    eight, three = ran()[1].count, ran(16 * KIB, 3)[1].count
    assert eight is not None
    assert three is not None
    assert 0 < eight.total - sum(eight.layers) < 1000, "what runs before the first layer"
    # One multiplier for all: eight cores are less than 8/3 times as fast as three.
    assert 1.5 < three.total / eight.total < 8 / 3


@pytest.mark.parametrize("l1", [16 * KIB, 64 * KIB, L1_BYTES])
def test_l1_is_kept_to_the_byte_with_stacks_and_what_cores_share(l1: int) -> None:
    compiled = compile_model(MODEL, SNITCH, Options(memory={"L1": l1}))
    script = link_script(compiled.program.arena_bytes["L1"])
    (line,) = (line for line in script.splitlines() if f"ORIGIN = {L1_BASE:#x}" in line)
    linked = int(line.rpartition("= ")[2])
    assert linked == -(-compiled.program.arena_bytes["L1"] // 16) * 16 + RESERVED_BYTES <= l1


def test_too_little_l1_for_stacks_is_said() -> None:
    with pytest.raises(OptionError, match=r"stacks and what cores share take"):
        compile_model(MODEL, SNITCH, Options(memory={"L1": 1024}))


@needs_compiler
@needs_models
@pytest.mark.slow
@pytest.mark.parametrize("file", ["kws01_int8.tflite", "ad01_int8.tflite"])
def test_tiny_networks_agree_with_their_definitions(file: str) -> None:
    verified = api.verify_model(TINY / file, "snitch", inputs=1)
    assert verified.verification.holds
