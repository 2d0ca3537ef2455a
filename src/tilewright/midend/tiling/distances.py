"""How closely the output of a run of steps may follow an input, over all tiles."""

from collections.abc import Sequence

from tilewright.ir.geometry import is_empty, offset_in
from tilewright.ir.graph import ValueName
from tilewright.ir.plan import Step
from tilewright.ir.program import TileCall
from tilewright.midend.tiling.overlap import smallest_distance
from tilewright.midend.tiling.tiles import Tile
from tilewright.midend.tiling.tilings import Tiling


def smallest_distance_of_tiles(members: Sequence[Step], tiling: Tiling, name: ValueName) -> int:
    """Smallest distance, in bytes, at which the output may follow an input.

    Only the last step writes, so what other steps of the same tile read is read before.
    """
    last = members[-1]
    reads = [
        (position, index)
        for position, step in enumerate(members)
        for index, value in enumerate(step.node.inputs)
        if value == name
    ]
    position, index = reads[0]
    type_, output = members[position].signature.inputs[index], last.signature.output
    inside: dict[tuple[int, int], int] = {}
    distance = -type_.nbytes
    unread: int | None = None
    for tile, kind in zip(reversed(tiling.tiles), reversed(tiling.calls[-1].which), strict=True):
        call = tile.calls[-1]
        if call is not None and kind is not None:
            written = offset_in(output, call.output)
            if unread is not None:
                distance = max(distance, written + call.signature.output.nbytes - unread)
            for position, index in reads:
                if position == len(members) - 1 and not is_empty(call.inputs[index]):
                    if (kind, index) not in inside:
                        inside[kind, index] = _inside(last, call, index)
                    first = offset_in(last.signature.inputs[index], call.inputs[index])
                    distance = max(distance, written - first + inside[kind, index])
        first_read = _first_read(members, reads, tile)
        unread = min((x for x in (unread, first_read) if x is not None), default=None)
    return distance


def _inside(last: Step, call: TileCall, index: int) -> int:
    """How far the output of one call must stay behind its own input."""
    assert last.kernel is not None
    assert last.engine is not None
    streaming = last.kernel.streaming
    if streaming is None or index not in streaming.inputs or last.engine.cores > 1:
        return call.signature.output.nbytes
    return smallest_distance(call.op, call.signature, index, streaming.block_axes)


def _first_read(
    members: Sequence[Step], reads: Sequence[tuple[int, int]], tile: Tile
) -> int | None:
    """Offset of the first byte of a tensor that a tile's calls read."""
    offsets = [
        offset_in(members[position].signature.inputs[index], call.inputs[index])
        for position, index in reads
        if (call := tile.calls[position]) is not None and not is_empty(call.inputs[index])
    ]
    return min(offsets, default=None)
