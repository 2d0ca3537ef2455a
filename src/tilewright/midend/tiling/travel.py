"""What it takes to bring tensors near and away: transfers of one tensor over the tiles of a run,
and all transfers and calls of a run on one clock.

``Schedule`` follows the order in which the back end issues actions, so that its cycles are those
of the program that will be made.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import add

from tilewright.ir.geometry import Runs, region_bytes
from tilewright.ir.graph import ValueName
from tilewright.ir.target import Dma, Engine
from tilewright.ir.types import Region, TensorType
from tilewright.midend.tiling.clock import Clock, Event, Kind
from tilewright.midend.tiling.issue import Do, Slot


@dataclass(frozen=True, slots=True)
class Travel:
    """One tensor that is copied between its home and a tile buffer.

    queue      of the hop that goes on beside the kernels: the last one
    is_stored  whether the run makes it
    cycles     per tile, of that hop on an idle DMA; 0 where the tile needs nothing new
    issue      per tile, of the core that starts a hop
    hops       (queue, cycles per tile) of the hops before, which the core waits for
    relays     memories between far and near
    moved      bytes in all, over all hops
    largest    bytes of the largest part
    """

    name: ValueName
    queue: str
    is_stored: bool
    cycles: tuple[int, ...]
    issue: tuple[int, ...]
    hops: tuple[tuple[str, tuple[int, ...]], ...]
    relays: tuple[str, ...]
    moved: int
    largest: int

    @staticmethod
    def of(
        name: ValueName, type_: TensorType, regions: Sequence[Region], route: Sequence[Dma], *,
        is_stored: bool,
    ) -> "Travel":  # fmt: skip
        """Transfers of one region per tile; one that is like the last is not made again.

        route  from far to near. On the far side the region is a part of the whole tensor, in
               relays and near it is dense
        """
        some = [region for region in regions if region_bytes(type_, region)]
        runs = Runs.of(type_, some)
        each = zip(runs.run, zip(*runs.counts, strict=True) if runs.counts else [()] * len(some),
                   strict=True)  # fmt: skip
        boxes = dict(zip(some, each, strict=True))
        order = [*route[::-1]] if is_stored else [*route]
        rows: list[tuple[int, ...]] = []
        moved = largest = 0
        last: Region | None = None
        for region in regions:
            size = region_bytes(type_, region)
            if not size or region == last:
                rows.append((0,) * (len(order) + 1))
                continue
            last, moved, largest = region, moved + size * len(order), max(largest, size)
            shape = {dma.between: boxes[region] if dma is route[0] else (size, ()) for dma in order}
            rows.append((
                *(dma.cycles(*shape[dma.between], is_stored=is_stored) for dma in order),
                sum(dma.commands(shape[dma.between][1]) * dma.issue_cycles for dma in order),
            ))  # fmt: skip
        *hops, cycles, issue = zip(*rows, strict=True)
        names = [dma.name for dma in order]
        return Travel(
            name, names[-1], is_stored, cycles, issue,
            tuple(zip(names[:-1], hops, strict=True)),
            tuple(dma.between[1] for dma in route[:-1]), moved, largest,
        )  # fmt: skip

    @property
    def changes(self) -> bool:
        """Whether tiles after the first need other parts."""
        return any(self.cycles[1:])


_Part = tuple[Kind, str, ValueName, Sequence[int]]
"""Kind, engine or queue, name, cycles per tile."""


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
    beside: Mapping[ValueName, Engine]
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
        queues = [queue for t in self.moving for queue in (t.queue, *(q for q, _ in t.hops))]
        clock = Clock(
            dict.fromkeys(queues) | dict.fromkeys(behind),
            {name: engine.name for name, engine in self.beside.items()},
        )
        for travel in self._once:
            if travel.name not in early:
                _start_once(clock, travel)
        for queue, cycles in behind.items():
            clock.free[queue] = max(clock.free[queue], clock.now) + cycles
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
    def _is_queued(self) -> bool:
        """Whether the core prepares all calls while engines work on earlier ones: there is no loop,
        and nothing that the core computes itself (backend/late_joins.py)."""
        running = [self.beside.get(name) for do, name in self.work if do is Do.RUN]
        return self.tiles == 1 and all(engine and engine.queue > 1 for engine in running)

    @cached_property
    def _once(self) -> tuple[Travel, ...]:
        """What travels before the loop."""
        travels = {travel.name: travel for travel in self.moving}
        loads = [travels[slot.name] for slot in self.slots if slot.do is Do.LOAD]
        return tuple(travel for travel in loads if not travel.changes)

    @cached_property
    def _events(self) -> tuple[Event, ...]:
        """One iteration; work of the core without a wait in between is one event."""
        first = max([0, *(slot.shift for slot in self.slots)])
        travels = {travel.name: travel for travel in self.moving}
        events: list[Event] = []
        for slot in self.slots:
            before = first - slot.shift
            after = self._iterations - self.tiles - before
            for kind, who, name, cycles in self._parts(slot, travels):
                if not any(cycles):
                    continue
                padded = (0,) * before + tuple(cycles) + (0,) * after
                if kind is Kind.WORK and events and events[-1].kind is kind:
                    padded = tuple(map(add, events.pop().cycles, padded))
                events.append(Event(kind, who, name, padded, before))
        return tuple(events)

    def _parts(self, slot: Slot, travels: Mapping[ValueName, Travel]) -> Iterator[_Part]:
        """What happens, and the core's part in it."""
        engine, name = self.beside.get(slot.name), slot.name
        if slot.do in (Do.RUN, Do.JOIN) and engine is not None:
            work = self.work[Do.RUN, name]
            fork, join = (0, 0) if self._is_queued else (engine.fork_cycles, engine.join_cycles)
            if slot.do is Do.RUN:
                yield Kind.WORK, "", name, [fork * (c > 0) for c in work]
                yield Kind.BEGIN, engine.name, ValueName(f"{name}>job"), work
            else:
                yield Kind.JOIN, engine.name, ValueName(f"{name}>job"), work
                yield Kind.WORK, "", name, [join * (c > 0) for c in work]
        elif slot.do in (Do.RUN, Do.KEEP):
            yield Kind.WORK, "", name, self.work[slot.do, name]
        elif slot.do in (Do.LOAD, Do.STORE):
            travel = travels[name]
            if travel.changes or slot.do is Do.STORE:
                yield Kind.WORK, "", name, travel.issue
                for hop, (queue, cycles) in enumerate(travel.hops):
                    on_the_way = ValueName(f"{name}>{hop}")
                    yield Kind.START, queue, on_the_way, cycles
                    yield Kind.WAIT, queue, on_the_way, cycles
                yield Kind.START, travel.queue, name, travel.cycles
        else:
            yield Kind.WAIT, travels[name].queue, name, travels[name].cycles


def _start_once(clock: Clock, travel: Travel) -> None:
    """Before the loop; the core waits for all hops but the last."""
    clock.now += travel.issue[0]
    for queue, cycles in travel.hops:
        clock.now = clock.free[queue] = max(clock.free[queue], clock.now) + cycles[0]
    clock.free[travel.queue] = max(clock.free[travel.queue], clock.now) + travel.cycles[0]
    clock.once[travel.name] = clock.free[travel.queue]


def _without_first(event: Event) -> Event:
    """The same where the first transfer is over."""
    if event.kind is not Kind.START:
        return event
    first = next(i for i, cycles in enumerate(event.cycles) if cycles)
    return event._replace(cycles=(*event.cycles[:first], 0, *event.cycles[first + 1 :]))
