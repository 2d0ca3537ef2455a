"""Every kind of damage to copies is found: holds, two copies, residency, early transfers."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from digits import MODEL
from judged import check_plan
from tilewright.check.judge import PlanError
from tilewright.ir.plan import Buffer, Plan
from tilewright.ir.target import Role
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Span
from tilewright.pipeline import Options, compile_model
from tilewright.targets.host.target import HIERARCHY

SLOW = replace(HIERARCHY, dmas=tuple(replace(dma, bytes_per_cycle=0.5) for dma in HIERARCHY.dmas))
C = compile_model(MODEL, SLOW, Options(memory={"L1": 2100}))
PLAN, GRAPH, TARGET = C.plan, C.graph, C.target

EARLY, EARLY_NAME = next(
    (index, name)
    for index, group in enumerate(PLAN.groups)
    for name in sorted(group.early)
    if name in GRAPH.constants
)
PUNCTUAL, LOADED = next(
    (index, name)
    for index, group in enumerate(PLAN.groups)
    for name, hold in group.holds.items()
    if hold is Hold.SINGLE and name in GRAPH.constants and name not in group.early and index > 1
)
DOUBLE, DOUBLE_NAME = next(
    (index, name)
    for index, group in enumerate(PLAN.groups)
    for name, hold in group.holds.items()
    if hold is Hold.DOUBLE and PLAN.buffer_of(name)
)
RESIDENT = next(
    b for b in PLAN.buffers if b.role is Role.ACTIVATION and b.memory == "L1" and b.values
)
FUSED, INNER = next(
    (index, name)
    for index, group in enumerate(PLAN.groups)
    for name, hold in group.holds.items()
    if hold is Hold.LOCAL
)
MADE_BEFORE = PLAN.steps[PLAN.groups[DOUBLE].steps.stop - 1].node.output


def group(index: int, change: Callable[[Group], Group]) -> Plan:
    groups = list(PLAN.groups)
    groups[index] = change(groups[index])
    return replace(PLAN, groups=tuple(groups))


def buffer(index: int, name: str, change: Callable[[Buffer], Buffer]) -> Plan:
    mine = next(
        b for b in PLAN.buffers
        if b.role is Role.TILE and name in b.values
        and PLAN.groups[index].steps.start < b.lifetime.stop <= PLAN.groups[index].steps.stop
    )  # fmt: skip
    return replace(PLAN, buffers=tuple(change(b) if b is mine else b for b in PLAN.buffers))


def held_as(index: int, name: str, hold: Hold) -> Plan:
    return group(index, lambda g: replace(g, holds={**g.holds, name: hold}))


def with_early(index: int, *names: str) -> Plan:
    return group(index, lambda g: replace(g, early=g.early | {*names}))


def moved(which: Buffer, memory: str) -> Plan:
    arena = {**PLAN.arena_bytes, memory: PLAN.arena_bytes[memory] + which.size}
    elsewhere = replace(which, memory=memory, offset=PLAN.arena_bytes[memory])
    buffers = tuple(elsewhere if b is which else b for b in PLAN.buffers)
    return replace(PLAN, buffers=buffers, arena_bytes=arena)


DAMAGE: dict[str, tuple[str, Callable[[], Plan]]] = {
    "an early transfer has no buffer in the group before": (
        "loaded early but not alive then",
        lambda: buffer(
            EARLY, EARLY_NAME, lambda b: replace(b, lifetime=PLAN.groups[EARLY].steps)
        ),
    ),
    "a punctual transfer is said to be early": (
        "loaded early but not alive then",
        lambda: with_early(PUNCTUAL, LOADED),
    ),
    "a transfer is early that no group can hide": (
        "loaded early",
        lambda: with_early(
            next(i for i, g in enumerate(PLAN.groups) if PLAN.steps[g.steps.start].kernel),
            next(n for g in PLAN.groups if PLAN.steps[g.steps.start].kernel for n in g.holds),
        ),
    ),
    "a tensor is early that does not travel": (
        "does not travel",
        lambda: with_early(FUSED, INNER),
    ),
    "a tensor is loaded before it is made": (
        "loaded early but not alive then",
        lambda: with_early(
            next(i for i, g in enumerate(PLAN.groups) if i > DOUBLE and MADE_BEFORE in g.holds),
            MADE_BEFORE,
        ),
    ),
    "two copies have room for one": (
        "is too small",
        lambda: buffer(DOUBLE, DOUBLE_NAME, lambda b: replace(b, size=b.size // 2)),
    ),
    "two copies are called one": (
        "has 1 copies, double means 2",
        lambda: buffer(DOUBLE, DOUBLE_NAME, lambda b: replace(b, copies=1)),
    ),
    "one copy is used as two": (
        "has 1 copies, double means 2",
        lambda: held_as(PUNCTUAL, LOADED, Hold.DOUBLE),
    ),
    "the second copy is not aligned": (
        "is not aligned|overlap without leave",  # its last byte may meet the next buffer
        lambda: buffer(DOUBLE, DOUBLE_NAME, lambda b: replace(b, size=b.size + 2)),
    ),
    "a resident tensor lies far": (
        "lies in L2, which cpu does not reach",
        lambda: moved(RESIDENT, "L2"),
    ),
    "a resident tensor is to travel": (
        "has no tile buffer",
        lambda: held_as(
            next(
                i for i, g in enumerate(PLAN.groups)
                if g.holds.get(RESIDENT.values[0]) is Hold.DIRECT
            ),
            RESIDENT.values[0],
            Hold.SINGLE,
        ),
    ),
    "a tensor that travels is to be used in place": (
        f"{DOUBLE_NAME} lies in L2, which cpu does not reach",
        lambda: held_as(DOUBLE, DOUBLE_NAME, Hold.DIRECT),
    ),
    "a constant that travels is to be used in place": (
        f"{LOADED} lies in flash, which cpu does not reach",
        lambda: held_as(PUNCTUAL, LOADED, Hold.DIRECT),
    ),
    "a tensor that leaves the group is never whole": (
        "has 2 copies, local means 1",
        lambda: held_as(DOUBLE, DOUBLE_NAME, Hold.LOCAL),
    ),
    "what is never whole is to be used whole": (
        "which is never whole|has no buffer",
        lambda: held_as(FUSED, INNER, Hold.DIRECT),
    ),
    "what is never whole is to be loaded": (
        "no buffer",
        lambda: held_as(FUSED, INNER, Hold.SINGLE),
    ),
    "nobody says where a tensor is held": (
        "holds differ in",
        lambda: group(
            PUNCTUAL,
            lambda g: replace(g, holds={n: h for n, h in g.holds.items() if n != LOADED}),
        ),
    ),
    "a tensor is held that nobody uses": (
        "holds differ in",
        lambda: group(PUNCTUAL, lambda g: replace(g, holds={**g.holds, "odd": Hold.SINGLE})),
    ),
}  # fmt: skip


def test_the_undamaged_plan_copies_in_every_way_and_passes():
    check_plan(PLAN, GRAPH, TARGET)
    assert {hold for g in PLAN.groups for hold in g.holds.values()} >= {
        Hold.DIRECT, Hold.SINGLE, Hold.DOUBLE, Hold.LOCAL,
    }  # fmt: skip
    assert any(g.early for g in PLAN.groups)
    assert Span(0, 1) not in {g.steps for g in PLAN.groups if g.early}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found(kind: str):
    finding, damage = DAMAGE[kind]
    with pytest.raises(PlanError, match=finding):
        check_plan(damage(), GRAPH, TARGET)


def test_a_tile_buffer_where_the_engine_does_not_work_is_found():
    elsewhere = buffer(DOUBLE, DOUBLE_NAME, lambda b: replace(b, memory="L2"))
    with pytest.raises(PlanError, match=f"has no tile buffer for {DOUBLE_NAME} in L1"):
        check_plan(elsewhere, GRAPH, TARGET)
