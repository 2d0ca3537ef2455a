"""What it takes to bring tensors near and away: transfers of one tensor over the tiles of a run,
and all transfers and calls of a run on one clock.

``Schedule`` follows the order in which the back end issues actions, so that its cycles are those
of the program that will be made.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from math import prod
from operator import add
from typing import NamedTuple

from tilewright.ir.graph import ValueName
from tilewright.ir.target import Dma, Engine
from tilewright.ir.types import Region, TensorType
from tilewright.midend.tiling.issue import Do, Slot
from tilewright.midend.tiling.tiles import region_bytes


@dataclass(frozen=True, slots=True)
class Travel:
    """One tensor that is copied between its home and a tile buffer.

    is_stored  whether the run makes it
    cycles     per tile, of its transfer on an idle DMA; 0 where the tile needs nothing new
    issue      per tile, of the core that starts the transfer
    moved      bytes in all
    largest    bytes of the largest part
    """

    name: ValueName
    queue: str
    is_stored: bool
    cycles: tuple[int, ...]
    issue: tuple[int, ...]
    moved: int
    largest: int

    @staticmethod
    def of(
        name: ValueName, type_: TensorType, regions: Sequence[Region], dma: Dma, *, is_stored: bool
    ) -> "Travel":
        """Transfers of one region per tile; one that is like the last is not made again."""
        cycles: list[int] = []
        issue: list[int] = []
        moved = largest = 0
        last: Region | None = None
        whole = _whole_axes(type_, regions)
        for region in regions:
            size = region_bytes(type_, region)
            if not size or region == last:
                cycles.append(0)
                issue.append(0)
                continue
            last, moved, largest = region, moved + size, max(largest, size)
            run, counts = _lines(type_, region, whole)
            cycles.append(dma.cycles(run, counts, is_stored=is_stored))
            issue.append(dma.commands(counts) * dma.issue_cycles)
        return Travel(name, dma.name, is_stored, tuple(cycles), tuple(issue), moved, largest)

    @property
    def changes(self) -> bool:
        """Whether tiles after the first need other parts."""
        return any(self.cycles[1:])


class _Kind(Enum):
    """What happens on the clock."""

    WORK = "the core works"
    BEGIN = "an engine beside the core begins"
    JOIN = "the core waits for it"
    START = "a transfer starts"
    WAIT = "the core waits for a transfer"


class _Event(NamedTuple):
    """Something that happens in every iteration of the loop over tiles.

    who     engine or queue
    name    tensor that travels
    cycles  per iteration; 0 where there is nothing to do
    behind  iterations from one's tile 0 to the first of all
    """

    kind: _Kind
    who: str
    name: ValueName
    cycles: tuple[int, ...]
    behind: int


@dataclass(frozen=True)
class Schedule:
    """All tiles of a run on the clock of the core, the engines beside it, and the DMA queues.

    slots    one iteration of the loop over tiles
    tiles    how many there are
    work     step's output or kept tensor → cycles per tile of its calls, of moving its rows
    beside   step's output → the engine that it runs on, where that is beside the core
    copies   tensor that travels → how many tile buffers it has
    No slots of the class, because of cached events.
    """

    slots: tuple[Slot, ...]
    tiles: int
    work: Mapping[tuple[Do, ValueName], tuple[int, ...]]
    beside: Mapping[ValueName, Engine]
    travels: tuple[Travel, ...]
    copies: Mapping[ValueName, int]

    def cycles(
        self, early: frozenset[ValueName] = frozenset(), behind: Mapping[str, int] | None = None
    ) -> int:
        """From the first transfer to the end of the last.

        early   tensors whose first transfer is over when the run begins
        behind  queue → cycles of transfers for the run after this one, which start with this one
        """
        free = {travel.queue: 0 for travel in self.travels} | dict.fromkeys(behind or (), 0)
        done = {travel.name: [0] * (2 * self._iterations) for travel in self.travels}
        issued = 0
        for name, queue, cycles, issue in self._once:
            issued += issue
            if name not in early:
                free[queue] = max(free[queue], issued) + cycles
                done[name][self._iterations] = free[queue]
        for queue, cycles in (behind or {}).items():
            free[queue] += cycles
        events = [_without_first(e) if e.name in early else e for e in self._events]
        now, jobs = self._last(events, free, done)
        return max([now, *jobs.values(), *free.values()])

    def idle(self, early: frozenset[ValueName], queue: str, alone: int) -> int:
        """Cycles that a queue can work for the run after this one at no cost: of longer transfers,
        every further cycle makes this run one cycle longer.

        alone  cycles of the run with these early transfers and none behind
        """
        long = 1 << 40
        return alone + long - self.cycles(early, {queue: long})

    def renamed(self, names: Mapping[ValueName, ValueName]) -> "Schedule":
        """The same for tensors with other names."""
        return Schedule(
            tuple(Slot(slot.do, names[slot.name], slot.shift) for slot in self.slots),
            self.tiles,
            {(do, names[name]): cycles for (do, name), cycles in self.work.items()},
            {names[name]: engine for name, engine in self.beside.items()},
            tuple(replace(travel, name=names[travel.name]) for travel in self.travels),
            {names[name]: count for name, count in self.copies.items()},
        )

    def _last(
        self, events: Sequence[_Event], free: dict[str, int], done: dict[ValueName, list[int]]
    ) -> tuple[int, dict[str, int]]:
        """When the core is ready, and every engine beside it.

        free  queue → when it is, changed
        done  tensor → when the transfer for a tile is over, tile 0 in the middle, changed
        """
        now, jobs, middle = (
            0,
            dict.fromkeys((e.name for e in self.beside.values()), 0),
            self._iterations,
        )
        for iteration in range(self._iterations):
            for kind, who, name, costs, behind in events:
                cycles = costs[iteration]
                if not cycles:
                    continue
                if kind is _Kind.WORK:
                    now += cycles
                elif kind is _Kind.WAIT:
                    now = max(now, done[name][middle + iteration - behind])
                elif kind is _Kind.START:
                    free[who] = max(now, free[who]) + cycles
                    done[name][middle + iteration - behind] = free[who]
                elif kind is _Kind.BEGIN:
                    jobs[who] = max(now, jobs[who]) + cycles
                else:
                    now = max(now, jobs[who])
        return now, jobs

    @cached_property
    def _iterations(self) -> int:
        shifts = [0, *(slot.shift for slot in self.slots)]
        return self.tiles + max(shifts) - min(shifts)

    @cached_property
    def _once(self) -> tuple[tuple[ValueName, str, int, int], ...]:
        """(tensor, queue, cycles, those of the core) of transfers before the loop."""
        travels = {travel.name: travel for travel in self.travels}
        loads = [travels[slot.name] for slot in self.slots if slot.do is Do.LOAD]
        return tuple((t.name, t.queue, t.cycles[0], t.issue[0]) for t in loads if not t.changes)

    @cached_property
    def _events(self) -> tuple[_Event, ...]:
        """One iteration; work of the core without a wait in between is one event."""
        first = max([0, *(slot.shift for slot in self.slots)])
        travels = {travel.name: travel for travel in self.travels}
        events: list[_Event] = []
        issued = sum(issue for *_, issue in self._once)
        if issued and self._iterations:
            costs = (issued, *(0,) * (self._iterations - 1))
            events.append(_Event(_Kind.WORK, "", self.slots[0].name, costs, 0))
        for slot in self.slots:
            before = first - slot.shift
            after = self._iterations - self.tiles - before
            for kind, who, cycles in self._parts(slot, travels):
                if not any(cycles):
                    continue
                padded = (0,) * before + tuple(cycles) + (0,) * after
                if kind is _Kind.WORK and events and events[-1].kind is kind:
                    padded = tuple(map(add, events.pop().cycles, padded))
                events.append(_Event(kind, who, slot.name, padded, before))
        return tuple(events)

    def _parts(
        self, slot: Slot, travels: Mapping[ValueName, Travel]
    ) -> Iterator[tuple[_Kind, str, Sequence[int]]]:
        """(kind, engine or queue, cycles per tile): what happens, and the core's part in it."""
        engine = self.beside.get(slot.name)
        if slot.do in (Do.RUN, Do.JOIN) and engine is not None:
            work = self.work[Do.RUN, slot.name]
            if slot.do is Do.RUN:
                yield _Kind.WORK, "", [engine.fork_cycles * (cycles > 0) for cycles in work]
                yield _Kind.BEGIN, engine.name, work
            else:
                yield _Kind.JOIN, engine.name, work
                yield _Kind.WORK, "", [engine.join_cycles * (cycles > 0) for cycles in work]
        elif slot.do in (Do.RUN, Do.KEEP):
            yield _Kind.WORK, "", self.work[slot.do, slot.name]
        elif slot.do in (Do.LOAD, Do.STORE):
            travel = travels[slot.name]
            if travel.changes or slot.do is Do.STORE:
                yield _Kind.WORK, "", travel.issue
                yield _Kind.START, travel.queue, travel.cycles
        else:
            travel = travels[slot.name]
            yield _Kind.WAIT, travel.queue, travel.cycles


