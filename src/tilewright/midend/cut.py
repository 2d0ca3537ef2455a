"""Ways to compute a run of steps: whole, or tile by tile, and what each way needs and costs.

A ``Cut`` is what the choice is between: one run of steps with kernels, tiles and holds, and all
numbers that the choice needs. They follow from ``tiles_of`` and from what kernels say about their
calls; nothing here knows an operator by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.op import Op
from tilewright.ir.plan import Step, whole_groups
from tilewright.ir.target import (
    AtMost,
    AtMostInput,
    Limit,
    MultipleOf,
    Signature,
    WholeAxis,
)
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Region, Span, TensorType
from tilewright.midend.overlap import Gap, sharing_gap, smallest_distance
from tilewright.midend.tiles import (
    Tile,
    TileCall,
    is_contiguous,
    offset_in,
    region_type,
    tiles_of,
)

KEPT_BYTES_PER_CYCLE = 4
"""How fast rows that the next tile needs again are moved to the front of their buffer."""

CALL_CYCLES = 60
"""What one more kernel call costs on any engine: its arguments, its set-up."""


@dataclass(frozen=True, slots=True)
class Cut:
    """One way to compute the steps of ``group``.

    steps    the run's steps, with the kernels of this way
    cycles   estimated, of all tiles
    macs     multiply-accumulates of all tiles, recomputed halos included
    scratch  bytes per step, of its largest call
    inner    tensor → bytes of its tile buffer, for what is never whole
    leaves   whole input → where it may lie, should it die with this run, seen from the output
    """

    group: Group
    steps: tuple[Step, ...]
    cycles: int
    macs: int
    scratch: tuple[int, ...]
    inner: Mapping[ValueName, int]
    leaves: Mapping[ValueName, Gap]

    @property
    def span(self) -> Span:
        """The steps of the plan that it covers."""
        return self.group.steps

    @property
    def is_whole(self) -> bool:
        """Whether it is one step that is computed at once."""
        return not self.group.order and len(self.steps) == 1

    def lives(self, name: ValueName) -> Span:
        """Steps in which an inner tensor's buffer is in use."""
        if self.group.holds[name] is not Hold.LOCAL:
            return self.span
        times = [i for i, s in enumerate(self.steps) if name in (*s.node.inputs, s.node.output)]
        return Span(self.span.start + times[0], times[-1] - times[0] + 1)


