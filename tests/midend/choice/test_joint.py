"""The joint problem: as good as exhaustive search, in base order and in any order."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joint_search import Exhaustive, kernel, target, thinned, two_halves, window
from judged import check_plan
from random_networks import Largest, Network, fake_target, graphs, places_of
from tilewright.backend.stage import stage
from tilewright.errors import CapacityError
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Assignment, Plan, Step
from tilewright.ir.target import (
    Target,
)
from tilewright.midend.assign import assign
from tilewright.midend.choice.bounds import Relaxed, least_in_any_order
from tilewright.midend.choice.candidates import EFFORTS, Candidates
from tilewright.midend.choice.fuse import Fusion
from tilewright.midend.choice.hints import fastest_with_early
from tilewright.midend.choice.joint import Choice, Problem, choose
from tilewright.midend.choice.sequence import cycles_of
from tilewright.midend.choice.ways import Net, Way, endings, starts, undominated
from tilewright.midend.plan_memory import SOLVING, plan_memory
from tilewright.midend.solve import Conflict
from tilewright.run.clock import time_program
from work import counted_solver


def two_branches() -> Graph:
    """A fork of two branches of different lengths, and a join."""
    net = Network()
    x = window(net, net.input(1, 6, 4, 2))
    return net.build(net.node(Largest(), window(net, x), window(net, window(net, x))))


def net_and_ways(graph: Graph, machine: Target, most: int) -> tuple[Net, list[Way]]:
    steps = assign(graph, machine).steps
    found = Candidates(graph, steps, places_of(graph, steps, machine), EFFORTS["normal"])
    return found.net, thinned(found.ways, most)


def solved(search: Exhaustive) -> Choice | None:
    """The same by the solver, proven."""
    ended = [w for way in search.ways for w in endings(search.net, way, is_free=search.is_free)]
    ways = undominated([w for way in ended for w in starts(search.net, way)])
    count = len(search.net.steps)
    problem = Problem(
        search.net, ways, [0] * len(ways), [search.near] * count, [search.far] * count,
        search.is_free,
    )  # fmt: skip
    choice = choose(problem, None, 20.0)
    if isinstance(choice, Conflict):
        return None
    assert isinstance(choice, Choice)
    assert choice.bound == choice.cycles
    return choice


@settings(derandomize=True, deadline=None, max_examples=40)
@given(graphs(max_nodes=4), st.floats(0.1, 1), st.floats(0.3, 1.5), st.booleans())
def test_the_solver_finds_what_exhaustive_search_finds(
    graph: Graph, near: float, far: float, is_free: bool
):
    net, ways = net_and_ways(graph, target(None), 2)
    if not is_free:
        ways = [way for way in ways if way.is_consecutive]
    whole = sum(net.alive.size(tensor) for tensor in net.tensors)
    search = Exhaustive(
        net, assign(graph, target(None)).steps, ways, int(near * whole), int(far * whole), is_free
    )
    choice = solved(search)
    assert (None if choice is None else choice.cycles) == search.least()


@settings(derandomize=True, deadline=None, max_examples=40)
@given(graphs(max_nodes=4), st.floats(0.1, 1))
def test_the_path_that_knows_early_transfers_is_what_exhaustive_search_finds(
    graph: Graph, near: float
):
    """In networks so small that no arrival is dropped."""
    net, ways = net_and_ways(graph, target(None), 2)
    mine = [way for way in ways if way.is_consecutive]
    limit = int(near * sum(net.alive.size(tensor) for tensor in net.tensors))
    least = Exhaustive(net, assign(graph, target(None)).steps, mine, limit, is_free=False).least()
    ended = [other for way in mine for other in endings(net, way, is_free=False)]
    path = fastest_with_early(net, [o for way in ended for o in starts(net, way)], limit)
    assert (None if path is None else cycles_of(path)) == least


@pytest.mark.parametrize(("near", "far"), [(120, 200), (200, 1000), (1000, 200)])
def test_branches_are_ordered_as_exhaustive_search_orders_them(near: int, far: int):
    graph = two_branches()
    net, ways = net_and_ways(graph, target(None), 2)
    search = Exhaustive(net, assign(graph, target(None)).steps, ways, near, far)
    choice = solved(search)
    assert (None if choice is None else choice.cycles) == search.least()


@settings(derandomize=True, deadline=None, max_examples=25)
@given(graphs(max_nodes=4), st.floats(0.5, 1.2))
def test_in_one_memory_too(graph: Graph, share: float):
    machine = fake_target(kernel(), tiles=True)
    steps = assign(graph, machine).steps
    fusion = Fusion(graph, steps, places_of(graph, steps, machine))
    whole = sum(fusion.alive.size(tensor) for tensor in fusion.alive.lifetimes)
    net, ways = fusion.net, fusion.within(int(share * whole))
    if {member for way in ways for member in way.members} == {*range(len(net.steps))}:
        search = Exhaustive(net, steps, ways, int(share * whole))
        choice = solved(search)
        assert (None if choice is None else choice.cycles) == search.least()


@settings(derandomize=True, deadline=None, max_examples=20)
@given(graphs(max_nodes=4), st.floats(0.3, 1))
def test_bounds_are_bounds(graph: Graph, share: float):
    net, ways = net_and_ways(graph, target(None), 2)
    near, steps = int(share * 400), assign(graph, target(None)).steps
    for is_free in (False, True):
        mine = ways if is_free else [way for way in ways if way.is_consecutive]
        least = Exhaustive(net, steps, mine, near, is_free=is_free).least()
        ended = [other for way in mine for other in endings(net, way, is_free=is_free)]
        early = [other for way in ended for other in starts(net, way)]
        if least is None or not early:
            continue
        if is_free:
            bounds = least_in_any_order(len(net.steps), early, [way.cycles for way in early])
        else:
            bounds = Relaxed(net, early, [near] * len(net.steps)).least_priced()
        assert min(bounds) <= least


def planned(graph: Graph, machine: Target, order: Sequence[Step] | None = None) -> Plan:
    """``order``: of all steps; None: as they are assigned."""
    steps = assign(graph, machine).steps if order is None else tuple(order)
    plan = plan_memory(graph, Assignment(steps), machine)
    check_plan(plan, graph, machine)
    return plan


def clocked(graph: Graph, plan: Plan, machine: Target) -> int:
    return time_program(stage(graph, plan, machine, "net")).cycles


def test_the_issue_order_is_part_of_the_problem():
    graph, machine = two_halves(), target(120)
    steps = {step.node.output: step for step in assign(graph, machine).steps}
    interleaved = [steps[node.output] for node in graph.nodes]
    plan = planned(graph, machine, interleaved)
    assert [step.node.output for step in plan.steps] != [node.output for node in graph.nodes]
    assert plan.proof == planned(graph, machine).proof
    assert plan.proof is not None
    assert plan.proof.is_optimal


@pytest.mark.parametrize("size", [100, 150, 300])
def test_the_joint_problem_beats_the_path_that_it_starts_from(
    size: int, monkeypatch: pytest.MonkeyPatch
):
    graph, cycles = two_branches(), list[int]()
    for effort in (SOLVING["normal"], 0.0):
        monkeypatch.setattr("tilewright.midend.plan_memory.SOLVING", {"normal": effort})
        cycles.append(clocked(graph, planned(graph, target(size)), target(size)))
    assert cycles[0] < cycles[1]


@pytest.mark.parametrize(("near", "far"), [(100, 256), (180, 128), (200, 128)])
def test_a_small_far_memory_keeps_tensors_near_at_a_price(near: int, far: int):
    graph = two_halves()
    roomy, narrow = planned(graph, target(near)), planned(graph, target(near, far))
    assert roomy.arena_bytes["L2"] > far >= narrow.arena_bytes["L2"]
    assert roomy.proof is not None
    assert narrow.proof is not None
    assert roomy.proof.cycles < narrow.proof.cycles == narrow.proof.bound


def test_a_far_memory_without_room_for_the_input_is_refused():
    with pytest.raises(CapacityError, match="L2 of target 'fake'"):
        planned(two_halves(), target(100, far=100))


def test_planned_cycles_are_those_of_the_clock():
    for graph in (two_branches(), two_halves()):
        for size in (100, 200, 400):
            machine = target(size)
            plan = planned(graph, machine)
            assert plan.proof is not None
            assert clocked(graph, plan, machine) <= plan.proof.cycles
            assert plan.proof.cycles <= 1.05 * clocked(graph, plan, machine)


SCRIPT = """
import hashlib
from joint_search import target
from test_joint import planned, two_branches
from tilewright.midend.lockfile import plan_text
graph = two_branches()
print(hashlib.sha256(plan_text(planned(graph, target(150)), graph).encode()).hexdigest())
"""


def test_two_processes_make_the_same_plan():
    here = Path(__file__).parent
    found = set[str]()
    for seed in ("1", "2"):
        path = os.pathsep.join([str(here), str(here.parent), *sys.path])
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        found.add(done.stdout)
    assert len(found) == 1


@pytest.mark.slow
@pytest.mark.parametrize("size", [500, 900])
def test_five_hundred_steps_are_planned(size: int):
    net = Network()
    x = net.input(1, 12, 6, 4)
    for _ in range(500):
        x = window(net, x)
    graph = net.build(x)
    with counted_solver() as work:
        assert planned(graph, target(size)).arena_bytes["L1"] <= size
    assert work.solver < 4  # 2.0, in 21 problems
