"""A layer of MobileBERT on the simulated cluster with ITA: every tensor, engines, cycles."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from attention_layers import differing, drawn_sizes, write_layer

from evaluate import evaluate_graph
from siracusa_bench import needs_compiler
from tilewright.api_models import write_model
from tilewright.pipeline import Compilation, Options, compile_model
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.runners import run_bundle
from tilewright.targets.snitch.target import SNITCH_ITA

PEAK = 64**3 // 256
"""Multiply-accumulates a cycle."""


@cache
def layer(network: str = "mobilebert", tokens: int = 128) -> Compilation:
    """One layer."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "layer.onnx"
        write_model(network, path, sequence=tokens, layers=1)
        return compile_model(path, SNITCH_ITA, Options(effort="quick"))


def test_everything_that_multiplies_runs_on_ita() -> None:
    assert {call.engine.name for call in layer().program.calls} == {"ita"}


@needs_compiler
@pytest.mark.slow
def test_every_tensor_of_an_encoders_layer_is_its_definition_with_padded_tokens() -> None:
    made = layer("dinov2-s", 100)
    assert {call.engine.name for call in made.program.calls} == {"ita", "cores"}
    rng = np.random.default_rng(7)
    (name,) = made.graph.inputs
    shape = made.graph.values[name].type.shape
    x = rng.normal(0, 32, (1, *shape)).round().clip(-128, 127).astype(np.int8)
    batch = Batch({name: x}, 1, is_batched=True)
    ran = run_bundle(
        made.bundle, made.program, made.target.toolchain, batch, HostOptions(observes=True)
    )
    assert ran.runs_identical
    wanted = evaluate_graph(made.graph, {name: x[0]})
    for call, raw in zip(made.program.observed, ran.layers[0], strict=True):
        assert raw == wanted[call.output.value.name].tobytes(), call.node.name


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 5])
def test_drawn_attention_layers_are_their_definitions(tmp_path: Path, number: int) -> None:
    """Two of those of benchmarks/attention_layers.py: 92 and 220 tokens, four and seven heads."""
    rng = np.random.default_rng(number)
    write_layer(drawn_sizes(rng), rng, tmp_path / "layer.onnx")
    assert not differing(tmp_path / "layer.onnx", rng)


@needs_compiler
@pytest.mark.slow
def test_every_tensor_of_the_layer_is_its_definition_and_ita_is_busy() -> None:
    made = layer()
    rng = np.random.default_rng(5)
    drawn = rng.normal(0, 32, (2, 2, 8, 64, 64)).round().clip(-128, 127).astype(np.int8)
    (name,) = made.graph.inputs
    batch = Batch({name: drawn}, 2, is_batched=True)
    toolchain = made.target.toolchain
    looked_at = run_bundle(
        made.bundle, made.program, toolchain, batch, HostOptions(observes=True, repeat=1)
    )
    for index in range(2):
        wanted = evaluate_graph(made.graph, dict(batch.one(index)))
        for call, raw in zip(made.program.observed, looked_at.layers[index], strict=True):
            assert raw == wanted[call.output.value.name].tobytes(), call.node.name
    ran = run_bundle(made.bundle, made.program, toolchain, batch, HostOptions(repeat=2))
    assert ran.runs_identical
    assert ran.count is not None
    assert ran.energy is not None
    watt = ran.energy.microjoules / 1e6 * 425e6 / ran.count.total
    assert abs(watt - 0.052) < 1e-5, "the published power"
    macs = sum(
        node.op.macs(*(made.graph.values[n].type for n in node.inputs)) for node in made.graph.nodes
    )
    assert macs / PEAK / ran.count.total > 0.5, "ITA works more than half of the time"