def whole_cut(time: int, step: Step) -> Cut:
    """The step at ``time`` computed at once."""
    group = replace(whole_groups((step,))[0], steps=Span(time, 1))
    if step.kernel is None or step.engine is None:
        return Cut(group, (step,), 0, 0, (0,), {}, {})
    op, signature = step.node.op, step.signature
    leaves: dict[ValueName, Gap] = {}
    for name in dict.fromkeys(step.node.inputs):
        positions = tuple(i for i, other in enumerate(step.node.inputs) if other == name)
        gap = sharing_gap(step, positions)
        if gap is not None:
            leaves[name] = gap
    cycles = step.kernel.cycles(op, signature) // step.engine.cores
    return Cut(
        group, (step,), cycles + CALL_CYCLES + step.engine.call_cycles, op.macs(*signature.inputs),
        (step.kernel.scratch_bytes(op, signature),), {}, leaves,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """Steps that may be computed together on a machine that copies nothing.

    steps  all steps of the plan
    span   those of the run; all of them have kernels
    """

    graph: Graph
    steps: tuple[Step, ...]
    span: Span

    @property
    def members(self) -> tuple[Step, ...]:
        """The steps of the run."""
        return self.steps[self.span.start : self.span.stop]

    @property
    def axis(self) -> int | None:
        """The axis to cut: the outermost one that has an extent; None where it must stay whole."""
        last = self.members[-1]
        axis = next((i for i, n in enumerate(last.signature.output.shape) if n > 1), None)
        whole = last.node.op.whole_axes(*last.signature.inputs)
        return None if axis in whole else axis

    def rows(self) -> tuple[int, ...]:
        """Sizes of tiles along the axis that make a difference, smallest first."""
        if self.axis is None:
            return ()
        extent = self.members[-1].signature.output.shape[self.axis]
        return tuple(sorted({-(-extent // count) for count in range(2, extent + 1)}))

    def cut(self, rows: int) -> Cut | None:
        """The run in tiles of ``rows``; None where kernels refuse one, or where a part of a tensor
        is not in one piece."""
        axis = self.axis
        assert axis is not None
        shape = self.members[-1].signature.output.shape
        return self._cut((*shape[:axis], rows, *shape[axis + 1 :]), axis)

    def _cut(self, tile: tuple[int, ...], axis: int) -> Cut | None:
        members = self.members
        inner = {step.node.output for step in members[:-1]}
        holds = {
            name: Hold.CARRIED if name in inner else Hold.DIRECT
            for step in members
            for name in (*step.node.inputs, step.node.output)
        }
        group = Group(self.span, tile, (axis,), holds)
        tiles = tiles_of(self.steps, group)
        carried = {name for name in inner if _is_needed_again(tiles, name)}
        local = dict.fromkeys(inner - carried, Hold.LOCAL)
        group = replace(group, holds=holds | local)
        types = {n: t for step in members for n, t in _types(step).items()}
        if not all(self._is_possible(tile, group, types) for tile in tiles):
            return None
        works = [_Work.of(step, i, tiles) for i, step in enumerate(members)]
        kept = sum(_kept_bytes(tiles, types[name], name) for name in carried)
        return Cut(
            group, members,
            sum(work.cycles for work in works) + kept // KEPT_BYTES_PER_CYCLE,
            sum(work.macs for work in works),
            tuple(work.scratch for work in works),
            {n: max(region_type(types[n], t.held[n]).nbytes for t in tiles) for n in sorted(inner)},
            self._leaves(group, tiles),
        )  # fmt: skip

    def _is_possible(self, tile: Tile, group: Group, types: Mapping[ValueName, TensorType]) -> bool:
        for step, call in zip(self.members, tile.calls, strict=True):
            if call is None:
                continue
            if not is_willing(step, call):
                return False
            regions = zip((*step.node.inputs, step.node.output), _regions(call), strict=True)
            for name, region in regions:
                if group.holds[name] is Hold.DIRECT:
                    if not is_contiguous(types[name], region):
                        return False
                elif not is_part(types[name], tile.held[name], region):
                    return False
        return True

    def _leaves(self, group: Group, tiles: Sequence[Tile]) -> dict[ValueName, Gap]:
        """Whole inputs that the output may follow closely, tile by tile."""
        leaves: dict[ValueName, Gap] = {}
        members = self.members
        for name, hold in group.holds.items():
            if hold is not Hold.DIRECT or name == members[-1].node.output:
                continue
            if name in self.graph.constants:
                continue
            type_ = next(_types(s)[name] for s in members if name in s.node.inputs)
            leaves[name] = Gap(-type_.nbytes, _distance(members, tiles, name))
        return leaves


@dataclass(frozen=True, slots=True)
class _Work:
    """What one step of a run does over all tiles."""

    cycles: int
    macs: int
    scratch: int

    @staticmethod
    def of(step: Step, index: int, tiles: Sequence[Tile]) -> "_Work":
        assert step.kernel is not None
        assert step.engine is not None
        counts: dict[tuple[Op, Signature], int] = {}
        for tile in tiles:
            call = tile.calls[index]
            if call is not None:
                key = (call.op, call.signature)
                counts[key] = counts.get(key, 0) + 1
        each = CALL_CYCLES + step.engine.call_cycles
        return _Work(
            sum(
                count * (step.kernel.cycles(op, types) // step.engine.cores + each)
                for (op, types), count in counts.items()
            ),
            sum(count * op.macs(*types.inputs) for (op, types), count in counts.items()),
            max((step.kernel.scratch_bytes(op, types) for op, types in counts), default=0),
        )


def is_willing(step: Step, call: TileCall) -> bool:
    """Whether the step's kernel takes a call."""
    assert step.kernel is not None
    return step.kernel.refuse(call.op, call.signature) is None and all(
        keeps_limit(limit, call.signature, step.signature) for limit in step.kernel.limits
    )


def keeps_limit(limit: Limit, signature: Signature, whole: Signature) -> bool:
    """Whether one call's types keep to one of its kernel's limits."""
    out = signature.output.shape
    match limit:
        case MultipleOf(axis, n):
            return out[axis] % n == 0
        case AtMost(axis, n):
            return out[axis] <= n
        case AtMostInput(index, axis, n):
            return signature.inputs[index].shape[axis] <= n
        case WholeAxis(axis):
            return out[axis] == whole.output.shape[axis]


def is_part(type_: TensorType, held: Region, region: Region) -> bool:
    """Whether a region lies in one piece of a dense copy of the region ``held``."""
    within = tuple(Span(r.start - h.start, r.size) for r, h in zip(region, held, strict=True))
    return is_contiguous(region_type(type_, held), within)


def _types(step: Step) -> dict[ValueName, TensorType]:
    node, signature = step.node, step.signature
    types = dict(zip(node.inputs, signature.inputs, strict=True))
    return types | {node.output: signature.output}


def _regions(call: TileCall) -> tuple[Region, ...]:
    return (*call.inputs, call.output)


def _is_needed_again(tiles: Sequence[Tile], name: ValueName) -> bool:
    return any(
        all(a.start < b.stop and b.start < a.stop for a, b in zip(one, other, strict=True))
        for one, other in ((x.held[name], y.held[name]) for x, y in pairwise(tiles))
    )


def _kept_bytes(tiles: Sequence[Tile], type_: TensorType, name: ValueName) -> int:
    """Bytes of rows that are moved to the front between tiles."""
    total = 0
    for one, other in pairwise(tiles):
        both = [
            Span(b.start, max(min(a.stop, b.stop) - b.start, 0))
            for a, b in zip(one.held[name], other.held[name], strict=True)
        ]
        total += region_type(type_, tuple(both)).nbytes
    return total


def _distance(members: Sequence[Step], tiles: Sequence[Tile], name: ValueName) -> int:
    """Smallest distance, in bytes, at which the output may follow an input over all tiles.

    Only the last step writes, so what other steps of the same tile read is read before.
    """
    last = members[-1]
    distance = -_types(next(s for s in members if name in s.node.inputs))[name].nbytes
    unread: int | None = None
    for tile in reversed(tiles):
        call = tile.calls[-1]
        assert call is not None, "the last step makes something new in every tile"
        written = offset_in(last.signature.output, call.output)
        if unread is not None:
            distance = max(distance, written + call.signature.output.nbytes - unread)
        for index, value in enumerate(last.node.inputs):
            if value == name:
                first = offset_in(last.signature.inputs[index], call.inputs[index])
                distance = max(distance, written - first + _inside(last, call, index))
        first = _first_read(members, tile, name)
        if first is not None:
            unread = first if unread is None else min(unread, first)
    return distance


def _inside(last: Step, call: TileCall, index: int) -> int:
    """How far the output of one call must stay behind its own input."""
    assert last.kernel is not None
    assert last.engine is not None
    streaming = last.kernel.streaming
    if streaming is None or index not in streaming.inputs or last.engine.cores > 1:
        return call.signature.output.nbytes
    return smallest_distance(call.op, call.signature, index, streaming.block_axes)


def _first_read(members: Sequence[Step], tile: Tile, name: ValueName) -> int | None:
    """Offset of the first byte of a tensor that a tile's calls read."""
    offsets = [
        offset_in(type_, region)
        for step, call in zip(members, tile.calls, strict=True)
        if call is not None
        for value, type_, region in zip(
            step.node.inputs, step.signature.inputs, call.inputs, strict=True
        )
        if value == name and all(span.size for span in region)
    ]
    return min(offsets, default=None)
