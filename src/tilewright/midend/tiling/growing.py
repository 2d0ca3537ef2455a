"""Tiles of tensors that are shorter where the caller's arguments are smaller.

One program serves all lengths. So every tile but the last is the same for all of them: the number
of tiles follows from the length, and the last one is as long as is left.
"""

from collections.abc import Iterator, Sequence

from tilewright.ir.geometry import is_empty
from tilewright.ir.graph import ValueName
from tilewright.ir.plan import Axes, Step
from tilewright.ir.tiling import Group
from tilewright.ir.types import Region, Span, TensorType
from tilewright.midend.tiling.tiles import Tile


def growing_tensors(members: Sequence[Step]) -> dict[ValueName, Axes]:
    """Tensors of a run that depend on arguments → the axes that do."""
    return {
        name: axes
        for step in members
        for name, axes in zip((*step.node.inputs, step.node.output), step.growing, strict=False)
        if axes
    }


def grows_evenly(members: Sequence[Step], group: Group, tiles: Sequence[Tile]) -> bool:
    """Whether a run is cut in a way that one program can follow for every length.

    Where the axis that grows is cut, it is the only one, and every tensor that grows has the same
    parts along its own. Where others are cut, what grows is there whole. In both cases nothing
    stands before the axis that grows: the distance of two rows then does not depend on the length.
    """
    grown = growing_tensors(members)
    if not grown or not (group.order or group.parts):
        return True
    if group.parts or any(hold.keeps_rows for hold in group.holds.values()):
        return False
    output = members[-1].node.output
    loops = grown.get(output, Axes()) & {*group.order}
    if loops and (len(loops) > 1 or len(group.order) > 1):
        return False
    types = {n: t for step in members for n, t in _types(step)}
    axis = next(iter(loops), None)
    return all(
        _is_even(
            types[name], grown[name], region, None if axis is None else tile.held[output][axis]
        )
        for tile in tiles
        for name in grown
        for region in _regions(members, tile, name)
    )


def _is_even(type_: TensorType, axes: Axes, region: Region, part: Span | None) -> bool:
    """Whether a tensor is there whole, or its rows are: all, or as many as ``part`` has."""
    whole = [span.size == extent for span, extent in zip(region, type_.shape, strict=True)]
    if all(whole) or is_empty(region):
        return True
    first = min(axes)
    if len(axes) > 1 or any(extent > 1 for extent in type_.shape[:first]):
        return False
    return whole[first] or region[first] == part


def _regions(members: Sequence[Step], tile: Tile, name: ValueName) -> Iterator[Region]:
    """What a tile holds of a tensor, and what its calls read and make of it."""
    yield tile.held[name]
    for step, call in zip(members, tile.calls, strict=True):
        if call is None:
            continue
        pairs = zip((*step.node.inputs, step.node.output), (*call.inputs, call.output), strict=True)
        yield from (region for other, region in pairs if other == name)


def _types(step: Step) -> Iterator[tuple[ValueName, TensorType]]:
    yield from zip(step.node.inputs, step.signature.inputs, strict=True)
    yield step.node.output, step.signature.output
