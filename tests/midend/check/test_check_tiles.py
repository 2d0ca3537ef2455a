"""Every kind of damage to groups, tile buffers and calls is found."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from random_networks import Largest, Network, fake_kernel, fake_target
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Buffer, Plan
from tilewright.ir.program import TileCall
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
from tilewright.midend.check.check import PlanError, check_plan
from tilewright.midend.check.check_calls import element_findings
from tilewright.midend.plan_memory import plan_memory
from tilewright.midend.tiling.tiles import Tile, tiles_of
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
STEPS = PLAN.steps[GROUP.steps.start : GROUP.steps.stop]
TILES = tiles_of(PLAN.steps, GROUP)


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
    assert len(TILES) > 2
    assert {b.role for b in PLAN.buffers} >= {Role.TILE}
    assert not list(element_findings(GROUP, STEPS, TILES))


DAMAGE: dict[str, tuple[str, Callable[[Plan], Plan]]] = {
    "a step is in no group": (
        "groups cover the steps",
        lambda p: replace(p, groups=p.groups[:-1]),
    ),
    "a tile buffer is too small": (
        "bytes",
        lambda p: tile_buffer(p, lambda b: replace(b, size=b.size - 1)),
    ),
    "a tile buffer dies early": (
        "not alive|has no tile buffer",
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
        "bytes",
        lambda p: group(p, lambda g: replace(g, tile=(1, g.tile[1] * 3, *g.tile[2:]))),
    ),
    "a tensor that is never whole is to be loaded": (
        f"{CARRIED} has no buffer",
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
    with pytest.raises(PlanError, match="for a part that it refuses: not all rows"):
        check_plan(replace(PLAN, steps=steps), GRAPH, target)


def with_call(tile: int, step: int, change: Callable[[TileCall], TileCall | None]) -> list[Tile]:
    tiles = list(TILES)
    calls = list(tiles[tile].calls)
    call = calls[step]
    assert call is not None
    calls[step] = change(call)
    tiles[tile] = replace(tiles[tile], calls=tuple(calls))
    return tiles


def shifted(region: Region, rows: int) -> Region:
    return tuple(Span(s.start + rows * (d == 1), s.size) for d, s in enumerate(region))


def test_a_call_that_is_left_out_is_missed_by_its_reader():
    found = list(element_findings(GROUP, STEPS, tuple(with_call(1, 0, lambda call: None))))
    assert any("reads elements" in finding for finding in found)


def test_a_call_that_is_given_other_rows_is_found():
    tiles = with_call(1, 0, lambda c: replace(c, inputs=tuple(shifted(r, -1) for r in c.inputs)))
    assert any("is given" in finding for finding in element_findings(GROUP, STEPS, tuple(tiles)))


def test_rows_that_are_given_up_too_early_are_missed():
    tiles = list(TILES)
    held = dict(tiles[1].held)
    rows = held[CARRIED][1]
    held[CARRIED] = tuple(
        Span(rows.stop - 1, 1) if axis == 1 else span for axis, span in enumerate(held[CARRIED])
    )
    tiles[1] = replace(tiles[1], held=held)
    found = list(element_findings(GROUP, STEPS, tuple(tiles)))
    assert any("that are not there" in finding for finding in found)
