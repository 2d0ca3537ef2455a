"""Machines with an engine beside the core: plans are right, and as fast as they say."""

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from judged import check_plan
from random_networks import Largest, Network, evaluate_graph, graphs, places_of, random_inputs
from tilewright.backend.stage import stage
from tilewright.errors import CapacityError
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Plan
from tilewright.ir.target import Target
from tilewright.ir.tiling import Hold
from tilewright.midend.assign import assign
from tilewright.midend.memory.allocate import place
from tilewright.midend.plan_memory import plan_memory
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.window2d import Window2d
from tilewright.run.clock import time_program
from tilewright.run.interpret import interpret
from two_engines import ONE_ROW, POINT, WINDOW, chain, every_way, machine, windows

drawn = settings(
    derandomize=True, deadline=None, max_examples=40, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def is_right(plan: Plan, graph: Graph, target: Target) -> int:
    """Cycles of a plan that keeps all rules and computes the network."""
    check_plan(plan, graph, target)
    program = stage(graph, plan, target, "net")
    inputs = random_inputs(graph, 3)
    wanted = evaluate_graph(graph, inputs)
    made = interpret(program, graph, inputs)
    for name, array in made.outputs.items():
        assert (array == wanted[name]).all()
    return made.timing.cycles


@drawn
@given(st.lists(windows, min_size=2, max_size=4), st.integers(6, 14), st.booleans())
def test_every_way_takes_as_long_as_it_says(
    shapes: list[Window2d], rows: int, shares: bool
) -> None:
    target = machine(shares=shares)
    try:
        graph = chain(*shapes, rows=rows)
    except ValueError:
        assume(False)
        return
    cuts = every_way(graph, target)
    for cut in cuts[:: len(cuts) // 30 + 1]:
        plan = place(graph, (cut,), places_of(graph, cut.steps, target))
        event(f"{sorted({hold.value for hold in cut.group.holds.values()})}")
        assert is_right(plan, graph, target) == cut.cycles


@pytest.mark.parametrize("shapes", [(WINDOW, POINT), (POINT, ONE_ROW), (POINT, WINDOW)])
def test_of_two_engines_the_slower_one_sets_the_pace(shapes: tuple[Window2d, ...]) -> None:
    """The NPU's work is handed to the core, and the other way round; the last pair needs rows of
    one tile again for the next."""
    graph, target = chain(*shapes, rows=32), machine()
    plan = plan_memory(graph, assign(graph, target), target)
    assert {Hold.PASSED, Hold.RELAYED} & {*plan.groups[0].holds.values()}
    timing = time_program(stage(graph, plan, target, "net"))
    (layer,) = timing.layers
    longest, both = max(layer.compute.values()), sum(layer.compute.values())
    assert layer.compute.keys() == {"npu", "core"}
    assert longest < timing.cycles < longest + 0.3 * (both - longest)


def test_the_core_works_between_the_start_of_an_engine_and_the_wait_for_it() -> None:
    net, target = Network(), machine()
    x = net.input(1, 8, 5, 4)
    on_core, on_npu = net.node(MaxPool2d(POINT), x), net.node(MaxPool2d(WINDOW), x)
    graph = net.build(net.node(Largest(), on_core, on_npu))
    cut = next(cut for cut in every_way(graph, target) if not cut.group.order)
    (layer,) = stage(
        graph, place(graph, (cut,), places_of(graph, cut.steps, target)), target, "net"
    ).layers
    names = [type(action).__name__ for action in layer.actions]
    assert names[names.index("Offload") :][:4] == ["Offload", "Call", "Join", "Call"]


@drawn
@given(graph=graphs(), shares=st.booleans(), size=st.integers(200, 3000))
def test_drawn_networks_are_right_on_two_engines(graph: Graph, shares: bool, size: int) -> None:
    target = machine(shares=shares, size=size // 4 * 4)
    try:
        plan = plan_memory(graph, assign(graph, target), target, "quick")
    except CapacityError:
        assume(False)
        return
    is_right(plan, graph, target)
