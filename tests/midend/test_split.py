"""Reductions that no near memory holds are summed in parts; all others stay as they are."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from random_networks import evaluate_graph, random_inputs
from tilewright.backend.print_bundle import print_bundle
from tilewright.backend.stage import stage
from tilewright.errors import CapacityError
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Plan
from tilewright.ir.target import Target
from tilewright.midend.assign import assign
from tilewright.midend.lockfile import plan_text
from tilewright.midend.split import hopeless, oversized, split_nodes, unsplit_names
from tilewright.midend.tiling.fusible import with_sums_late
from tilewright.pipeline import Options, Planned, load_target, plan_network, with_memory
from tilewright.run.clock import time_program
from tilewright.run.host import HostOptions, run_on_host
from tilewright.run.inputs import random_batch
from tilewright.run.interpret import interpret
from wide_layers import NETWORKS, branches, layers


def host(near: int, far: int = 1 << 20) -> Target:
    return with_memory(load_target("host"), {"L2": far, "L1": near})


def planned(graph: Graph, near: int, **options: str) -> Planned:
    return plan_network(graph, host(near), Options(**options))


@cache
def planned_network(name: str) -> tuple[Graph, Plan]:
    """A network of wide_layers in parts; several tests look at the same plan."""
    computed, _, plan, _ = planned(*NETWORKS[name])
    return computed, plan


def test_only_what_cannot_fit_is_split():
    graph, _ = NETWORKS["dense"]
    computed, plan = planned_network("dense")
    assert [n.name for n in computed.nodes] == ["look", "wide.sums", "wide", "narrow"]
    assert [g.parts > 0 for g in plan.groups] == [False, True, False]
    assert "wide (QDense): does not fit the near memory at once" in computed.notes[0]
    inputs = random_inputs(graph, 0)
    for name, wanted in evaluate_graph(graph, inputs).items():
        np.testing.assert_array_equal(evaluate_graph(computed, inputs)[name], wanted)


def test_what_fits_stays_whole():
    graph = layers(300, 20)
    assert planned(graph, 4096)[0] is graph


def test_a_layer_over_16384_inputs_fits_into_8_kib():
    computed, _, plan, _ = planned(layers(16384, 40), 8192)
    assert "wide.sums" in [node.name for node in computed.nodes]
    assert plan.arena_bytes["L1"] <= 8192


@pytest.mark.parametrize("effort", ["quick", "normal", "best"])
def test_sums_and_their_finish_stay_together_at_every_effort(effort: str):
    _, _, plan, _ = planned(layers(6000, 5), 4096, effort=effort)
    (group,) = (g for g in plan.groups if g.parts)
    names = [plan.steps[i].node.name for i in range(group.steps.start, group.steps.stop)]
    assert names == ["wide.sums", "wide"]


def test_every_finish_stands_just_behind_its_sums_whatever_memory_the_order_saves():
    graph = split_nodes(branches(), ["wide", "slim"])
    named = {step.node.name: step for step in assign(graph, host(4096)).steps}
    order = ["look", "slim.sums", "wide.sums", "slim", "wide"]
    late = with_sums_late(graph, [named[name] for name in order])
    assert [s.node.name for s in late] == ["look", "slim.sums", "slim", "wide.sums", "wide"]


@pytest.mark.parametrize("effort", ["quick", "normal"])
def test_branches_that_are_summed_in_parts_fit_at_every_effort(effort: str):
    _, _, plan, _ = planned(branches(), 1100, effort=effort)
    assert plan.arena_bytes["L1"] <= 1100


def test_a_layer_that_is_hopeless_is_told_from_one_that_is_only_large():
    graph = layers(6000, 20)
    assignment = assign(graph, host(4096))
    assert hopeless(graph, assignment, host(4096)) == {"wide"}
    # A row of weights and the inputs fit, the widened inputs beside them do not.
    assert hopeless(graph, assignment, host(14000)) == frozenset()
    assert oversized(graph, assignment, host(14000)) == {"wide"}
    assert oversized(graph, assignment, host(40000)) == frozenset()


def test_one_memory_is_never_too_small_for_a_row():
    machine = with_memory(load_target("host"), {"ram": 1024})
    graph = layers(1500, 20)
    assert hopeless(graph, assign(graph, machine), machine) == frozenset()
    with pytest.raises(CapacityError):
        plan_network(graph, machine, Options())


def test_too_little_even_for_parts_is_still_refused():
    with pytest.raises(CapacityError):
        planned(layers(1500, 5), 128)


def test_names_tell_what_was_split():
    names = [node.name for node in split_nodes(layers(30, 4), ("wide",)).nodes]
    assert unsplit_names(names) == {"wide"}


@pytest.mark.parametrize("network", NETWORKS)
def test_interpreter_and_sanitised_c_equal_the_definition(network: str):
    graph, near = NETWORKS[network]
    computed, plan = planned_network(network)
    assert any(group.parts for group in plan.groups)
    program = stage(computed, plan, host(near), "net")
    batch = random_batch(graph, 2, seed=1)
    bundle = print_bundle(program, plan, computed, "0")
    options = HostOptions(sanitizes=True)
    result = run_on_host(bundle, program, host(near).toolchain, batch, options)
    assert result.runs_identical
    (output,) = graph.outputs
    for index in range(2):
        wanted = evaluate_graph(graph, batch.one(index))[output]
        np.testing.assert_array_equal(result.outputs[output][index], wanted)
        made = interpret(program, computed, batch.one(index)).outputs[output]
        np.testing.assert_array_equal(made, wanted)


@pytest.mark.parametrize("network", NETWORKS)
def test_copies_hide_behind_sums(network: str):
    _, near = NETWORKS[network]
    computed, plan = planned_network(network)
    program = stage(computed, plan, host(near), "net")
    timing = time_program(program)
    # A call costs something: at times fewer, larger parts one after another are the fastest.
    assert timing.bound >= (0.9 if network != "dense" else 0.8) * timing.cycles


def test_a_stored_plan_splits_the_same_nodes(tmp_path: Path):
    graph, near = NETWORKS["dense"]
    computed, plan = planned_network("dense")
    stored = tmp_path / "plan.json"
    stored.write_text(plan_text(plan, computed))
    again, _, same, _ = plan_network(graph, host(near), Options(plan=stored))
    assert again.nodes == computed.nodes
    assert plan_text(same, again) == plan_text(plan, computed)


@settings(derandomize=True, deadline=None, max_examples=6, phases=(Phase.generate,))
@given(st.integers(1500, 7000), st.integers(1, 40), st.integers(700, 3000))
def test_drawn_layers_in_drawn_memories(inputs: int, outputs: int, near: int):
    graph = layers(inputs, outputs)
    computed, _, plan, _ = planned(graph, near, effort="quick")
    program = stage(computed, plan, host(near), "net")
    timing = time_program(program)
    given_once = random_batch(graph, 1, seed=inputs).one(0)
    (output,) = graph.outputs
    made = interpret(program, computed, given_once).outputs[output]
    np.testing.assert_array_equal(made, evaluate_graph(graph, given_once)[output])
    assert plan.proof is not None
    assert abs(timing.cycles - plan.proof.cycles) <= 0.05 * timing.cycles