def _without_first(event: _Event) -> _Event:
    """The same where the first transfer is over."""
    if event.kind is not _Kind.START:
        return event
    first = next(i for i, cycles in enumerate(event.cycles) if cycles)
    return event._replace(cycles=(*event.cycles[:first], 0, *event.cycles[first + 1 :]))


def _whole_axes(type_: TensorType, regions: Sequence[Region]) -> int:
    """How many of the last dimensions every part spans in full: a run of bytes goes through them,
    and through the one before. Runs are the same for all tiles, as those of the program are."""
    extents = tuple(reversed(type_.shape))
    spans = [tuple(span.size for span in reversed(r)) for r in regions if region_bytes(type_, r)]
    whole = 0
    while whole < len(extents) and all(span[whole] == extents[whole] for span in spans):
        whole += 1
    return whole


def _lines(type_: TensorType, region: Region, whole: int) -> tuple[int, tuple[int, ...]]:
    """(bytes of one run, how many runs, rows of runs, ..., outermost first) of a part."""
    sizes = [span.size for span in reversed(region)]
    run = type_.dtype.nbytes * prod(sizes[: whole + 1])
    counts: list[int] = []
    strides: list[int] = []
    pitch = prod(type_.shape[len(sizes) - whole - 1 :]) if whole < len(sizes) else 0
    for size, extent in zip(sizes[whole + 1 :], type_.shape[-whole - 2 :: -1], strict=True):
        if size != 1:
            if counts and pitch == strides[-1] * counts[-1]:
                counts[-1] *= size
            else:
                counts.append(size)
                strides.append(pitch)
        pitch *= extent
    return run, tuple(reversed(counts))
