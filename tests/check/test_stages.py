"""The judge finds what is wrong with plans in which engines work at the same time."""

from dataclasses import replace

import pytest

from judged import check_plan
from random_networks import places_of
from tilewright.backend.stage import stage
from tilewright.check.judge import PlanError, check_program
from tilewright.ir.plan import Buffer, Plan
from tilewright.ir.target import Role
from tilewright.ir.tiling import Hold
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


def held_as(plan: Plan, old: Hold, new: Hold) -> Plan:
    (group,) = plan.groups
    holds = {name: new if hold is old else hold for name, hold in group.holds.items()}
    return replace(plan, groups=(replace(group, holds=holds),))


def apart(buffer: Buffer) -> bool:
    return buffer.role is Role.TILE and buffer.lifetime.size == 3


def test_the_plans_as_they_are_keep_all_rules() -> None:
    for plan in (PASSED, MADE_AT_ONCE):
        check_plan(plan, GRAPH, TARGET)


def test_tile_buffers_that_others_take_while_a_step_is_under_way_are_found() -> None:
    """Those of the steps that run at the same time, in one place."""
    one, other, *_ = (b for b in PASSED.buffers if apart(b))
    moved = tuple(replace(b, offset=one.offset) if b is other else b for b in PASSED.buffers)
    with pytest.raises(PlanError, match="overlap without leave"):
        check_plan(replace(PASSED, buffers=moved), GRAPH, TARGET)
    program = stage(GRAPH, replace(PASSED, buffers=moved), TARGET, "net")
    with pytest.raises(PlanError, match="makes no promise that lets t be overwritten"):
        check_program(program, GRAPH, TARGET)


def test_scratch_of_steps_that_work_at_the_same_time_is_apart() -> None:
    engines = [step.engine.name for step in PASSED.steps if step.engine]
    assert engines == ["npu", "npu", "core"]
    npu, core = PASSED.scratch_of(1), PASSED.scratch_of(2)
    assert npu is not None
    moved = tuple(replace(b, offset=npu.offset) if b is core else b for b in PASSED.buffers)
    program = stage(GRAPH, replace(PASSED, buffers=moved), TARGET, "net")
    with pytest.raises(PlanError, match="is working with"):
        check_program(program, GRAPH, TARGET)


def test_tensors_that_are_made_two_tiles_ahead_are_found() -> None:
    with pytest.raises(PlanError):
        check_plan(held_as(PASSED, Hold.CARRIED, Hold.PASSED), GRAPH, TARGET)
