"""Every kind of damage to a plan is found, and what is not found does no harm."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
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
    targets,
)
from tilewright.check.judge import PlanError
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Buffer, Plan
from tilewright.ir.target import Memory, Role, Streaming, Target
from tilewright.ir.types import Span
from tilewright.midend.assign import assign
from tilewright.midend.plan_memory import plan_memory
from tilewright.ops.layout import Reshape
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.window2d import Window2d

KERNEL = fake_kernel(streaming=Streaming((0, 1, 2), 1), scratch=lambda op, signature: 8)
TARGET = fake_target(KERNEL)


def network() -> Graph:
    """Forward and backward sharing, a branch, a view and scratch."""
    net = Network()
    x = net.input(1, 6, 6, 8)
    for name in ("a", "b"):
        window = MaxPool2d(Window2d((3, 3), pads=(1, 1, 1, 1)))
        x = net.node(Largest(), net.node(window, x, name=f"window_{name}"), name=f"copy_{name}")
    small = net.node(MaxPool2d(Window2d((6, 6))), x, name="small")
    side = net.node(Largest(), small, name="side")
    joined = net.node(Largest(), small, side, name="joined")
    return net.build(net.node(Reshape((8,)), joined, name="view"))


GRAPH = network()
PLAN = plan_memory(GRAPH, assign(GRAPH, TARGET), TARGET)


def with_buffer(plan: Plan, name: str, change: Callable[[Buffer], Buffer]) -> Plan:
    assert name in {b.name for b in plan.buffers}
    buffers = tuple(change(b) if b.name == name else b for b in plan.buffers)
    return replace(plan, buffers=buffers)


def with_overlap(plan: Plan, reader: str, **changes: int) -> Plan:
    """A shared pair under other terms: where the distance changes, the reader moves."""
    (leave,) = (o for o in plan.overlaps if o.reader == reader)
    changed = replace(leave, **changes)
    plan = replace(plan, overlaps=tuple(changed if o is leave else o for o in plan.overlaps))
    moved = changed.distance - leave.distance
    return with_buffer(plan, reader, lambda b: replace(b, offset=b.offset + moved))


def without_buffer(plan: Plan, name: str) -> Plan:
    return replace(plan, buffers=tuple(b for b in plan.buffers if b.name != name))


def in_memory(plan: Plan, name: str) -> Plan:
    """The plan with an arena of 400 bytes in another memory."""
    sizes = (plan.arena_bytes, plan.lower_bound, plan.activation_bytes)
    arenas, least, activations = ({**size, name: 400} for size in sizes)
    return replace(plan, arena_bytes=arenas, lower_bound=least, activation_bytes=activations)


def reordered(plan: Plan, *order: int) -> Plan:
    return replace(plan, steps=tuple(plan.steps[i] for i in order))


def test_the_undamaged_plan_passes_and_shares_in_both_directions():
    check_plan(PLAN, GRAPH, TARGET)
    assert {PLAN.piece_items(time) > 0 for time in range(len(PLAN.steps))} == {True, False}
    assert {b.role for b in PLAN.buffers} == {Role.ACTIVATION, Role.SCRATCH}


FORWARD = next(o for o in PLAN.overlaps if not o.piece_items and o.distance > 0)
BACKWARD = next(o for o in PLAN.overlaps if o.piece_items)

DAMAGE: dict[str, tuple[str, Callable[[Plan], Plan]]] = {
    "a step is missing": (r"\['view'\] are never made", lambda p: reordered(p, *range(7))),
    "a step runs twice": (r"runs twice", lambda p: reordered(p, 0, *range(8))),
    "steps are swapped": (r"before they are made", lambda p: reordered(p, 1, 0, *range(2, 8))),
    "a step is planned for other types": (
        r"for other types",
        lambda p: replace(
            p, steps=(replace(p.steps[0], signature=p.steps[-1].signature), *p.steps[1:])
        ),
    ),
    "a buffer is dropped": (r"side has no buffer", lambda p: without_buffer(p, "side")),
    "two buffers hold one value": (
        r"has two buffers",
        lambda p: replace(p, buffers=(*p.buffers, replace(p.buffers[0], name="again"))),
    ),
    "one buffer holds two values": (
        r"is not alive|at .* reads",
        lambda p: with_buffer(
            without_buffer(p, "side"), "joined", lambda b: replace(b, values=(*b.values, "side"))
        ),
    ),
    "a view has no place": (
        r"value view has no buffer",
        lambda p: with_buffer(p, "joined", lambda b: replace(b, values=("joined",))),
    ),
    "a buffer is too small": (
        r"side is too small",
        lambda p: with_buffer(p, "side", lambda b: replace(b, size=b.size - 1)),
    ),
    "a lifetime ends early": (
        r"small is not alive at step 6",
        lambda p: with_buffer(p, "small", lambda b: replace(b, lifetime=Span(4, 2))),
    ),
    "a lifetime begins late": (
        r"input is not alive at step 0",
        lambda p: with_buffer(p, "input", lambda b: replace(b, lifetime=Span(1, 1))),
    ),
    "an output dies early": (
        r"joined is not alive at step 7",
        lambda p: with_buffer(p, "joined", lambda b: replace(b, lifetime=Span(6, 1))),
    ),
    "a lifetime leaves the plan": (
        r"lives outside of the plan",
        lambda p: with_buffer(p, "joined", lambda b: replace(b, lifetime=Span(6, 3))),
    ),
    "a buffer leaves the arena": (
        r"leaves the arena",
        lambda p: with_buffer(p, "side", lambda b: replace(b, offset=p.arena_bytes["ram"])),
    ),
    "a buffer starts below the arena": (
        r"leaves the arena",
        lambda p: with_buffer(p, "side", lambda b: replace(b, offset=-4)),
    ),
    "a buffer is misaligned": (
        r"not aligned",
        lambda p: with_buffer(p, "side", lambda b: replace(b, offset=1)),
    ),
    "a buffer lies in a memory that holds no such thing": (
        r"lies in weights, which core does not reach",
        lambda p: with_buffer(
            in_memory(p, "weights"), "side", lambda b: replace(b, memory="weights")
        ),
    ),
    "a buffer lies in no memory": (
        r"lies in nowhere, which core does not reach",
        lambda p: with_buffer(
            in_memory(p, "nowhere"), "side", lambda b: replace(b, memory="nowhere")
        ),
    ),
    "scratch is missing": (r"lacks 8 bytes", lambda p: without_buffer(p, "side:scratch")),
    "scratch is too small": (
        r"lacks 4 bytes",
        lambda p: with_buffer(p, "side:scratch", lambda b: replace(b, size=4)),
    ),
    "scratch touches an operand": (
        r"overlap without leave",
        lambda p: with_buffer(
            p,
            "side:scratch",
            lambda b: replace(b, offset=p.buffer_of(GRAPH.nodes[5].output).offset),
        ),
    ),
    "a leave is forgotten": (r"overlap without leave", lambda p: replace(p, overlaps=())),
    "a leave is for another step": (
        r"overlap for longer than step",
        lambda p: with_overlap(p, FORWARD.reader, step=FORWARD.step + 1),
    ),
    "a leave says another distance": (
        r"were meant otherwise",
        lambda p: replace(
            p, overlaps=tuple(replace(o, distance=o.distance + 4) for o in p.overlaps)
        ),
    ),
    "an input lies too close ahead": (
        r"overwrites \d+ bytes of \w+ too early",
        lambda p: with_overlap(p, FORWARD.reader, distance=FORWARD.distance - 8),
    ),
    "a step that must run backward runs forward": (
        r"overwrites \d+ bytes of \w+ too early",
        lambda p: with_overlap(p, BACKWARD.reader, piece_items=0),
    ),
    "pieces are too long": (
        r"overwrites \d+ bytes of \w+ too early",
        lambda p: with_overlap(p, BACKWARD.reader, piece_items=2 * BACKWARD.piece_items),
    ),
    "the arena is below what activations need": (
        r"activations alone need",
        lambda p: replace(p, activation_bytes={"ram": p.arena_bytes["ram"] + 4}),
    ),
    "the arena is below what is proven": (
        r"below its lower bound",
        lambda p: replace(p, lower_bound={"ram": p.arena_bytes["ram"] + 4}),
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found(kind: str):
    message, damage = DAMAGE[kind]
    target = replace(TARGET, memories=(*TARGET.memories, WEIGHTS))
    with pytest.raises(PlanError, match=message) as caught:
        check_plan(damage(PLAN), GRAPH, target)
    assert str(caught.value).endswith("; this is a bug in tilewright")


WEIGHTS = Memory("weights", None, 4, frozenset({Role.WEIGHT}))


def test_an_arena_beyond_the_memory_is_found():
    small = replace(TARGET, memories=(replace(TARGET.memories[0], size=100), TARGET.memories[1]))
    with pytest.raises(PlanError, match=r"ram needs \d+ of 100 bytes"):
        check_plan(PLAN, GRAPH, small)


def test_a_kernel_that_refuses_the_node_is_found():
    refusing = fake_kernel(streaming=KERNEL.streaming, refuse=lambda op, signature: "never")
    steps = tuple(replace(s, kernel=refusing if s.kernel else None) for s in PLAN.steps)
    engine = replace(TARGET.engines[0], kernels=(refusing,))
    steps = tuple(replace(s, engine=engine if s.kernel else None) for s in steps)
    with pytest.raises(PlanError, match=r"runs anything, which refuses: never"):
        check_plan(replace(PLAN, steps=steps), GRAPH, replace(TARGET, engines=(engine,)))


@settings(derandomize=True, deadline=None, max_examples=200)
@given(graphs(), targets(), st.data())
def test_a_plan_with_a_moved_buffer_is_refused_or_still_computes_the_network(
    graph: Graph, target: Target, data: st.DataObject
):
    plan = plan_memory(graph, assign(graph, target), target)
    buffer = data.draw(st.sampled_from(plan.buffers))
    offset = data.draw(st.integers(0, (plan.arena_bytes["ram"] - buffer.size) // 4)) * 4
    assume(offset != buffer.offset)
    moved = with_buffer(plan, buffer.name, lambda b: replace(b, offset=offset))
    where = {b.name: b.offset for b in moved.buffers}
    overlaps = tuple(replace(o, distance=where[o.reader] - where[o.writer]) for o in moved.overlaps)
    moved = replace(moved, overlaps=overlaps)
    try:
        check_plan(moved, graph, target)
    except PlanError:
        return
    inputs = random_inputs(graph, 1)
    wanted = evaluate_graph(graph, inputs)
    for name, array in run_in_arena(moved, graph, inputs).items():
        np.testing.assert_array_equal(array, wanted[name])
