"""Plans for near and far memory: right, within their size, as fast as exhaustive search says, and
as fast as the clock says."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judged import check_plan
from random_networks import (
    Largest,
    Network,
    evaluate_graph,
    fake_kernel,
    graphs,
    places_of,
    random_inputs,
)
from tilewright.backend.stage import stage
from tilewright.errors import CapacityError
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.op import Op
from tilewright.ir.plan import Plan
from tilewright.ir.target import (
    Dma,
    Engine,
    Kernel,
    Memory,
    Reach,
    Role,
    Signature,
    Streaming,
    Target,
    Toolchain,
)
from tilewright.ir.tiling import Hold
from tilewright.midend.assign import assign
from tilewright.midend.choice.candidates import EFFORTS, Candidates
from tilewright.midend.choice.paths import Paths
from tilewright.midend.choice.ways import Tensors
from tilewright.midend.plan_memory import plan_memory
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.window2d import Window2d
from tilewright.run.clock import time_program
from tilewright.run.interpret import interpret

NEAR = frozenset({Role.ACTIVATION, Role.SCRATCH, Role.TILE})


def per_element(op: Op, signature: Signature) -> int:
    del op
    return signature.output.size


def named(symbol: str = "anything") -> Kernel:
    kernel = fake_kernel(symbol, streaming=Streaming((0, 1, 2), 1), cycles=per_element)
    return replace(kernel, pointers=("a", "b", "c", "y"))


def target(size: int, *engines: Engine, bandwidth: float = 1.0) -> Target:
    return Target(
        name="fake", summary="a far memory and a near one",
        memories=(Memory("flash", None), Memory("L2", None), Memory("L1", size, 4, NEAR)),
        engines=engines or (Engine("core", "core", (Reach("L1"),), (named(),)),),
        toolchain=Toolchain("none", "none", ()),
        dmas=(Dma("dma", ("L2", "L1"), 3, 4, bandwidth), Dma("dma", ("flash", "L1"), 3, 4, 1.0)),
    )  # fmt: skip


def planned(graph: Graph, machine: Target, effort: str = "normal") -> Plan:
    plan = plan_memory(graph, assign(graph, machine), machine, effort)
    check_plan(plan, graph, machine)
    return plan


def paths_of(graph: Graph, machine: Target, effort: str = "normal") -> Paths:
    steps = assign(graph, machine).steps
    found = Candidates(graph, steps, places_of(graph, steps, machine), EFFORTS[effort])
    return Paths(found.net, found.ways)


def window(net: Network, x: ValueName) -> ValueName:
    return net.node(MaxPool2d(Window2d((3, 3), (1, 1), (1, 1, 1, 1))), x)


def chain(length: int, *, is_residual: bool = False) -> Graph:
    net = Network()
    x = net.input(1, 12, 6, 4)
    first = y = window(net, x)
    for _ in range(length - 1):
        y = window(net, y)
    return net.build(net.node(Largest(), first, y) if is_residual else y)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(graphs(max_nodes=5), st.floats(0, 1), st.integers(0, 99))
def test_plans_compute_the_network_and_never_exceed_near_memory(
    graph: Graph, share: float, seed: int
):
    least = paths_of(graph, target(1 << 30)).least(4)
    size = least + int(share * 400)
    try:
        plan = planned(graph, target(size))
    except CapacityError:  # all fits at once, but not into one piece of memory
        assert share < 0.5
        return
    assert plan.arena_bytes.get("L1", 0) <= size
    inputs = random_inputs(graph, seed)
    wanted = evaluate_graph(graph, inputs)
    result = interpret(stage(graph, plan, target(size), "net"), graph, inputs)
    for name, array in result.outputs.items():
        np.testing.assert_array_equal(array, wanted[name])


@pytest.mark.parametrize("size", [250, 500, 1000, 4000])
@pytest.mark.parametrize("bandwidth", [0.25, 1.0, 8.0])
def test_estimated_cycles_are_those_of_the_clock(size: int, bandwidth: float):
    graph, machine = chain(3, is_residual=True), target(size, bandwidth=bandwidth)
    ways = paths_of(graph, machine).cheapest(size)
    assert ways is not None
    cycles = time_program(stage(graph, planned(graph, machine), machine, "net")).cycles
    assert cycles <= sum(way.cycles for way in ways) <= 1.05 * cycles


def every_path(paths: Paths, limit: int) -> Iterator[int]:
    """Cycles of every sequence of ways that is allowed, one by one."""
    net = paths.net

    def follow(start: int, near: Tensors, cycles: int) -> Iterator[int]:
        if start == len(net.steps):
            yield cycles
            return
        for way in paths.ways:
            lies_well = way.near <= near and not way.far & near
            is_next = way.members == (*range(start, way.stop),)
            if is_next and lies_well and way.bytes + net.alive.bytes(near - way.dying) <= limit:
                made = near | {way.makes} if way.is_near else near
                after = frozenset(name for name in made if net.last_use(name) >= way.stop)
                yield from follow(way.stop, after, cycles + way.cycles)

    yield from follow(0, frozenset(), 0)


@pytest.mark.parametrize(("length", "size"), [*product((1, 2, 3), (200, 300, 500, 900))])
def test_no_sequence_of_ways_is_faster(length: int, size: int):
    machine = target(size, bandwidth=0.5)
    paths = paths_of(chain(length, is_residual=length > 1), machine)
    ways = paths.cheapest(size)
    found = None if ways is None else sum(way.cycles for way in ways)
    assert found == min(every_path(paths, size), default=None)


def test_tensors_stay_near_where_there_is_room():
    graph = chain(4)
    plan = planned(graph, target(4000), "quick")
    inner = [node.output for node in graph.nodes[:-1]]
    assert {plan.buffer_of(name).memory for name in inner} == {"L1"}
    assert all(
        group.holds[n] is Hold.DIRECT for group in plan.groups for n in inner if n in group.holds
    )


def test_double_buffering_never_loses():
    graph = chain(1)
    both = {
        size: time_program(stage(graph, planned(graph, target(size)), target(size), "net")).cycles
        for size in (150, 300, 600)
    }
    assert both[600] <= both[300] <= both[150]


def test_the_faster_engine_is_taken_unless_it_refuses():
    def refuse(op: Op, signature: Signature) -> str | None:
        del op
        return "too large" if signature.output.shape[1] > 4 else None

    slow = Engine(
        "core",
        "core",
        (Reach("L1"),),
        (replace(named("slow"), cycles=lambda op, t: 9 * t.output.size),),
    )
    fast = Engine("npu", "npu", (Reach("L1"),), (replace(named("fast"), refuse=refuse),))
    graph = chain(1)
    plan = planned(graph, target(2000, slow, fast))
    assert [step.engine.name for step in plan.steps] == ["core"]
    small = Network()
    graph = small.build(window(small, small.input(1, 4, 4, 4)))
    assert [s.engine.name for s in planned(graph, target(2000, slow, fast)).steps] == ["npu"]


def test_a_refusal_names_a_size_that_would_do():
    graph = chain(2)
    with pytest.raises(CapacityError) as caught:
        planned(graph, target(8))
    size = int(str(caught.value).rpartition("--memory L1=")[2].partition(")")[0])
    assert planned(graph, target(size)).arena_bytes["L1"] <= size
