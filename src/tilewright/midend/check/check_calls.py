"""What must hold of every single kernel call of a group, judged by following the elements.

Which elements a call needs is derived here from ``reads()`` alone, index by index, and compared
with what the tile buffers hold when the call is made: what was loaded for the tile, what earlier
calls of the group wrote, and of carried tensors what the tile before left.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from tilewright.ir.graph import ValueName
from tilewright.ir.op import Along, Reduced
from tilewright.ir.plan import Plan, Step
from tilewright.ir.program import TileCall
from tilewright.ir.target import AtMost, AtMostInput, Limit, MultipleOf, Signature
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Array, Region, Span
from tilewright.midend.tiling.tiles import Tile, tiles_of


def call_findings(plan: Plan) -> Iterator[str]:
    """Everything that is wrong with calls, in words."""
    for group in plan.groups:
        steps = plan.steps[group.steps.start : group.steps.stop]
        if steps[0].kernel is None:
            continue
        tiles = tiles_of(plan.steps, group)
        for step, calls in zip(
            steps, zip(*(tile.calls for tile in tiles), strict=True), strict=True
        ):
            yield from _kernel_findings(step, calls)
        yield from element_findings(group, steps, tiles)


def _kernel_findings(step: Step, calls: tuple[TileCall | None, ...]) -> Iterator[str]:
    """The kernel takes every call, and every call keeps to the kernel's limits."""
    assert step.kernel is not None
    for op, signature in {(call.op, call.signature) for call in calls if call is not None}:
        refusal = step.kernel.objection(op, signature)
        if refusal is not None:
            yield f"{step.node} calls {step.kernel.symbol} for a part that it refuses: {refusal}"
        for limit in step.kernel.limits:
            if not _keeps(limit, signature, step.signature):
                shape = signature.output.shape
                yield f"{step.node} calls {step.kernel.symbol} for {shape} against {limit}"


def _keeps(limit: Limit, call: Signature, whole: Signature) -> bool:
    match limit:
        case MultipleOf(axis, n):
            return call.output.shape[axis] % n == 0
        case AtMost(axis, n):
            return call.output.shape[axis] <= n
        case AtMostInput(index, axis, n):
            return call.inputs[index].shape[axis] <= n
        case _:
            return call.output.shape[limit.axis] == whole.output.shape[limit.axis]


def element_findings(
    group: Group, steps: tuple[Step, ...], tiles: tuple[Tile, ...]
) -> Iterator[str]:
    """Whatever a call reads is there, and it is handed over at its place."""
    made = {step.node.output: step.signature.output for step in steps}
    present = {name: np.zeros(type_.shape, np.bool_) for name, type_ in made.items()}
    for number, tile in enumerate(tiles):
        for name in made:
            is_summed = bool(group.parts) and name == steps[0].node.output
            if not is_summed:  # what is summed stays until the last part: check_parts
                present[name] = _kept(group.holds[name], present[name], tile.held[name])
        for step, call in zip(steps, tile.calls, strict=True):
            if call is None:
                continue
            for index, name in enumerate(step.node.inputs):
                part = call.inputs[index] if group.parts and step is steps[0] else None
                wanted = _wanted(step, index, call.output, part)
                where = f"tile {number} of {step.node}"
                shape = step.signature.inputs[index].shape
                if not all(map(_is_given, wanted, call.inputs[index], shape)):
                    yield f"{where} is given {call.inputs[index]} of {name}, reads {wanted}"
                if not _is_there(name, wanted, present, tile.held):
                    yield f"{where} reads elements of {name} that are not there"
            present[step.node.output][_slices(call.output)] = True


def _kept(hold: Hold, present: Array, held: Region) -> Array:
    """What is left of a tensor of the group when a tile begins."""
    if hold.is_whole:
        return present
    kept = np.zeros_like(present)
    if hold in (Hold.CARRIED, Hold.RELAYED):
        kept[_slices(held)] = present[_slices(held)]
    return kept


def _is_there(
    name: ValueName,
    wanted: Region,
    present: Mapping[ValueName, Array],
    held: Mapping[ValueName, Region],
) -> bool:
    if name in present:
        return bool(present[name][_slices(wanted)].all())
    return all(
        need.size == 0 or (have.start <= need.start and need.stop <= have.stop)
        for need, have in zip(wanted, held[name], strict=True)
    )


def _is_given(wanted: Span, given: Span, extent: int) -> bool:
    """Exactly what is read, or all of an axis that is read from its start on."""
    if wanted.size == 0:
        return given.size == 0
    return wanted == given or (wanted.start == 0 and given == Span(0, extent))


def _wanted(step: Step, index: int, out: Region, part: Region | None) -> Region:
    """The elements of an input from the first to the last window of a region of the output.

    part  says which elements of reduced dimensions are meant, where it is not all
    """
    types = step.signature.inputs
    spans: list[Span] = []
    accesses = step.node.op.reads(*types)[index]
    for axis, (how, extent) in enumerate(zip(accesses, types[index].shape, strict=True)):
        if not isinstance(how, Along):
            is_part = part is not None and isinstance(how, Reduced)
            spans.append(part[axis] if part is not None and is_part else Span(0, extent))
            continue
        region = out[how.axis]
        # A window in the padding counts from where it lies: what follows finds its place by it.
        windows = [position * how.stride - how.pad for position in range(region.start, region.stop)]
        reached = [min(max(at, 0), extent) for at in (min(windows), max(windows) + how.window)]
        spans.append(Span(reached[0], max(reached[1] - reached[0], 0)))
    return tuple(spans)


def _slices(region: Region) -> tuple[slice, ...]:
    return tuple(slice(span.start, span.stop) for span in region)
