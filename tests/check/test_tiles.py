"""Every kind of damage to groups, tile buffers and calls is found."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from broken_programs import without
from judged import check_plan, with_piece
from random_networks import Largest, Network, fake_kernel, fake_target
from tilewright.backend.stage import stage
from tilewright.check.judge import PlanError, check_program
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Buffer, Plan
from tilewright.ir.program import Keep, Program, TileCall
from tilewright.ir.target import (
    AtMost,
    AtMostInput,
    Kernel,
    Limit,
    MultipleOf,
    Role,
    Signature,
    Streaming,
    Target,
    WholeAxis,
)
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Region, Span
from tilewright.midend.assign import assign
from tilewright.midend.plan_memory import plan_memory
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.window2d import Window2d

KERNEL = fake_kernel(streaming=Streaming((0, 1, 2), 1))


def residual_block() -> Graph:
    pool = MaxPool2d(Window2d((3, 3), (1, 1), (1, 1, 1, 1)))
    net = Network()
    first = net.node(pool, net.input(1, 16, 8, 4), name="a")
    last = net.node(pool, net.node(pool, first, name="b"), name="c")
    joined = net.node(Largest(), first, last, name="joined")
    return net.build(net.node(MaxPool2d(Window2d((4, 4), (4, 4))), joined, name="small"))


def small(kernel: Kernel) -> Target:
    target = fake_target(kernel, tiles=True)
    ram, flash = target.memories
    return replace(target, memories=(replace(ram, size=700), flash))


GRAPH = residual_block()
TARGET = small(KERNEL)
PLAN = plan_memory(GRAPH, assign(GRAPH, TARGET), TARGET)
INDEX, GROUP = next((i, g) for i, g in enumerate(PLAN.groups) if g.steps.size > 1)
CARRIED = next(name for name, hold in GROUP.holds.items() if hold is Hold.CARRIED)
PROGRAM = stage(GRAPH, PLAN, TARGET, "net")
FIRST = PLAN.steps[GROUP.steps.start].node.output


def tile_buffer(plan: Plan, change: Callable[[Buffer], Buffer]) -> Plan:
    mine = plan.tile_buffer(INDEX, CARRIED)
    return replace(plan, buffers=tuple(change(b) if b is mine else b for b in plan.buffers))


def group(plan: Plan, change: Callable[[Group], Group]) -> Plan:
    groups = list(plan.groups)
    groups[INDEX] = change(groups[INDEX])
    return replace(plan, groups=tuple(groups))


def held_as(plan: Plan, hold: Hold) -> Plan:
    return group(plan, lambda g: replace(g, holds={**g.holds, CARRIED: hold}))


def test_the_undamaged_plan_is_fused_and_passes():
    check_plan(PLAN, GRAPH, TARGET)
    assert max(layer.tiles for layer in PROGRAM.layers) > 2
    assert {b.role for b in PLAN.buffers} >= {Role.TILE}


DAMAGE: dict[str, tuple[str, Callable[[Plan], Plan]]] = {
    "a step is in no group": (
        "groups cover the steps",
        lambda p: replace(p, groups=p.groups[:-1]),
    ),
    "a tile buffer is too small": (
        "is too small",
        lambda p: tile_buffer(p, lambda b: replace(b, size=b.size - 1)),
    ),
    "a tile buffer dies early": (
        "is not alive in all steps|has no tile buffer",
        lambda p: tile_buffer(p, lambda b: replace(b, lifetime=Span(b.lifetime.start, 1))),
    ),
    "a tile buffer lies where another one is": (
        "overlap without leave",
        lambda p: tile_buffer(
            p,
            lambda b: replace(
                b, offset=next(o.offset for o in p.buffers if o.role is Role.TILE and o is not b)
            ),
        ),
    ),
    "a tile buffer leaves the arena": (
        "leaves the arena",
        lambda p: tile_buffer(p, lambda b: replace(b, offset=4096)),
    ),
    "a tile is larger than its buffers": (
        "is too small",
        lambda p: group(p, lambda g: replace(g, tile=(1, g.tile[1] * 3, *g.tile[2:]))),
    ),
    "a tensor that is never whole is to be loaded": (
        f"{CARRIED}:tile.* has 1 copies, double means 2",
        lambda p: held_as(p, Hold.DOUBLE),
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found(kind: str):
    finding, damage = DAMAGE[kind]
    with pytest.raises(PlanError, match=finding):
        check_plan(damage(PLAN), GRAPH, TARGET)


@pytest.mark.parametrize(
    "limit",
    [MultipleOf(1, 16), AtMost(2, 7), AtMostInput(0, 3, 3), WholeAxis(1)],
    ids=lambda limit: type(limit).__name__,
)
def test_a_call_beyond_a_limit_of_its_kernel_is_found(limit: Limit):
    kernel = replace(KERNEL, limits=(limit,))
    target = small(kernel)
    steps = tuple(replace(s, engine=target.engines[0], kernel=kernel) for s in PLAN.steps)
    with pytest.raises(PlanError, match=rf"against {type(limit).__name__}"):
        check_plan(replace(PLAN, steps=steps), GRAPH, target)


def test_a_kernel_that_refuses_a_part_of_its_work_is_found():
    def refuse(op: object, signature: Signature) -> str | None:
        return None if signature.output.shape[1] > 1 else "not all rows"

    kernel = replace(KERNEL, refuse=refuse)
    target = small(kernel)
    steps = tuple(replace(s, engine=target.engines[0], kernel=kernel) for s in PLAN.steps)
    with pytest.raises(PlanError, match="which refuses: not all rows"):
        check_plan(replace(PLAN, steps=steps), GRAPH, target)


def shifted(region: Region, rows: int) -> Region:
    return tuple(Span(s.start + rows * (d == 1), s.size) for d, s in enumerate(region))


def assert_refused(program: Program, finding: str) -> None:
    with pytest.raises(PlanError, match=finding):
        check_program(program, GRAPH, TARGET)


def test_the_program_as_it_is_has_no_findings():
    check_program(PROGRAM, GRAPH, TARGET)


def test_a_call_that_is_left_out_is_missed_by_its_reader():
    assert_refused(with_piece(PROGRAM, FIRST, 1, lambda piece: None), "are not there")


def test_a_call_that_is_given_other_rows_is_found():
    def change(piece: TileCall) -> TileCall:
        return replace(piece, inputs=tuple(shifted(r, -1) for r in piece.inputs))

    assert_refused(with_piece(PROGRAM, FIRST, 1, change), "is given")


def test_a_call_that_makes_other_rows_is_found():
    def change(piece: TileCall) -> TileCall:
        return replace(piece, output=shifted(piece.output, -1))

    assert_refused(with_piece(PROGRAM, FIRST, 1, change), "is given")


def test_a_call_with_the_padding_of_another_tile_is_found():
    def change(piece: TileCall) -> TileCall:
        assert isinstance(piece.op, MaxPool2d)
        window = replace(piece.op.window, pads=(0, 0, 0, 0))
        return replace(piece, op=replace(piece.op, window=window))

    assert_refused(with_piece(PROGRAM, FIRST, 0, change), "its part is")


def test_rows_that_are_not_kept_are_missed():
    index, layer = next(
        (i, layer) for i, layer in enumerate(PROGRAM.layers)
        if any(isinstance(action, Keep) for action in layer.flat())
    )  # fmt: skip
    at = next(i for i, action in enumerate(layer.flat()) if isinstance(action, Keep))
    layers = list(PROGRAM.layers)
    layers[index] = without(layer, at)
    assert_refused(replace(PROGRAM, layers=tuple(layers)), "are not there")
