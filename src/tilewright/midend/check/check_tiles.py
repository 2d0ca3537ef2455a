"""What must hold of a plan's groups: tile buffers are there, large enough, and alive; tiles cover
the output once; and nothing that a later tile reads is overwritten.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Overlap, Plan
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Array, Region, Span, TensorType
from tilewright.midend.tiling.tiles import Tile, tiles_of


def group_of(plan: Plan, time: int) -> Group:
    """The group that a step belongs to."""
    return next(g for g in plan.groups if g.steps.start <= time < g.steps.stop)


def covered_steps(plan: Plan) -> list[int]:
    """The steps of all groups, in the groups' order."""
    return [time for g in plan.groups for time in range(g.steps.start, g.steps.stop)]


def inner_of(plan: Plan) -> frozenset[ValueName]:
    """Tensors that are never whole."""
    return frozenset(
        name for group in plan.groups for name, hold in group.holds.items() if hold.is_inside
    )


def scratch_wanted(plan: Plan, time: int) -> int:
    """Bytes of a step's largest call on one core."""
    step, group = plan.steps[time], group_of(plan, time)
    assert step.kernel is not None
    if not group.order and not group.parts:
        return step.kernel.scratch_bytes(step.node.op, step.signature)
    calls = {
        (call.op, call.signature)
        for tile in tiles_of(plan.steps, group)
        if (call := tile.calls[time - group.steps.start]) is not None
    }
    return max(step.kernel.scratch_bytes(*call) for call in calls)


def tile_findings(plan: Plan, graph: Graph) -> Iterator[str]:
    """Everything that is wrong with groups and tile buffers, in words."""
    for index, group in enumerate(plan.groups):
        if plan.steps[group.steps.start].kernel is None:
            continue
        tiles = tiles_of(plan.steps, group)
        yield from _coverage(plan, group, tiles)
        for name, hold in group.holds.items():
            if not hold.is_whole:
                yield from _buffer_findings(plan, graph, index, name, tiles)


def _coverage(plan: Plan, group: Group, tiles: tuple[Tile, ...]) -> Iterator[str]:
    step = plan.steps[group.steps.stop - 1]
    times = np.zeros(step.signature.output.shape, np.int32)
    for tile in tiles:
        times[_slices(tile.held[step.node.output])] += 1
    if (times != 1).any():
        yield f"{step.node}: tiles make an element {times.min()} to {times.max()} times"


def _buffer_findings(
    plan: Plan, graph: Graph, index: int, name: ValueName, tiles: tuple[Tile, ...]
) -> Iterator[str]:
    group = plan.groups[index]
    try:
        buffer = plan.tile_buffer(index, name)
    except KeyError:
        yield f"{name} has no tile buffer in group {index}"
        return
    wanted = (
        max(int(np.prod([span.size for span in tile.held[name]])) for tile in tiles)
        * graph.type(name).dtype.nbytes
    )
    copies = group.holds[name].copies
    if buffer.copies != copies:
        yield f"{buffer.name} has {buffer.copies} copies, {group.holds[name].value} means {copies}"
    if buffer.size < wanted * copies:
        yield f"{buffer.name} has {buffer.size} of {wanted * copies} bytes"
    used = group.steps
    if group.holds[name] is Hold.LOCAL:
        steps = plan.steps[used.start : used.stop]
        times = [i for i, s in enumerate(steps) if name in (*s.node.inputs, s.node.output)]
        used = Span(used.start + times[0], times[-1] - times[0] + 1)
    if buffer.lifetime.start > used.start or buffer.lifetime.stop < used.stop:
        yield f"{buffer.name} is not alive in all steps {used}"


def overwritten_early(plan: Plan, leave: Overlap) -> int:
    """Bytes of the reader that are overwritten before the last tile that reads them, in a group
    whose output and one of whose inputs share memory. Byte by byte."""
    group = group_of(plan, leave.step)
    steps = plan.steps[group.steps.start : group.steps.stop]
    where = {buffer.name: buffer for buffer in plan.buffers}
    reader, writer = where[leave.reader], where[leave.writer]
    tiles = tiles_of(plan.steps, group)
    addresses = np.full(max(reader.bytes.stop, writer.bytes.stop), -1)
    last_read, lost = addresses, 0
    for number, tile in enumerate(tiles):
        for step, call in zip(steps, tile.calls, strict=True):
            if call is None:
                continue
            for name, type_, region in zip(
                step.node.inputs, step.signature.inputs, call.inputs, strict=True
            ):
                if name in reader.values:
                    last_read[reader.offset + _bytes_of(type_, region)] = number
    output = steps[-1]
    for number, tile in enumerate(tiles):
        written = writer.offset + _bytes_of(output.signature.output, tile.held[output.node.output])
        lost += int((last_read[written] > number).sum())
    return lost


@cache
def _numbered(type_: TensorType) -> Array:
    return np.arange(type_.size).reshape(type_.shape)


def _bytes_of(type_: TensorType, region: Region) -> Array:
    """Byte offsets of a region in the whole tensor."""
    width = type_.dtype.nbytes
    first = _numbered(type_)[_slices(region)].reshape(-1, 1) * width
    return (first + np.arange(width)).reshape(-1)


def _slices(region: Region) -> tuple[slice, ...]:
    return tuple(slice(span.start, span.stop) for span in region)
