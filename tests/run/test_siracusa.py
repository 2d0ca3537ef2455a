"""Networks on the simulated Siracusa: outputs, layers, memory to the byte, overlap, refusals."""

import json
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from digits import MODEL, some_digits
from evaluate import evaluate_graph
from siracusa_bench import needs_compiler
from tilewright import api
from tilewright.errors import OptionError, ToolError
from tilewright.pipeline import Compilation, Options, compile_model
from tilewright.run.host import HostOptions
from tilewright.run.inputs import match_inputs
from tilewright.run.result import RunResult
from tilewright.run.runners import run_bundle
from tilewright.targets.siracusa.link_script import link_script
from tilewright.targets.siracusa.machine import L1_BASE, L1_BYTES, reserved_bytes
from tilewright.targets.siracusa.target import SIRACUSA, with_cores

KIB = 1024
TINY = Path(__file__).parents[2].parent / "shared/models/mlperf_tiny"
needs_models = pytest.mark.skipif(not TINY.is_dir(), reason="the MLPerf Tiny models are elsewhere")


@cache
def ran(l1: int = L1_BYTES, *, observes: bool = False) -> tuple[Compilation, RunResult]:
    """The digits network in so much L1, three inferences, twice."""
    compiled = compile_model(MODEL, SIRACUSA, Options(memory={"L1": l1}))
    batch = match_inputs(compiled.graph, {"image": some_digits(3)})
    options = HostOptions(observes=observes)
    toolchain = compiled.target.toolchain
    return compiled, run_bundle(compiled.bundle, compiled.program, toolchain, batch, options)


@needs_compiler
@pytest.mark.parametrize("l1", [16 * KIB, L1_BYTES])
def test_networks_compute_what_the_definitions_say_twice(l1: int) -> None:
    compiled, result = ran(l1)
    (output,) = compiled.graph.outputs
    batch = match_inputs(compiled.graph, {"image": some_digits(3)})
    for index in range(3):
        wanted = evaluate_graph(compiled.graph, dict(batch.one(index)))[output]
        assert np.array_equal(result.outputs[output][index], wanted)
    assert (result.runs, result.runs_identical) == (2, True)


@needs_compiler
def test_every_layer_can_be_looked_at() -> None:
    compiled, result = ran(observes=True)
    batch = match_inputs(compiled.graph, {"image": some_digits(3)})
    for index in range(3):
        wanted = evaluate_graph(compiled.graph, dict(batch.one(index)))
        for call, raw in zip(compiled.program.observed, result.layers[index], strict=True):
            assert raw == wanted[call.output.value.name].tobytes(), call.node.name


@needs_compiler
def test_cycles_are_of_one_warm_inference_layer_by_layer() -> None:
    count = ran()[1].count
    assert count is not None
    assert count.unit == "cycles"
    assert 0 < count.total - sum(count.layers) < 1000, "what runs before the first layer"
    assert min(count.layers) > 0


@needs_compiler
def test_a_run_has_a_timeline_with_layers_and_an_estimate_of_energy() -> None:
    result = ran()[1]
    assert result.count is not None
    assert result.timeline is not None
    assert result.energy is not None
    events = json.loads(result.timeline)["traceEvents"]
    named = {e["tid"]: e["args"]["name"] for e in events if e["ph"] == "M"}
    assert {"core 0", "core 7", "DMA to L1", "N-EUREKA", "layers"} <= set(named.values())
    layers = [e for e in events if e["ph"] == "X" and named[e["tid"]] == "layers"]
    assert tuple(e["dur"] for e in layers) == result.count.layers
    first, last = layers[0]["ts"], layers[-1]["ts"] + layers[-1]["dur"]
    moved = [e for e in events if e["ph"] == "X" and named[e["tid"]] == "DMA to L1"]
    assert moved
    assert all(first - 1000 <= e["ts"] <= last for e in moved)
    least = 83 * result.count.total / 1e6
    assert least < result.energy.microjoules < least + 8 * 36 * result.count.total / 1e6 * 1.2


@pytest.mark.parametrize("l1", [16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB, L1_BYTES])
def test_l1_is_kept_to_the_byte_with_stacks_and_what_cores_share(l1: int) -> None:
    compiled = compile_model(MODEL, SIRACUSA, Options(memory={"L1": l1}))
    arena = compiled.program.arena_bytes["L1"]
    script = link_script(arena, 8)
    (line,) = (line for line in script.splitlines() if f"ORIGIN = {L1_BASE:#x}" in line)
    linked = int(line.rpartition("= ")[2])
    assert linked == -(-arena // 16) * 16 + reserved_bytes(8) <= l1


@needs_compiler
@pytest.mark.parametrize("l1", [16 * KIB, L1_BYTES])
def test_stacks_take_what_is_reserved_for_them(l1: int) -> None:
    result = ran(l1)[1]
    assert result.stack is not None
    assert 0 < result.stack < reserved_bytes(8)


@needs_compiler
@pytest.mark.parametrize("cores", [1, 2, 3])
def test_any_number_of_cores_gives_the_same_bytes(cores: int) -> None:
    compiled = compile_model(MODEL, with_cores(cores), Options())
    batch = match_inputs(compiled.graph, {"image": some_digits(1)})
    toolchain = compiled.target.toolchain
    result = run_bundle(compiled.bundle, compiled.program, toolchain, batch, HostOptions())
    (output,) = compiled.graph.outputs
    assert np.array_equal(result.outputs[output][0], ran()[1].outputs[output][0])


def test_too_little_l1_for_stacks_is_said() -> None:
    with pytest.raises(OptionError, match=r"stacks and what cores share take"):
        compile_model(MODEL, SIRACUSA, Options(memory={"L1": 1024}))


def test_a_missing_compiler_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(name: str) -> None:
        del name

    monkeypatch.setattr(shutil, "which", nowhere)
    with pytest.raises(ToolError, match=r"gcc-riscv64-unknown-elf"):
        api.run_model(MODEL, "siracusa")


@needs_compiler
@needs_models
@pytest.mark.slow
@pytest.mark.parametrize("file", ["kws01_int8.tflite", "ad01_int8.tflite"])
def test_tiny_networks_agree_with_their_definitions(file: str) -> None:
    verified = api.verify_model(TINY / file, "siracusa", inputs=1)
    assert verified.verification.holds
