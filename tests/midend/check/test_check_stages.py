"""The judge finds what is wrong with plans in which engines work at the same time."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from random_networks import places_of
from tilewright.ir.plan import Buffer, Plan
from tilewright.ir.target import Role
from tilewright.ir.tiling import Hold
from tilewright.ir.types import Span
from tilewright.midend.check.check import PlanError, check_plan
from tilewright.midend.check.check_stages import stage_findings
from tilewright.midend.memory.allocate import place
from two_engines import POINT, WINDOW, chain, every_way, machine

TARGET = machine()
GRAPH = chain(WINDOW, WINDOW, POINT)


def planned(hold: Hold) -> Plan:
    """All three in one run, in tiles: the first on the NPU; ``hold`` of what the core is given."""
    for cut in every_way(GRAPH, TARGET):
        inner = cut.steps[1].node.output
        if cut.group.holds[inner] is hold and cut.group.order:
            return place(GRAPH, (cut,), places_of(GRAPH, cut.steps, TARGET))
    raise LookupError(hold)


PASSED, MADE_AT_ONCE = planned(Hold.PASSED), planned(Hold.LOCAL)


def with_lifetimes(plan: Plan, change: Callable[[Buffer], Span]) -> Plan:
    buffers = tuple(replace(b, lifetime=change(b)) for b in plan.buffers)
    return replace(plan, buffers=buffers)


def held_as(plan: Plan, old: Hold, new: Hold) -> Plan:
    (group,) = plan.groups
    holds = {name: new if hold is old else hold for name, hold in group.holds.items()}
    return replace(plan, groups=(replace(group, holds=holds),))


def first_half(buffer: Buffer) -> Span:
    """Tile buffers inside the group die with the second step."""
    is_inside = buffer.role is Role.TILE and buffer.lifetime.size == 3
    return Span(0, 2) if is_inside else buffer.lifetime


def own_step(buffer: Buffer) -> Span:
    """Scratch lives for one step."""
    if buffer.role is not Role.SCRATCH:
        return buffer.lifetime
    names = [step.node.output for step in PASSED.steps]
    return Span(names.index(buffer.name.removesuffix(":scratch")), 1)


def test_the_plans_as_they_are_keep_all_rules() -> None:
    for plan in (PASSED, MADE_AT_ONCE):
        check_plan(plan, GRAPH, TARGET)
        assert [*stage_findings(plan)] == []


@pytest.mark.parametrize(
    ("broken", "finding"),
    [
        (with_lifetimes(PASSED, first_half), "uses it until step 2"),
        (with_lifetimes(PASSED, own_step), "uses it until step 2"),
        (held_as(PASSED, Hold.CARRIED, Hold.PASSED), "2 tiles ahead"),
    ],
)
def test_what_is_wrong_is_found(broken: Plan, finding: str) -> None:
    assert any(finding in text for text in stage_findings(broken))
    with pytest.raises(PlanError):
        check_plan(broken, GRAPH, TARGET)
