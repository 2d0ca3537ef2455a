"""From a group to its tiles: which region of every tensor each tile needs, and which operator
computes it. The only place that composes ``reads()``; nothing in it knows an operator by name.

Sizes, transfers, loops, recomputed halos and carried rows all follow from what this returns.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

from tilewright.ir.geometry import behind, hull, is_empty, nothing, region_type
from tilewright.ir.graph import ValueName
from tilewright.ir.op import Along, Op, Reduced
from tilewright.ir.plan import Step
from tilewright.ir.program import TileCall
from tilewright.ir.target import Signature
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Region, Span, TensorType


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


def tiles_of_run(
    members: Sequence[Step], group: Group, readers: "Sequence[Reader] | None" = None
) -> tuple[Tile, ...]:
    """The same from the steps of the group alone. ``readers``: of these steps, if there are any."""
    readers = readers or readers_of_run(members)
    done: dict[ValueName, Region] = {}
    tiles: list[Tile] = []
    for region in output_regions(members[-1].signature.output, group):
        tile = _tile(readers, region, group.holds, done)
        for name, hold in group.holds.items():
            if hold.keeps_rows:
                done[name] = tile.held[name]
        tiles += _in_parts(members[0], tile, group.parts) if group.parts else (tile,)
    return tuple(tiles)


def readers_of_run(members: Sequence[Step]) -> "tuple[Reader, ...]":
    """What makes the calls of each step; good for all tiles of the same steps."""
    return tuple(map(Reader, members))


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
            name: region if part.stop == extent or name == sums else nothing(len(region))
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


class Reader:
    """From regions of a step's output to its calls. Calls repeat themselves: what an axis of the
    output needs of every input is looked at once for each span, and two calls of equal sizes that
    reach equally far beyond the inputs' borders have one operator and one signature.

    Along an axis of which a region has everything, all of the input is needed, even where the last
    window of a strided operator ends before it: the tile then has the bytes of the tensor without
    gaps.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        self._types = step.signature.inputs
        self._output = step.signature.output
        reads = step.node.op.reads(*self._types)
        self._sliding: list[list[tuple[Along, int]]] = [[] for _ in self._output.shape]
        self._fixed: list[list[Span | tuple[int, int]]] = []
        for access, type_ in zip(reads, self._types, strict=True):
            self._fixed.append([])
            for how, extent in zip(access, type_.shape, strict=True):
                if isinstance(how, Along):
                    self._fixed[-1].append((how.axis, len(self._sliding[how.axis])))
                    self._sliding[how.axis].append((how, extent))
                else:
                    self._fixed[-1].append(Span(0, extent))
        self._axes = [sorted({at[0] for at in f if not isinstance(at, Span)}) for f in self._fixed]
        self._needs: list[dict[Span, _Needed]] = [{} for _ in self._output.shape]
        self._regions: list[dict[Region, Region]] = [{} for _ in self._types]
        self._calls: dict[Hashable, tuple[Op, Signature]] = {}

    def call(self, out: Region) -> TileCall:
        """The call that computes a region."""
        needed = [self._needed(axis, span) for axis, span in enumerate(out)]
        inputs = tuple(self._region(i, out, needed) for i in range(len(self._types)))
        kind = tuple(need.kind for need in needed)
        if kind not in self._calls:
            types = tuple(map(region_type, self._types, inputs))
            signature = Signature(types, region_type(self._output, out))
            self._calls[kind] = self.step.node.op.on_tile(out, *self._types), signature
        op, signature = self._calls[kind]
        return TileCall(op, signature, inputs, out)

    def _needed(self, axis: int, out: Span) -> "_Needed":
        known = self._needs[axis]
        if out not in known:
            is_whole = out.size == self._output.shape[axis]
            spans = [
                Span(0, extent)
                if is_whole and how.stride > 1 and how.span(out, extent).start == 0
                else how.span(out, extent)
                for how, extent in self._sliding[axis]
            ]
            beyond = [how.beyond(out, extent) for how, extent in self._sliding[axis]]
            kind = (out.size, *(span.size for span in spans), *beyond)
            known[out] = _Needed(tuple(spans), kind)
        return known[out]

    def _region(self, index: int, out: Region, needed: "Sequence[_Needed]") -> Region:
        key = tuple(out[axis] for axis in self._axes[index])
        known = self._regions[index]
        if key not in known:
            known[key] = tuple(
                at if isinstance(at, Span) else needed[at[0]].spans[at[1]]
                for at in self._fixed[index]
            )
        return known[key]


class _Needed(NamedTuple):
    """What a span of one output axis needs of every input dimension that slides with it. ``kind``:
    equal where only the place differs."""

    spans: tuple[Span, ...]
    kind: Hashable


def _tile(
    readers: Sequence[Reader],
    region: Region,
    holds: Mapping[ValueName, Hold],
    done: Mapping[ValueName, Region],
) -> Tile:
    """Backwards from the output: who needs what, then forwards nothing is left to decide."""
    held: dict[ValueName, Region] = {readers[-1].step.node.output: region}
    calls: list[TileCall | None] = []
    for reader in reversed(readers):
        step = reader.step
        name = step.node.output
        if name not in held:  # every reader was spared by carried rows
            held[name] = done.get(name, nothing(len(step.signature.output.shape)))
            calls.append(None)
            continue
        is_kept = holds[name].keeps_rows and name in done
        fresh = behind(held[name], done[name]) if is_kept else held[name]
        call = None if is_empty(fresh) else reader.call(fresh)
        calls.append(call)
        if call is not None:
            for value, needed in zip(step.node.inputs, call.inputs, strict=True):
                held[value] = hull(held[value], needed) if value in held else needed
    for reader in readers:
        step = reader.step
        for value, type_ in zip(step.node.inputs, step.signature.inputs, strict=True):
            if value not in held:
                held[value] = done.get(value) or nothing(len(type_.shape))
    return Tile(tuple(reversed(calls)), held)
