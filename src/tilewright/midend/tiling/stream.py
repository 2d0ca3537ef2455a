"""Ways to compute a run of steps on an engine whose memory only a DMA fills.

As in ``runs``, a way is a tile shape and a hold for every tensor, but tensors now travel: what lies
far is loaded and stored tile by tile, behind the kernels where there are two copies of a buffer.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, pairwise
from math import ceil, prod
from operator import add

from tilewright.ir.geometry import sizes_of, whole
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Step
from tilewright.ir.program import TileCall
from tilewright.ir.target import Dma, Engine, Reach, Role
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Shape, TensorType
from tilewright.midend.places import Places
from tilewright.midend.tiling.cut import Cut
from tilewright.midend.tiling.issue import TOGETHER, Do, Handover, stages_of
from tilewright.midend.tiling.limits import grain, largest_tile
from tilewright.midend.tiling.room import call_bytes, first_bytes
from tilewright.midend.tiling.runs import Run, Work
from tilewright.midend.tiling.tiles import Tile
from tilewright.midend.tiling.travel import Schedule, Travel

MOST_TILES = 128
"""Tiles of one run: more take long to plan and save no more memory."""

MOST_TILES_WHERE_SHORT = 1024
"""The same where nothing else fits."""

MOST_TILES_OF_SUMS = 512
"""The same where sums come in parts, which are tiles of their own."""

MOST_FREE = 4
"""Tensors of a run for which every choice of near and far is tried; of more, all or none."""

PARTS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""Into how many parts an axis is cut."""


