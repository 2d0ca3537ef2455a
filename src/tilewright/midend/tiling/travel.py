"""What it takes to bring tensors near and away: transfers of one tensor over the tiles of a run,
and all transfers and calls of a run on one clock.

``Schedule`` follows the order in which the back end issues actions, so that its cycles are those
of the program that will be made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil
from operator import add

from tilewright.ir.geometry import Runs, region_bytes, sizes_of
from tilewright.ir.graph import ValueName
from tilewright.ir.target import Dma
from tilewright.ir.types import Region, Shape, TensorType
from tilewright.midend.tiling.clock import Clock, Event, Kind
from tilewright.midend.tiling.issue import Do, Slot


@dataclass(frozen=True, slots=True)
class Travel:
    """One tensor that is copied between its home and a tile buffer.

    is_stored  whether the run makes it
    cycles     per tile, of its transfer on an idle DMA; 0 where the tile needs nothing new
    moved      bytes in all
    largest    bytes of the largest part
    """

    name: ValueName
    queue: str
    is_stored: bool
    cycles: tuple[int, ...]
    moved: int
    largest: int

    @staticmethod
    def of(
        name: ValueName, type_: TensorType, regions: Sequence[Region], dma: Dma, *, is_stored: bool
    ) -> "Travel":
        """Transfers of one region per tile; one that is like the last is not made again."""
        cycles: list[int] = []
        known: dict[Shape, int] = {}
        moved = largest = 0
        last: Region | None = None
        for region in regions:
            size = region_bytes(type_, region)
            if not size or region == last:
                cycles.append(0)
                continue
            last, moved, largest = region, moved + size, max(largest, size)
            shape = sizes_of(region)
            if shape not in known:
                commands = Runs.of(type_, (region,)).commands(dma.max_rank)
                known[shape] = commands * dma.setup_cycles + ceil(size / dma.bytes_per_cycle)
            cycles.append(known[shape])
        return Travel(name, dma.name, is_stored, tuple(cycles), moved, largest)

    @property
    def changes(self) -> bool:
        """Whether tiles after the first need other parts."""
        return any(self.cycles[1:])


@dataclass(frozen=True)
class Schedule:
    """All tiles of a run on the clock of the core, the engines beside it, and the DMA queues.

    slots    one iteration of the loop over tiles
    tiles    how many there are
    work     step's output or kept tensor → cycles per tile of its calls, of moving its rows
    beside   step's output → the engine that it runs on, where that is beside the core
    moving   tensors that travel
    copies   tensor that travels → how many tile buffers it has
    known      cycles by tensors that are early and what is behind, shared with renamed copies
    own_names  (tensor, its name in the fields above), where this is another run's schedule
    No slots of the class, because of cached events.
    """

    slots: tuple[Slot, ...]
    tiles: int
    work: Mapping[tuple[Do, ValueName], tuple[int, ...]]
    beside: Mapping[ValueName, str]
    moving: tuple[Travel, ...]
    copies: Mapping[ValueName, int]
    own_names: tuple[tuple[ValueName, ValueName], ...] = ()
    known: dict[tuple[frozenset[ValueName], tuple[tuple[str, int], ...]], int] = field(
        default_factory=dict[tuple[frozenset[ValueName], tuple[tuple[str, int], ...]], int]
    )

    def cycles(
        self, early: frozenset[ValueName] = frozenset(), behind: Mapping[str, int] | None = None
    ) -> int:
        """From the first transfer to the end of the last.

        early   tensors whose first transfer is over when the run begins
        behind  queue → cycles of transfers for the run after this one, which start with this one
        """
        own = frozenset(self._own_names[name] for name in early) if self.own_names else early
        key = own, tuple((behind or {}).items())
        if key not in self.known:
            self.known[key] = self._cycles(own, behind or {})
        return self.known[key]

    def idle(self, early: frozenset[ValueName], queue: str, alone: int) -> int:
        """Cycles that a queue can work for the run after this one at no cost: of longer transfers,
        every further cycle makes this run one cycle longer.

        alone  cycles of the run with these early transfers and none behind
        """
        long = 1 << 40
        return alone + long - self.cycles(early, {queue: long})

    def renamed(self, names: Mapping[ValueName, ValueName]) -> "Schedule":
        """The same for tensors with other names; what is known about its clock is shared."""
        names = {new: self._own_names.get(old, old) for old, new in names.items()}
        return replace(self, own_names=tuple(names.items()))

    @cached_property
    def travels(self) -> tuple[Travel, ...]:
        """What travels, by the names of this run."""
        called = {own: name for name, own in self.own_names}
        return tuple(replace(t, name=called.get(t.name, t.name)) for t in self.moving)

    def _cycles(self, early: frozenset[ValueName], behind: Mapping[str, int]) -> int:
        clock = Clock(
            dict.fromkeys(t.queue for t in self.moving) | dict.fromkeys(behind), self.beside
        )
        for name, queue, cycles in self._once:
            if name not in early:
                clock.free[queue] += cycles
                clock.once[name] = clock.free[queue]
        for queue, cycles in behind.items():
            clock.free[queue] += cycles
        clock.run([_without_first(e) if e.name in early else e for e in self._events])
        return max([clock.now, *clock.jobs.values(), *clock.free.values()])

    @cached_property
    def _own_names(self) -> dict[ValueName, ValueName]:
        return dict(self.own_names)

    @cached_property
    def _iterations(self) -> int:
        shifts = [0, *(slot.shift for slot in self.slots)]
        return self.tiles + max(shifts) - min(shifts)

    @cached_property
    def _once(self) -> tuple[tuple[ValueName, str, int], ...]:
        """(tensor, queue, cycles) of transfers before the loop."""
        travels = {travel.name: travel for travel in self.moving}
        loads = [travels[slot.name] for slot in self.slots if slot.do is Do.LOAD]
        return tuple((t.name, t.queue, t.cycles[0]) for t in loads if not t.changes)

    @cached_property
    def _events(self) -> tuple[Event, ...]:
        """One iteration; work of the core without a wait in between is one event."""
        first = max([0, *(slot.shift for slot in self.slots)])
        travels = {travel.name: travel for travel in self.moving}
        events: list[Event] = []
        for slot in self.slots:
            before = first - slot.shift
            after = self._iterations - self.tiles - before
            kind, who, cycles = self._event(slot, travels)
            if not any(cycles):
                continue
            padded = (0,) * before + cycles + (0,) * after
            if kind is Kind.WORK and events and events[-1].kind is kind:
                padded = tuple(map(add, events.pop().cycles, padded))
            events.append(Event(kind, who, slot.name, padded, before))
        return tuple(events)

    def _event(
        self, slot: Slot, travels: Mapping[ValueName, Travel]
    ) -> tuple[Kind, str, tuple[int, ...]]:
        """(kind, engine or queue, cycles per tile)"""
        if slot.do in (Do.RUN, Do.KEEP):
            who = self.beside.get(slot.name, "")
            is_own = slot.do is Do.KEEP or not who
            return Kind.WORK if is_own else Kind.BEGIN, who, self.work[slot.do, slot.name]
        if slot.do is Do.JOIN:
            return Kind.JOIN, self.beside[slot.name], self.work[Do.RUN, slot.name]
        travel = travels[slot.name]
        if slot.do is Do.LOAD and not travel.changes:
            return Kind.START, travel.queue, ()
        is_start = slot.do in (Do.LOAD, Do.STORE)
        return Kind.START if is_start else Kind.WAIT, travel.queue, travel.cycles


def _without_first(event: Event) -> Event:
    """The same where the first transfer is over."""
    if event.kind is not Kind.START:
        return event
    first = next(i for i, cycles in enumerate(event.cycles) if cycles)
    return event._replace(cycles=(*event.cycles[:first], 0, *event.cycles[first + 1 :]))
