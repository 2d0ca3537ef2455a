"""A machine with everything: a controller, eight cores, an NPU, four memories."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from broken_programs import needless_waits
from digits import MODEL
from fictional import KIB, chip
from random_networks import random_inputs
from tilewright.errors import CapacityError
from tilewright.ir.program import Load, Store
from tilewright.ir.target import Role
from tilewright.ir.tiling import Hold
from tilewright.pipeline import Compilation, Options, compile_model
from tilewright.report.memory import memory_use
from tilewright.run.inputs import random_batch
from tilewright.run.subject import Subject
from tilewright.run.verify import verify
from tilewright.targets.packs.portable.pack import PORTABLE

TINY = Path(__file__).parents[3] / "shared" / "models" / "mlperf_tiny"


def assert_right(made: Compilation, model: Path) -> None:
    """The planned program and the generated C, run twice under sanitizers, equal the definition."""
    subject = Subject(
        model, made.lowered, made.graph, made.program, made.bundle, made.target.toolchain
    )
    batch = random_batch(made.graph, 2, 7)
    result = verify(subject, batch, sanitizes=True, tell=lambda what: None)
    assert len(result.comparisons) >= 3
    assert [c for c in result.comparisons if not c.holds] == []


def assert_within_sizes(made: Compilation) -> None:
    """Arenas and constants of every memory, and every operand where its engine reaches it."""
    for use in memory_use(made.target, made.plan, made.program):
        assert use.short == 0, f"{use.name}: {use.parts} of {use.size}"
    for call in made.program.calls:
        for operand in (*call.inputs, call.output):
            role = Role.WEIGHT if operand.value.name in made.graph.constants else Role.ACTIVATION
            assert call.engine.reach(operand.place.memory, role) is not None


@pytest.mark.parametrize(
    "sizes",
    [{}, {"l1": 3000, "wmem": 0}, {"l1": 4 * KIB, "l2": 2500}, {"wmem": 3000}],
    ids=str,
)
def test_a_network_runs_where_its_layers_can(sizes: dict[str, int]) -> None:
    made = compile_model(MODEL, chip(**sizes))
    engines = Counter(call.engine.name for call in made.program.calls)
    assert engines["fc"] == 1, "softmax is left to the controller"
    assert engines["npu"] >= 2
    assert engines["cluster"] >= 2
    assert_within_sizes(made)
    assert_right(made, MODEL)


def test_weights_lie_where_their_reader_reaches_them() -> None:
    made = compile_model(MODEL, chip(l1=4 * KIB))
    readers = {
        name: call.engine.name
        for call in made.program.calls
        for name in (o.value.name for o in call.inputs)
        if name in made.graph.constants
    }
    for name, memory in made.plan.constants.items():
        assert memory == ("WMEM" if readers[name] == "npu" else "L2")
    holds = [group.holds for group in made.plan.groups]
    npu = [name for name, engine in readers.items() if engine == "npu"]
    assert all(h[name] is Hold.DIRECT for h in holds for name in npu if name in h)


def test_the_controller_works_on_tensors_at_home() -> None:
    made = compile_model(MODEL, chip())
    (call,) = [call for call in made.program.calls if call.engine.name == "fc"]
    assert {o.place.memory for o in (*call.inputs, call.output)} == {"L2"}


def test_the_order_of_engines_changes_nothing_but_preference() -> None:
    machine = chip()
    backwards = replace(machine, engines=machine.engines[::-1])
    assert (
        (backwards.near, backwards.homes) == (machine.near, machine.homes) == ("L1", ("L2", "L3"))
    )


def relayed(made: Compilation) -> list[Load | Store]:
    """Transfers of the hops between L3 and a relay in L2."""
    actions = (action for layer in made.program.layers for action in layer.flat())
    return [a for a in actions if isinstance(a, Load | Store) and a.transfer.dma.name == "io"]


def test_what_no_single_dma_brings_near_travels_in_hops() -> None:
    """Where L2 is too small for all constants, some lie in L3 and stop in L2 on their way."""
    made = compile_model(MODEL, chip(l1=4 * KIB, l2=1400, wmem=0))
    assert "L3" in made.plan.constants.values()
    assert relayed(made)
    assert all(hop.transfer.near.memory == "L2" for hop in relayed(made))
    assert made.plan.used("L2") <= 1400
    assert_within_sizes(made)
    assert_right(made, MODEL)


def test_every_wait_for_a_hop_is_needed() -> None:
    made = compile_model(MODEL, chip(l1=4 * KIB, l2=1400, wmem=0), Options(effort="quick"))
    assert relayed(made)
    assert needless_waits(made.program, made.graph, random_inputs(made.graph, 3)) == []


def test_activations_live_in_the_next_memory_where_the_closest_is_too_small() -> None:
    everyone = chip(l1=1800, l2=1400)
    cluster = replace(everyone.engines[2], kernels=PORTABLE)
    machine = replace(everyone, engines=(everyone.engines[1], cluster))
    made = compile_model(MODEL, machine)
    assert made.plan.arena_bytes.get("L3"), "no activation lies in L3"
    assert any(isinstance(hop, Store) for hop in relayed(made))
    assert_within_sizes(made)
    assert_right(made, MODEL)


def test_what_is_too_large_for_all_memories_is_refused() -> None:
    with pytest.raises(CapacityError, match="L2 of target 'chip'"):
        compile_model(MODEL, chip(l1=64, l2=1024), Options(effort="quick"))


@pytest.mark.slow
@pytest.mark.skipif(not TINY.is_dir(), reason=f"no models in {TINY}")
@pytest.mark.parametrize("l1", [16 * KIB, 64 * KIB])
@pytest.mark.parametrize("name", ["ad01_int8", "kws01_int8", "ic01_resnet8_int8"])
def test_corpus(name: str, l1: int) -> None:
    made = compile_model(TINY / f"{name}.tflite", chip(l1=l1), Options(effort="quick"))
    assert_within_sizes(made)
    assert_right(made, TINY / f"{name}.tflite")