@dataclass(frozen=True)
class StreamedRun:
    """A run of steps on a target with a far memory. No slots, because of a cached size.

    packed  constant → its type as kernels want it
    ends    inputs and outputs of the network, views of them included: they lie at home
    is_lean  whether the smallest tiles are tried, too, however many they are
    """

    run: Run
    places: Places
    packed: Mapping[ValueName, TensorType]
    ends: frozenset[ValueName]
    is_lean: bool = False

    def shapes(self) -> Iterator[tuple[Shape, tuple[int, ...], int]]:
        """(tile, loop order, parts of a sum) to try; everything at once where nothing travels."""
        if self._is_at_home:
            yield self.run.output.shape, (), 0
            return
        summed = self.run.summed
        parts = {-(-summed // count) for count in (*PARTS, max(summed, 1)) if count <= summed}
        for tile, order in self._tiles():
            yield tile, order, 0
            for size in sorted(parts - {summed}, reverse=True):
                if self._count(tile) * -(-summed // size) <= MOST_TILES_OF_SUMS:
                    yield tile, order, size

    def _tiles(self) -> Iterator[tuple[Shape, tuple[int, ...]]]:
        """(tile, loop order): the largest, smaller ones along one axis, of a single step two."""
        run = self.run
        most = largest_tile(run.members)
        yield most, self._order(most)
        axes = [axis for axis in range(len(most)) if run.may_cut(axis)]
        is_alone = len(run.members) == 1
        for axis in axes if is_alone or run.summed else axes[:1]:
            for size in self._sizes(axis, most[axis])[:: -2 if run.summed else 1]:
                tile = (*most[:axis], size, *most[axis + 1 :])
                yield tile, self._order(tile)
        if not is_alone and len(axes) > 1 and run.multiplies:  # attention: one head stays
            one = (*most[: axes[0]], 1, *most[axes[0] + 1 :])
            for rows in self._sizes(axes[1], most[axes[1]]):
                tile = (*one[: axes[1]], rows, *one[axes[1] + 1 :])
                yield tile, self._order(tile)
        if is_alone and len(axes) > 1:
            yield from self._along_two(most, axes)

    def _along_two(self, most: Shape, axes: list[int]) -> Iterator[tuple[Shape, tuple[int, ...]]]:
        """Smaller along the first and the last axis; in both orders if none is of channels."""
        first, last = axes[0], axes[-1]
        for rows in self._sizes(first, most[first])[::3]:
            for channels in self._sizes(last, most[last])[::2]:
                tile = (*most[:first], rows, *most[first + 1 : last], channels, *most[last + 1 :])
                yield tile, self._order(tile)
                if last < len(most) - 1:
                    yield tile, (last, first)
        if self.is_lean:
            smallest = [*most]
            for axis in (first, last, *axes[1:-1]):
                smallest[axis] = min([most[axis], *self._sizes(axis, most[axis])])
                yield tuple(smallest), self._order(tuple(smallest))

    def _order(self, tile: Shape) -> tuple[int, ...]:
        """Loops over cut axes: the last one first: what belongs to its parts is loaded once."""
        shape = self.run.output.shape
        cut = [axis for axis in range(len(shape)) if tile[axis] < shape[axis]]
        return tuple(sorted(cut, key=lambda axis: (axis != len(shape) - 1, axis)))

    def _sizes(self, axis: int, most: int) -> list[int]:
        """Sizes of parts of an axis that are smaller than ``most``, largest first."""
        extent, unit = self.run.output.shape[axis], grain(self.run.members[-1], axis)
        counts = (*(count for count in PARTS if count < extent), extent)
        sizes = {-(-extent // count // unit) * unit for count in counts}
        return sorted((size for size in sizes if size < most), reverse=True)

    def _count(self, tile: Shape) -> int:
        """Tiles of the output."""
        return prod(-(-n // size) for n, size in zip(self.run.output.shape, tile, strict=True))

    def cuts(self, shape: Shape, order: tuple[int, ...], parts: int = 0) -> Iterator[Cut]:
        """One cut for every choice of what lies near, of how far tensors travel, and of which steps
        are a tile ahead of the others."""
        if parts:
            yield from self._staged_cuts(shape, order, TOGETHER, parts)
            return
        if self._count(shape) > (MOST_TILES_WHERE_SHORT if self.is_lean else MOST_TILES):
            return
        if self._keeps_to_size and first_bytes(self.run, shape) > self._size:
            return
        yield from self._staged_cuts(shape, order, TOGETHER)
        if order:
            for handover in _handovers(self.run.members):
                yield from self._staged_cuts(shape, order, handover)

    def _staged_cuts(
        self, shape: Shape, order: tuple[int, ...], handover: Handover, parts: int = 0
    ) -> Iterator[Cut]:
        inside = self.run.inside(shape, order, handover, parts)
        if inside is None:
            return
        group, tiles = inside
        if self._keeps_to_size and call_bytes(self.run, self.run.tiling(group)) > self._size:
            return
        made = _Made.of(self.run, group, tiles, self.places, self._align)
        yield from self._remote_cuts(made)
        if not self._is_at_home:
            yield from self._travelling_cuts(made)

    def _remote_cuts(self, made: "_Made") -> Iterator[Cut]:
        """What does not lie near is worked on where it lies; constants out of reach travel."""
        fixed, free = self._operands(made.group)
        remote = [n for n in (*fixed, *free) if all(r is not None for r in self._reaches(n))]
        travels = [self._travel(n, made.tiles) for n in (*fixed, *free) if n not in remote]
        far = [t for t in travels if t is not None and t.name in self.places.constants]
        if not remote or len(far) < len(travels):
            return
        tiling = self.run.tiling(made.group)
        if not all(self.run.finds(name, Hold.REMOTE, tiling) for name in remote):
            return
        copies = {travel.name: 1 for travel in far}
        for near in (frozenset[ValueName](),) if self._is_at_home else _subsets(free):
            cut = made.cut(self.run, far, copies, [name for name in remote if name not in near])
            if self._relays_fit(cut):
                yield cut

    def _travelling_cuts(self, made: "_Made") -> Iterator[Cut]:
        """What does not lie near travels."""
        group, tiles = made.group, made.tiles
        fixed, free = self._operands(group)
        routes = {name: self._travel(name, tiles) for name in (*fixed, *free)}
        if any(route is None for route in routes.values()):
            return
        travels = {name: route for name, route in routes.items() if route is not None}
        tiling = self.run.tiling(group)
        torn = {name for name in free if not self.run.finds(name, Hold.DIRECT, tiling)}
        near_only = {n for n in travels if travels[n].changes and self._is_read_twice(group, n)}
        away = replace(group, holds={**group.holds, **dict.fromkeys(travels, Hold.SINGLE)})
        if near_only & {*fixed, *torn} or not self.run.is_possible(away):
            return
        for near in _subsets([name for name in free if name not in torn]):
            far = [travels[name] for name in (*fixed, *free) if name not in near]
            if near_only <= near:
                for copies in _choices(far):
                    cut = made.cut(self.run, far, copies)
                    if self._relays_fit(cut):
                        yield cut

    def _relays_fit(self, cut: Cut) -> bool:
        """Whether buffers on the way fit where nothing else of the run lies; runs come one after
        another, so that is all that there is to it. Those at home are counted with what lies there.
        """
        needed: Counter[str] = Counter()
        for _, memory, size in cut.relays():
            needed[memory] += size
        del needed[self.places.home.name]
        rooms = {name: self.places.room(self.places.target.memory(name)) for name in needed}
        return all(room is None or needed[name] <= room for name, room in rooms.items())

    @cached_property
    def _size(self) -> int:
        """Bytes of the near memory."""
        room = self.places.room(self.places.near)
        return 1 << 60 if room is None else room

    @cached_property
    def _keeps_to_size(self) -> bool:
        """Whether whatever a call works with must be near, and what is too large is of no use."""
        is_reached = any(all(r is not None for r in self._reaches(n)) for n in self.run.types)
        return not (self.is_lean or self._is_at_home or is_reached)

    def _is_read_twice(self, group: Group, name: ValueName) -> bool:
        """Whether steps that work on different tiles read it: no one part of it would do."""
        stages = zip(self.run.members, stages_of(self.run.members, group.holds), strict=True)
        return len({stage for step, stage in stages if name in step.node.inputs}) > 1

    @property
    def _engine(self) -> Engine:
        engine = self.run.members[0].engine
        assert engine is not None
        return engine

    def _reaches(self, name: ValueName) -> list[Reach | None]:
        """How each engine that uses a tensor gets at it where it lies."""
        users = (s for s in self.run.members if name in (*s.node.inputs, s.node.output))
        return [self.places.reach(name, step.engine) for step in users if step.engine]

    @property
    def _is_at_home(self) -> bool:
        """Whether the run's engine works where tensors lie that do not lie near."""
        return self._engine.near != self.places.near.name

    @property
    def _align(self) -> int:
        return max(self.places.target.memory(self._engine.near).align, 4)

    def _operands(self, group: Group) -> tuple[tuple[ValueName, ...], tuple[ValueName, ...]]:
        """(tensors that do not lie near, tensors that may), without inner ones and without
        constants that every engine of the run reads where they lie as if they lay near."""
        places = self.places
        fixed: list[ValueName] = []
        free: list[ValueName] = []
        for name, hold in group.holds.items():
            if hold is not Hold.DIRECT:
                continue
            if name in places.constants:
                if not all(map(_is_free, self._reaches(name))):
                    fixed.append(name)
            else:
                (fixed if name in self.ends else free).append(name)
        return tuple(fixed), tuple(free)

    def _travel(self, name: ValueName, tiles: Sequence[Tile]) -> Travel | None:
        """None where a constant would be cut that its kernel wants whole, and where no way leads to
        where the engines work."""
        meant = self.run.types[name]
        stored = self.packed.get(name, meant)
        regions = [tile.held[name] for tile in tiles]
        if stored.shape != meant.shape:
            if any(sizes_of(region) != meant.shape for region in regions):
                return None
            regions = [whole(stored)] * len(regions)
        is_stored = name == self.run.members[-1].node.output
        route = self.places.route(name, self._engine)
        if route is None or not all(map(self._may_relay, route[:-1])):
            return None
        return Travel.of(name, stored, regions, route, is_stored=is_stored)

    def _may_relay(self, dma: Dma) -> bool:
        return Role.TILE in self.places.target.memory(dma.between[1]).holds


@dataclass(frozen=True, slots=True)
class _Made:
    """What all ways with the same tiles have in common.

    align  of the copies of tile buffers
    """

    group: Group
    tiles: tuple[Tile, ...]
    work: Work
    schedule: Schedule
    parts: Mapping[ValueName, int]
    align: int
    places: Places

    @staticmethod
    def of(run: Run, group: Group, tiles: tuple[Tile, ...], places: Places, align: int) -> "_Made":
        """Everything that does not depend on what travels."""
        work = run.work(group)
        schedule = run.schedule(group, tiles, work, places.target)
        parts = run.inner_parts(group, align)
        return _Made(group, tiles, work, schedule, parts, align, places)

    def cut(
        self, run: Run, far: Sequence[Travel], copies: Mapping[ValueName, int],
        remote: Sequence[ValueName] = (),
    ) -> Cut:  # fmt: skip
        """The way in which some tensors travel, some are reached where they lie, and all others lie
        near."""
        held = {name: _HOLDS[count] for name, count in copies.items()}
        away = {name: Hold.REMOTE for name in remote if name not in self.places.constants}
        group = replace(self.group, holds={**self.group.holds, **held, **away})
        work = {**self.schedule.work, **self._slowed(run, remote)} if remote else self.schedule.work
        schedule = replace(
            self.schedule,
            slots=run.slots(group),
            work=work,
            moving=tuple(far),
            copies=copies,
            known={},
        )
        parts = {**self.parts}
        for travel in far:
            parts[travel.name] = -(-travel.largest // self.align) * self.align * copies[travel.name]
        return Cut(
            group, run.members, schedule.cycles(), self.work.macs, self.work.scratch, parts,
            run.leaves(group), sum(travel.moved for travel in far), schedule,
        )  # fmt: skip

    def _slowed(
        self, run: Run, remote: Sequence[ValueName]
    ) -> dict[tuple[Do, ValueName], tuple[int, ...]]:
        """Cycles of the steps that reach operands which do not lie near, per tile."""
        slowed: dict[tuple[Do, ValueName], tuple[int, ...]] = {}
        for index, step in enumerate(run.members):
            key = Do.RUN, step.node.output
            calls = [tile.calls[index] for tile in self.tiles]
            extra = [
                remote_cycles(self.places, step, call, remote) if call else 0 for call in calls
            ]
            slowed[key] = tuple(map(add, self.schedule.work[key], extra))
        return slowed


def remote_cycles(
    places: Places, step: Step, call: TileCall, remote: Collection[ValueName]
) -> int:  # fmt: skip
    """What a call costs more because operands do not lie near."""
    assert step.engine is not None
    price = 0.0
    types = (*call.signature.inputs, call.signature.output)
    for name, type_ in zip((*step.node.inputs, step.node.output), types, strict=True):
        reach = places.reach(name, step.engine) if name in remote else None
        price += reach.cycles_per_byte * type_.nbytes if reach is not None else 0.0
    return ceil(price)


def _is_free(reach: Reach | None) -> bool:
    return reach is not None and not reach.cycles_per_byte


_HOLDS = {1: Hold.SINGLE, 2: Hold.DOUBLE}


def packed_types(graph: Graph, step: Step) -> dict[ValueName, TensorType]:
    """The constants of a step in the layout that its kernel wants."""
    if step.kernel is None:
        return {}
    arrays = tuple(graph.constants.get(name) for name in step.node.inputs)
    packed = step.kernel.pack(step.node.op, arrays)
    return {
        name: TensorType.of(array)
        for name, array in zip(step.node.inputs, packed, strict=True)
        if array is not None
    }


def _handovers(members: Sequence[Step]) -> Iterator[Handover]:
    """After how many steps the work may be handed over to another engine, so that one of the two
    runs beside the core."""
    for position, (one, other) in enumerate(pairwise(members), 1):
        engines = (one.engine, other.engine)
        if one.engine != other.engine and any(e and e.is_asynchronous for e in engines):
            yield from (Handover(position, hold) for hold in (Hold.PASSED, Hold.RELAYED))


def _subsets(names: Sequence[ValueName]) -> Iterator[frozenset[ValueName]]:
    """Choices of what lies near."""
    sizes = range(len(names) + 1) if len(names) <= MOST_FREE else (0, len(names))
    for size in sizes:
        yield from (frozenset(chosen) for chosen in combinations(names, size))


def _choices(travels: Sequence[Travel]) -> Iterator[dict[ValueName, int]]:
    """Copies of tensors whose parts change: one each, two each, two of what is loaded."""
    single = {travel.name: 1 for travel in travels}
    yield single
    loads = {t.name: 2 for t in travels if t.changes and not t.is_stored}
    stores = {t.name: 2 for t in travels if t.changes and t.is_stored}
    if loads and stores:
        yield {**single, **loads}
    if loads or stores:
        yield {**single, **loads, **stores}
