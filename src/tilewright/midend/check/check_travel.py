"""What must hold of a plan's copies: every tensor is where its kernels look for it, and nothing is
under way before it exists or after there is room for it.
"""

from collections.abc import Iterator

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Plan
from tilewright.ir.target import Role, Target
from tilewright.ir.tiling import Group, Hold

_TRAVELS = (Hold.SINGLE, Hold.DOUBLE)


def travel_findings(plan: Plan, graph: Graph, target: Target) -> Iterator[str]:
    """Everything that is wrong with holds, homes and early transfers, in words."""
    before: Group | None = None
    for index, group in enumerate(plan.groups):
        steps = plan.steps[group.steps.start : group.steps.stop]
        engine = steps[0].engine
        if engine is None:
            continue
        used = {name for step in steps for name in (*step.node.inputs, step.node.output)}
        if odd := group.holds.keys() ^ used:
            yield f"group {index} and its holds differ in {', '.join(sorted(odd))}"
        for name, hold in group.holds.items():
            yield from _hold_findings(plan, graph, target, index, name)
            if not hold.is_whole:
                yield from _place_findings(plan, index, name, engine.near)
        yield from _early_findings(plan, graph, index, before)
        before = group


def _hold_findings(
    plan: Plan, graph: Graph, target: Target, index: int, name: ValueName
) -> Iterator[str]:
    """The tensor exists where its hold says that it comes from."""
    group = plan.groups[index]
    engine = plan.steps[group.steps.start].engine
    assert engine is not None
    near, lies_in = engine.near, plan.constants.get(name, "")
    match group.holds[name]:
        case Hold.LOCAL | Hold.CARRIED | Hold.PASSED | Hold.RELAYED:
            yield from _inner_findings(plan, index, name)
        case Hold.DIRECT | Hold.REMOTE:
            steps = plan.steps[group.steps.start : group.steps.stop]
            readers = [s.engine for s in steps if s.engine and name in s.node.inputs]
            for reader in readers if name in graph.constants else ():
                if reader.reach(lies_in, Role.WEIGHT) is None:
                    yield f"{reader.name} cannot reach {name} in {lies_in or 'no memory'}"
            if name not in graph.constants and plan.buffer_of(name) is None:
                yield f"group {index} uses {name}, which is never whole"
        case Hold.SINGLE | Hold.DOUBLE:
            home = plan.buffer_of(name)
            far = lies_in if name in graph.constants else home and home.memory
            if far is None:
                yield f"{name} has no buffer to travel from"
            elif target.route(far, near) is None:
                yield f"{name} has no way between {far} and {near}"


def _inner_findings(plan: Plan, index: int, name: ValueName) -> Iterator[str]:
    """What is never whole is made before it is read, in one group."""
    users = [
        other
        for other, group in enumerate(plan.groups)
        for step in plan.steps[group.steps.start : group.steps.stop]
        if name in (*step.node.inputs, step.node.output)
    ]
    if set(users) != {index} or plan.buffer_of(name) is not None:
        yield f"{name} is used outside of group {index}, which keeps parts of it only"
    steps = plan.steps[plan.groups[index].steps.start : plan.groups[index].steps.stop]
    if all(step.node.output != name for step in steps):
        yield f"{name} is not made in group {index}, which keeps parts of it only"


def _place_findings(plan: Plan, index: int, name: ValueName, near: str) -> Iterator[str]:
    """A tile buffer lies where the engine works, and its second copy is aligned as the first."""
    try:
        buffer = plan.tile_buffer(index, name)
    except KeyError:
        return  # check_tiles says so
    if buffer.memory != near:
        yield f"{buffer.name} lies in {buffer.memory}, the engine works in {near}"
    if buffer.copies > 1 and buffer.size % (buffer.copies * buffer.align):
        yield f"{buffer.name}: {buffer.copies} copies in {buffer.size} bytes are not aligned"


def _early_findings(plan: Plan, graph: Graph, index: int, before: Group | None) -> Iterator[str]:
    """Early transfers have a group to hide behind, a source by then, and a place of their own."""
    group = plan.groups[index]
    made = {step.node.output: time for time, step in enumerate(plan.steps)}
    for name in sorted(group.early):
        if before is None:
            yield f"{name} is loaded early, but no group runs before"
            continue
        if group.holds.get(name) not in _TRAVELS:
            yield f"{name} is loaded early, but does not travel"
            continue
        if name not in graph.constants and made.get(name, -1) >= before.steps.start:
            yield f"{name} is loaded before it is made"
        try:
            buffer = plan.tile_buffer(index, name)
        except KeyError:
            continue  # check_tiles says so
        if buffer.lifetime.start > before.steps.start:
            yield f"{buffer.name} is loaded early but not alive then"
