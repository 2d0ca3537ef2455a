"""Runs: of every set only the last step shows its result, and the data allow its order."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from random_networks import fake_kernel, fake_target, graphs
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Step
from tilewright.midend.assign import assign
from tilewright.midend.tiling.fusible import beside_first, fusible, readers_of

quick = settings(derandomize=True, deadline=None, max_examples=60, database=None)


def is_run(graph: Graph, steps: tuple[Step, ...], members: tuple[int, ...]) -> bool:
    """The definition, by looking at everything."""
    if any(steps[i].kernel is None for i in members):
        return False
    readers = readers_of(steps)
    inner = [steps[i].node.output for i in members[:-1]]
    return all(
        name not in graph.outputs and name in readers and readers[name] <= {*members}
        for name in inner
    )


@quick
@given(graph=graphs(), longest=st.integers(2, 4))
def test_runs_are_exactly_the_sets_with_one_visible_result(graph: Graph, longest: int) -> None:
    steps = assign(graph, fake_target(fake_kernel("anything"))).steps
    found = [*fusible(graph, steps, longest)]
    assert len({*found}) == len(found)
    wanted = {
        members
        for size in range(2, longest + 1)
        for members in combinations(range(len(steps)), size)
        if is_run(graph, steps, members)
    }
    assert {*found} == wanted


@quick
@given(graph=graphs())
def test_a_run_is_computed_in_an_order_that_the_data_allow(graph: Graph) -> None:
    steps = assign(graph, fake_target(fake_kernel("anything"))).steps
    for members in fusible(graph, steps, 4):
        order = beside_first({i: steps[i] for i in members})
        assert sorted(order) == [*members]
        for position, index in enumerate(order):
            later = {steps[i].node.output for i in order[position:]}
            assert not later & {*steps[index].node.inputs}
