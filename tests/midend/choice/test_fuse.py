"""Networks in memories that are too small for whole steps: they fit, and compute the same."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena import run_in_arena
from judged import check_plan
from random_networks import (
    Largest,
    Network,
    evaluate_graph,
    fake_kernel,
    fake_target,
    graphs,
    random_inputs,
)
from tilewright.errors import CapacityError
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Plan
from tilewright.ir.target import Streaming, Target
from tilewright.midend.assign import assign
from tilewright.midend.plan_memory import plan_memory
from tilewright.ops.layout import Reshape
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.window2d import Window2d

PIXELWISE = fake_kernel(streaming=Streaming((0, 1, 2), 1))


def with_size(target: Target, size: int) -> Target:
    ram, flash = target.memories
    return replace(target, memories=(replace(ram, size=size), flash))


def planned(graph: Graph, target: Target) -> Plan:
    plan = plan_memory(graph, assign(graph, target), target)
    check_plan(plan, graph, target)
    return plan


def window(net: Network, x: ValueName, stride: int = 1) -> ValueName:
    return net.node(MaxPool2d(Window2d((3, 3), (stride, stride), (1, 1, 1, 1))), x)


def residual_block() -> Graph:
    net = Network()
    x = net.input(1, 16, 8, 4)
    first = window(net, x)
    return net.build(net.node(Largest(), first, window(net, window(net, first))))


def smallest_of(graph: Graph, target: Target) -> int:
    """The size that a refusal names."""
    with pytest.raises(CapacityError) as caught:
        planned(graph, with_size(target, 1))
    return int(str(caught.value).rpartition("--memory ram=")[2].partition(")")[0])


@settings(derandomize=True, deadline=None, max_examples=60)
@given(graphs(max_nodes=6), st.booleans(), st.floats(0, 1), st.integers(0, 99))
def test_networks_in_too_small_memories_compute_the_same(
    graph: Graph, is_streaming: bool, share: float, seed: int
):
    target = fake_target(PIXELWISE if is_streaming else fake_kernel(), tiles=True)
    whole = planned(graph, target).arena_bytes["ram"]
    if whole <= 1:
        return
    least = smallest_of(graph, target)
    assert least <= whole
    size = least + int(share * (whole - least))
    plan = planned(graph, with_size(target, size))
    assert plan.arena_bytes["ram"] <= size
    inputs = random_inputs(graph, seed)
    wanted = evaluate_graph(graph, inputs)
    for name, array in run_in_arena(plan, graph, inputs).items():
        np.testing.assert_array_equal(array, wanted[name])


def test_a_residual_block_needs_one_tensor_and_a_few_rows():
    graph = residual_block()
    target = fake_target(PIXELWISE, tiles=True)
    tensor, row = 16 * 8 * 4, 8 * 4
    # Block's input and output in one place; three rows of one tensor between, one of the other.
    assert smallest_of(graph, target) == tensor + 4 * row
    plan = planned(graph, with_size(target, tensor + 4 * row))
    assert [group.steps.size for group in plan.groups if group.order] == [3]


def test_tiles_are_as_large_as_the_memory_lets_them_be():
    graph, target = residual_block(), fake_target(PIXELWISE, tiles=True)
    tensor, row = 16 * 8 * 4, 8 * 4
    for rows in (1, 2, 4):
        plan = planned(graph, with_size(target, tensor + (2 * rows + 2) * row))
        (group,) = (group for group in plan.groups if group.order)
        assert group.tile == (1, rows, 8, 4)


def test_what_fits_is_not_cut():
    graph, target = residual_block(), fake_target(PIXELWISE, tiles=True)
    whole = planned(graph, target)
    assert planned(graph, with_size(target, whole.arena_bytes["ram"])) == whole


def test_nothing_is_cut_in_a_memory_that_holds_no_tiles():
    graph, target = residual_block(), fake_target(PIXELWISE)
    assert smallest_of(graph, target) == planned(graph, target).arena_bytes["ram"]


def test_a_slower_kernel_with_less_scratch_is_taken_only_where_memory_is_short():
    net = Network()
    graph = net.build(net.node(Largest(), net.input(1, 8, 8, 4)))
    fast = fake_kernel("fast", streaming=Streaming((0,), 1), scratch=lambda op, signature: 100)
    lean = fake_kernel("lean", streaming=Streaming((0,), 1), cycles=lambda op, signature: 9)
    target = fake_target(fast, lean)
    for size, symbol in ((356, "fast"), (355, "lean")):
        kernel = planned(graph, with_size(target, size)).steps[0].kernel
        assert kernel is not None
        assert kernel.symbol == symbol


def test_a_kernel_that_replaces_its_input_needs_one_tensor():
    net = Network()
    graph = net.build(window(net, window(net, net.input(1, 8, 8, 4))))
    replacing = fake_target(replace(fake_kernel(scratch=lambda op, types: 64), replaces=0))
    plan = planned(graph, replacing)
    assert plan.arena_bytes == plan.lower_bound == {"ram": 256 + 64}
    assert [overlap.distance for overlap in plan.overlaps] == [0, 0]


def test_an_output_of_the_network_is_not_replaced():
    net = Network()
    first = window(net, net.input(1, 8, 8, 4))
    graph = net.build(window(net, first), first)
    plan = planned(graph, fake_target(replace(fake_kernel(), replaces=0)))
    assert plan.arena_bytes == plan.lower_bound == {"ram": 2 * 256}


def test_an_input_of_which_only_a_view_is_made_takes_no_room_from_others():
    """The view is over when the first step that computes something begins."""
    target, tensor = fake_target(PIXELWISE, tiles=True), 16 * 8 * 4
    net = Network()
    net.node(Reshape((tensor,)), net.input(1, 16, 8, 4))
    x = net.input(1, 16, 8, 4)
    first = window(net, x)
    graph = net.build(net.node(Largest(), first, window(net, window(net, first))))
    assert smallest_of(graph, target) == 2 * tensor
