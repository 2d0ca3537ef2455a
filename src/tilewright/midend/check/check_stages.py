"""What must hold of groups in which engines work at the same time: whatever a step works with is
left alone until it is over, and no tensor is wanted for two tiles in one place.
"""

from collections.abc import Iterator, Mapping, Sequence

from tilewright.ir.graph import ValueName
from tilewright.ir.plan import Plan, Step, scratch_name
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Region
from tilewright.midend.tiling.issue import stages_of
from tilewright.midend.tiling.tiles import tiles_of

_AHEAD = (Hold.PASSED, Hold.RELAYED)


def stage_findings(plan: Plan) -> Iterator[str]:
    """Everything that is wrong with steps that run beside others, in words."""
    for index, group in enumerate(plan.groups):
        steps = plan.steps[group.steps.start : group.steps.stop]
        if steps[0].kernel is None:
            continue
        yield from _early_ends(plan, index, steps)
        if any(hold in _AHEAD for hold in group.holds.values()):
            yield from _mixed_tiles(plan, group, steps)


def _early_ends(plan: Plan, index: int, steps: Sequence[Step]) -> Iterator[str]:
    """Buffers that die, or begin to live, while a step that is under way uses them."""
    group = plan.groups[index]
    start = group.steps.start
    has_stages = any(hold in _AHEAD for hold in group.holds.values())
    for position, step in enumerate(steps):
        first, last = start + position, start + position + _last_beside(steps, position)
        if has_stages:
            first, last = start, group.steps.stop - 1
        names = [n for n in (*step.node.inputs, step.node.output) if group.holds[n].is_inside]
        buffers = [plan.tile_buffer(index, name) for name in names]
        own = scratch_name(step.node.output)
        buffers += [buffer for buffer in plan.buffers if buffer.name == own]
        for buffer in buffers:
            life = buffer.lifetime
            if not life.start <= first <= last < life.stop:
                yield f"{buffer.name} lives in {life}, {step.node} uses it until step {last}"


def _last_beside(steps: Sequence[Step], position: int) -> int:
    """How many further steps begin before one is over, at most: none on the core."""
    step = steps[position]
    assert step.engine is not None
    later = steps[position + 1 :]
    if not step.engine.is_asynchronous:
        return 0
    for count, other in enumerate(later):
        takes_over = other.engine == step.engine
        if takes_over or step.node.output in other.node.inputs:
            return count
    return len(later)


def _mixed_tiles(plan: Plan, group: Group, steps: Sequence[Step]) -> Iterator[str]:
    """Tensors with one copy that steps use for different tiles; of PASSED ones, more than two."""
    stages = stages_of(steps, group.holds)
    if max(stages) > 1:
        yield f"{steps[0].node} is {max(stages)} tiles ahead"
    tiles = tiles_of(plan.steps, group)
    for name, hold in group.holds.items():
        users = [
            stage
            for step, stage in zip(steps, stages, strict=True)
            if name in (*step.node.inputs, step.node.output)
        ]
        may_differ = hold in (*_AHEAD, Hold.DIRECT, Hold.REMOTE)
        if len({*users}) > 1 and not may_differ and _changes(name, [tile.held for tile in tiles]):
            yield f"{name} is used for two tiles at a time"


def _changes(name: ValueName, held: Sequence[Mapping[ValueName, Region]]) -> bool:
    return len({regions[name] for regions in held}) > 1
