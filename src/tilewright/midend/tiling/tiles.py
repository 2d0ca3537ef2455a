"""From a group to its tiles: which region of every tensor each tile needs, and which operator
computes it. The only place that composes ``reads()``; nothing in it knows an operator by name.

Sizes, transfers, loops, recomputed halos and carried rows all follow from what this returns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from tilewright.ir.graph import ValueName
from tilewright.ir.op import Access, Along, Op, Reduced, Whole
from tilewright.ir.plan import Step
from tilewright.ir.target import Signature
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Region, Shape, Span, TensorType


@dataclass(frozen=True, slots=True)
class TileCall:
    """One kernel call: ``op`` computes region ``output`` from exactly the regions ``inputs``."""

    op: Op
    signature: Signature
    inputs: tuple[Region, ...]
    output: Region


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile of a group.

    calls  one per step; None where a carried tensor holds everything that is needed already
    held   tensor → the region of it that must be present while the tile is computed
    """

    calls: tuple[TileCall | None, ...]
    held: Mapping[ValueName, Region]


def tiles_of(steps: Sequence[Step], group: Group) -> tuple[Tile, ...]:
    """All tiles in the order in which they are computed. ``steps``: all steps of the plan."""
    return tiles_of_run(steps[group.steps.start : group.steps.stop], group)


def tiles_of_run(members: Sequence[Step], group: Group) -> tuple[Tile, ...]:
    """The same from the steps of the group alone."""
    readers = [(step, step.node.op.reads(*step.signature.inputs)) for step in members]
    done: dict[ValueName, Region] = {}
    tiles: list[Tile] = []
    for region in output_regions(members[-1].signature.output, group):
        tile = _tile(readers, region, group.holds, done)
        for name, hold in group.holds.items():
            if hold.keeps_rows:
                done[name] = tile.held[name]
        tiles += _in_parts(members[0], tile, group.parts) if group.parts else (tile,)
    return tuple(tiles)


def reduced_extent(step: Step) -> int:
    """Elements of the dimensions that a step's operator sums over; 0 where there are none."""
    types = step.signature.inputs
    return max(
        (
            extent
            for access, type_ in zip(step.node.op.reads(*types), types, strict=True)
            for how, extent in zip(access, type_.shape, strict=True)
            if isinstance(how, Reduced)
        ),
        default=0,
    )


def _in_parts(first: Step, tile: Tile, size: int) -> Iterator[Tile]:
    """The tile once for every part of what its first step sums over; the others end the last."""
    whole, *others = tile.calls
    assert whole is not None, "a tile of sums makes something new"
    extent = reduced_extent(first)
    sums = first.node.output
    for start in range(0, extent, size):
        part = Span(start, min(size, extent - start))
        call = _on_part(first, whole, part)
        calls = others if part.stop == extent else [None] * len(others)
        held = {
            name: region if part.stop == extent or name == sums else _empty(region)
            for name, region in tile.held.items()
        }
        yield Tile((call, *calls), held | dict(zip(first.node.inputs, call.inputs, strict=True)))


def _on_part(step: Step, call: TileCall, part: Span) -> TileCall:
    """The call for a part of the reduced dimensions of its inputs."""
    types = step.signature.inputs
    regions = tuple(
        tuple(
            part if isinstance(how, Reduced) else span
            for how, span in zip(access, region, strict=True)
        )
        for access, region in zip(step.node.op.reads(*types), call.inputs, strict=True)
    )
    inputs = tuple(region_type(t, r) for t, r in zip(types, regions, strict=True))
    signature = Signature(inputs, call.signature.output)
    op = call.op.on_part(part)
    assert op is not None, f"{step.node} is no sum of parts"
    return replace(call, op=op, signature=signature, inputs=regions)


def _empty(region: Region) -> Region:
    return tuple(Span(0, 0) for _ in region)


def output_regions(output: TensorType, group: Group) -> Iterator[Region]:
    """The grid of tiles over the last step's output, in loop order."""
    cuts = [
        [Span(at, min(size, extent - at)) for at in range(0, extent, size)]
        for size, extent in zip(group.tile, output.shape, strict=True)
    ]
    uncut = [axis for axis in range(len(cuts)) if axis not in group.order]
    assert all(len(cuts[axis]) == 1 for axis in uncut), "an axis that is cut has no loop"
    for spans in product(*(cuts[axis] for axis in group.order)):
        chosen = dict(zip(group.order, spans, strict=True))
        yield tuple(chosen.get(axis, cuts[axis][0]) for axis in range(len(cuts)))


