"""Whether a plan's own words about itself hold: sizes, lifetimes, and what shares memory.

Reports, explanations and drawings show them, and a stored plan may say anything. What a program
does with its bytes is not judged here, but by ``tilewright.check``.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, combinations

from tilewright.check.memory import PlanError
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Buffer, Plan
from tilewright.ir.target import Role, Signature
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Span


def check_summary(plan: Plan, graph: Graph) -> None:
    """Raises PlanError naming the first word that does not hold."""
    for finding in chain(_steps(plan, graph), _findings(plan)):
        raise PlanError(finding)


def _steps(plan: Plan, graph: Graph) -> Iterator[str]:
    """Every node of the graph once, as the graph has it, after everything that it reads."""
    nodes = {node.output: node for node in graph.nodes}
    known = {*graph.inputs, *graph.constants}
    for step in plan.steps:
        node = step.node
        if nodes.get(node.output) != node:
            yield f"{node} is not in the graph"
        if node.output in known:
            yield f"{node} runs twice"
        if early := [name for name in node.inputs if name not in known]:
            yield f"{node} reads {early} before they are made"
        if step.signature != Signature(graph.input_types(node), graph.type(node.output)):
            yield f"{node} is planned for other types"
        known.add(node.output)
    if lost := [name for name in nodes if name not in known]:
        yield f"{lost} are never made"


def _findings(plan: Plan) -> Iterator[str]:
    covered = [time for g in plan.groups for time in range(g.steps.start, g.steps.stop)]
    if covered != list(range(len(plan.steps))):
        yield f"groups cover the steps {covered}"
        return
    yield from _sizes(plan)
    for index, group in enumerate(plan.groups):
        if plan.steps[group.steps.start].kernel is not None:
            yield from _held(plan, index, group)
        yield from _dead(plan, group)
    for one, other in combinations(plan.buffers, 2):
        together = one.memory == other.memory and _meet(one.bytes, other.bytes)
        if together and _meet(one.lifetime, other.lifetime):
            yield from _sharing(plan, one, other)


def _sizes(plan: Plan) -> Iterator[str]:
    for memory, arena in plan.arena_bytes.items():
        if plan.lower_bound[memory] > arena:
            yield f"{memory}: arena below its lower bound"
        if plan.activation_bytes[memory] > arena:
            yield f"{memory}: activations alone need {plan.activation_bytes[memory]} of {arena} B"
    values = [name for b in plan.buffers if b.role is not Role.TILE for name in b.values]
    if twice := {name for name in values if values.count(name) > 1}:
        yield f"{', '.join(sorted(twice))} has two buffers"
    for buffer in plan.buffers:
        yield from _misplaced(plan, buffer)


def _meet(one: Span, other: Span) -> bool:
    return one.start < other.stop and other.start < one.stop


def _misplaced(plan: Plan, buffer: Buffer) -> Iterator[str]:
    arena, life = plan.arena_bytes.get(buffer.memory, 0), buffer.lifetime
    if buffer.offset < 0 or buffer.bytes.stop > arena:
        yield f"{buffer.name} at {buffer.bytes} leaves the arena of {arena} bytes"
    if buffer.align <= 0 or buffer.offset % buffer.align:
        yield f"{buffer.name} at offset {buffer.offset} is not aligned"
    if life.start < 0 or life.stop > max(len(plan.steps), 1):
        yield f"{buffer.name} lives outside of the plan"


def _held(plan: Plan, index: int, group: Group) -> Iterator[str]:
    """A group says of every tensor that it uses how it is held, and has such buffers."""
    steps = plan.steps[group.steps.start : group.steps.stop]
    used = {name for step in steps for name in (*step.node.inputs, step.node.output)}
    if odd := group.holds.keys() ^ used:
        yield f"group {index} and its holds differ in {', '.join(sorted(odd))}"
        return
    for name, hold in group.holds.items():
        if not hold.is_whole:
            users = (n for n, s in enumerate(steps) if name in (*s.node.inputs, s.node.output))
            yield from _tile_buffer(plan, index, name, [group.steps.start + n for n in users])
    for name in sorted(group.early):
        if not group.holds[name].is_copied:
            yield f"{name} is loaded early, but does not travel"
        elif not index:
            yield f"{name} is loaded early, but no group runs before"
        elif plan.tile_buffer(index, name).lifetime.start > plan.groups[index - 1].steps.stop - 1:
            yield f"{name} is loaded early but not alive then"


def _tile_buffer(plan: Plan, index: int, name: ValueName, times: Sequence[int]) -> Iterator[str]:
    """As many copies as the hold means, alive in the group, or where it is used; ``times``."""
    group, buffer = plan.groups[index], plan.tile_buffer(index, name)
    hold = group.holds[name]
    if buffer.copies != hold.copies:
        yield f"{buffer.name} has {buffer.copies} copies, {hold.value} means {hold.copies}"
    first, last = times[0], times[-1]
    if hold is not Hold.LOCAL:
        first, last = group.steps.start, group.steps.stop - 1
    if buffer.lifetime.start > first or buffer.lifetime.stop <= last:
        yield f"{buffer.name} is not alive in all steps from {first} to {last}"


def _dead(plan: Plan, group: Group) -> Iterator[str]:
    """Tensors that a group uses and that are not alive then, or have no room."""
    for time in range(group.steps.start, group.steps.stop):
        node, types = plan.steps[time].node, plan.steps[time].signature
        names = zip((*node.inputs, node.output), (*types.inputs, types.output), strict=True)
        for name, type_ in names:
            home = plan.buffer_of(name)
            if home is not None and home.size < type_.nbytes:
                yield f"{home.name} is too small for {name}"
            if home is not None and not home.lifetime.start <= time < home.lifetime.stop:
                yield f"{name} is not alive at step {time}, which is {node}"


def _sharing(plan: Plan, one: Buffer, other: Buffer) -> Iterator[str]:
    """Buffers of the same bytes are alive together only for the step that has leave for it."""
    where = f"{one.name} at {one.bytes} and {other.name} at {other.bytes}"
    names = {one.name, other.name}
    leave = next((o for o in plan.overlaps if {o.writer, o.reader} == names), None)
    if leave is None:
        yield f"{where} overlap without leave"
        return
    writer, reader = (one, other) if leave.writer == one.name else (other, one)
    group = next(g for g in plan.groups if g.steps.start <= leave.step < g.steps.stop)
    together = (writer.lifetime.start, reader.lifetime.stop) == (group.steps.start, leave.step + 1)
    if not together or leave.step != group.steps.stop - 1:
        yield f"{where} overlap for longer than step {leave.step}"
    if reader.offset - writer.offset != leave.distance:
        yield f"{where} were meant otherwise"
