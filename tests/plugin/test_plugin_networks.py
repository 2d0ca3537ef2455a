"""Whole networks on two engines: planned, not made by hand, and right on every machine we have."""

from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from digits import MODEL, some_digits
from tilewright.ir.plan import Plan
from tilewright.ir.target import AtMost, MultipleOf, Target
from tilewright.ir.tiling import Hold
from tilewright.pipeline import Compilation, Options, compile_model
from tilewright.report.compiled import layer_rows, layer_table
from tilewright.report.running import layer_costs
from tilewright.run.clock import LayerTime, time_program
from tilewright.run.inputs import Batch, match_inputs, random_batch
from tilewright.run.subject import Subject
from tilewright.run.verify import verify

MODELS = Path(__file__).parents[3] / "shared" / "models" / "mlperf_tiny"

needs_models = pytest.mark.skipif(not MODELS.is_dir(), reason="needs ../shared/models/mlperf_tiny")


def engines_of(made: Compilation) -> Counter[str]:
    """How many layers each engine runs."""
    return Counter(call.engine.name for call in made.program.calls)


def assert_right(made: Compilation, model: Path, batch: Batch) -> None:
    """The planned program and the generated C, run twice under sanitizers, equal the definition."""
    subject = Subject(
        model, made.lowered, made.graph, made.program, made.bundle, made.target.toolchain
    )
    result = verify(subject, batch, sanitizes=True, tell=lambda what: None)
    assert len(result.comparisons) >= 3
    assert [c for c in result.comparisons if not c.holds] == []


def assert_limits_are_kept(made: Compilation) -> None:
    """Every piece on the NPU keeps both limits of its kernel; there are some."""
    judged: Counter[type] = Counter()
    for call in made.program.calls:
        for piece in call.filled:
            for limit in call.kernel.limits:
                extent = piece.signature.output.shape[limit.axis]
                kept = extent % limit.n == 0 if isinstance(limit, MultipleOf) else extent <= limit.n
                assert kept, f"{call.node}: {extent} breaks {limit}"
                judged[type(limit)] += 1
    pieces = sum(len(c.filled) for c in made.program.calls if c.engine.name == "npu")
    assert judged == {MultipleOf: pieces, AtMost: pieces}
    assert pieces > 0


def handovers(plan: Plan) -> list[tuple[str, str]]:
    """(engine that makes a tensor a tile ahead, engine that reads it)."""
    found: list[tuple[str, str]] = []
    for group in plan.groups:
        steps = plan.steps[group.steps.start : group.steps.stop]
        for name in (n for n, hold in group.holds.items() if hold.is_ahead):
            made = next(s.engine for s in steps if s.node.output == name)
            read = next(s.engine for s in steps if name in s.node.inputs)
            assert made is not None
            assert read is not None
            found.append((made.name, read.name))
    return found


def shared_layers(made: Compilation) -> list[LayerTime]:
    """Layers in which both engines work."""
    return [layer for layer in time_program(made.program).layers if len(layer.compute) > 1]


def test_reports_name_the_engine_of_every_layer(gadget: Target) -> None:
    made = compile_model(MODEL, gadget, Options(memory={"L1": 4096}))
    rows = layer_rows(made.program)
    assert [row.engine for row in rows] == [c.engine.name for c in made.program.calls]
    assert sum(row.constants for row in rows) == sum(
        array.nbytes for array in made.program.constants.values()
    )
    console = Console(record=True, width=120, file=StringIO())
    console.print(layer_table(rows))
    text = console.export_text()
    assert all(word in text for word in ("Engine", "npu", "cluster"))
    costs = layer_costs(made.program, None)
    shared = [cost.engine for cost in costs if "+" in cost.engine]
    assert len(shared) == len(shared_layers(made))
    assert {*shared} <= {"npu+cluster", "cluster+npu"}


def test_a_small_network_runs_on_both_engines(gadget: Target) -> None:
    made = compile_model(MODEL, gadget, Options(memory={"L1": 4096}))
    assert engines_of(made).keys() == {"npu", "cluster"}
    assert_limits_are_kept(made)
    batch = match_inputs(made.graph, {made.graph.inputs[0]: some_digits(2)})
    assert_right(made, MODEL, batch)


@needs_models
def test_keyword_spotting_hands_tiles_from_engine_to_engine(gadget: Target) -> None:
    model = MODELS / "kws01_int8.tflite"
    # Scratch of eight cores leaves too little of 16 KiB for tiles that both engines work on.
    made = compile_model(model, gadget, Options(memory={"L1": 20 * 1024}))
    assert engines_of(made)["npu"] >= 4
    assert_limits_are_kept(made)
    assert handovers(made.plan).count(("cluster", "npu")) >= 4
    shared = shared_layers(made)
    assert shared
    for layer in shared:
        # One engine works while the other does: far less than one after the other.
        longest, both = max(layer.compute.values()), sum(layer.compute.values())
        assert layer.stop - layer.start < longest + 0.2 * (both - longest)
    assert_right(made, model, random_batch(made.graph, 2, 7))


@needs_models
@pytest.mark.slow
def test_a_residual_network_adds_while_the_npu_works_on_the_next_tile(gadget: Target) -> None:
    model = MODELS / "ic01_resnet8_int8.tflite"
    made = compile_model(model, gadget)
    assert engines_of(made)["npu"] >= 8
    assert_limits_are_kept(made)
    assert handovers(made.plan).count(("npu", "cluster")) >= 3
    assert_right(made, model, random_batch(made.graph, 1, 7))


@needs_models
@pytest.mark.slow
def test_windows_over_what_the_npu_makes_find_rows_of_the_tile_before(gadget: Target) -> None:
    model = MODELS / "vww96_int8.tflite"
    made = compile_model(model, gadget)
    assert Hold.RELAYED in {hold for group in made.plan.groups for hold in group.holds.values()}
    assert_right(made, model, random_batch(made.graph, 1, 7))