def _regions(
    reads: Sequence[Access], types: Sequence[TensorType], whole: Shape, out: Region
) -> tuple[Region, ...]:
    """The region of each input that ``out`` needs.

    Along an axis of which ``out`` has everything, all of the input, even where the last window of
    a strided operator ends before it: the tile then has the bytes of the tensor without gaps.
    """
    return tuple(
        tuple(
            _read_span(dim, out, extent, whole) for dim, extent in zip(access, t.shape, strict=True)
        )
        for access, t in zip(reads, types, strict=True)
    )


def region_bytes(type_: TensorType, region: Region) -> int:
    """Bytes of a region once it is cut out."""
    return type_.dtype.nbytes * prod([span.size for span in region])


def region_type(type_: TensorType, region: Region) -> TensorType:
    """The dense tensor that a region of ``type_`` is once it is cut out."""
    return TensorType(type_.dtype, tuple(span.size for span in region))


def is_contiguous(type_: TensorType, region: Region) -> bool:
    """Whether a region's bytes follow one another in the whole row-major tensor."""
    partial = [d for d, s in enumerate(region) if s.size != type_.shape[d]]
    return not partial or all(s.size == 1 for s in region[: partial[-1]])


def offset_in(type_: TensorType, region: Region) -> int:
    """Byte offset of a region's first element in the whole row-major tensor."""
    offset = 0
    for span, extent in zip(region, type_.shape, strict=True):
        offset = offset * extent + span.start
    return offset * type_.dtype.nbytes


def _read_span(dim: Along | Whole, out: Region, extent: int, whole: Shape) -> Span:
    if isinstance(dim, Whole):
        return Span(0, extent)
    span = dim.span(out[dim.axis], extent)
    is_strided = dim.stride > 1 and span.start == 0 and out[dim.axis].size == whole[dim.axis]
    return Span(0, extent) if is_strided else span


def _tile(
    members: Sequence[tuple[Step, Sequence[Access]]],
    region: Region,
    holds: Mapping[ValueName, Hold],
    done: Mapping[ValueName, Region],
) -> Tile:
    """Backwards from the output: who needs what, then forwards nothing is left to decide."""
    held: dict[ValueName, Region] = {members[-1][0].node.output: region}
    calls: list[TileCall | None] = []
    for step, reads in reversed(members):
        name = step.node.output
        if name not in held:  # every reader was spared by carried rows
            held[name] = done.get(name, tuple(Span(0, 0) for _ in step.signature.output.shape))
            calls.append(None)
            continue
        fresh = _not_yet(held[name], done.get(name)) if holds[name].keeps_rows else held[name]
        call = None if fresh is None or _is_empty(fresh) else _call(step, reads, fresh)
        calls.append(call)
        if call is not None:
            for value, needed in zip(step.node.inputs, call.inputs, strict=True):
                held[value] = _hull(held[value], needed) if value in held else needed
    for step, _ in members:
        for value in step.node.inputs:
            if value not in held:
                held[value] = done.get(value) or _nothing(step, value)
    return Tile(tuple(reversed(calls)), held)


def _call(step: Step, reads: Sequence[Access], out: Region) -> TileCall:
    op, types = step.node.op, step.signature.inputs
    regions = _regions(reads, types, step.signature.output.shape, out)
    inputs = tuple(region_type(t, r) for t, r in zip(types, regions, strict=True))
    signature = Signature(inputs, region_type(step.signature.output, out))
    return TileCall(op.on_tile(out, *types), signature, regions, out)


def _is_empty(region: Region) -> bool:
    """Whether a tile asks for nothing of a tensor: it lies wholly in the padding behind it."""
    return any(span.size == 0 for span in region)


def _nothing(step: Step, value: ValueName) -> Region:
    """An empty region: the tensor is not needed for this tile."""
    type_ = step.signature.inputs[step.node.inputs.index(value)]
    return tuple(Span(0, 0) for _ in type_.shape)


def _hull(a: Region, b: Region) -> Region:
    """The smallest region that contains both; an empty one asks for nothing."""
    if any(span.size == 0 for span in a):
        return b
    if any(span.size == 0 for span in b):
        return a
    spans: list[Span] = []
    for x, y in zip(a, b, strict=True):
        start, stop = min(x.start, y.start), max(x.stop, y.stop)
        spans.append(Span(start, stop - start))
    return tuple(spans)


def _not_yet(needed: Region, done: Region | None) -> Region | None:
    """The part of ``needed`` behind what is already there; None where that is all of it.

    Carried tensors are cut along one axis only, and tiles move forwards along it.
    """
    if done is None or needed == done:
        return None if needed == done else needed
    spans: list[Span] = []
    for need, have in zip(needed, done, strict=True):
        start = need.start if need == have else max(need.start, have.stop)
        spans.append(Span(start, max(need.stop - start, 0)))
    return None if any(span.size == 0 for span in spans) else tuple(spans)
