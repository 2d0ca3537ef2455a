"""What it takes to bring tensors near and away: transfers of one tensor over the tiles of a run,
and all transfers and calls of a run on one clock.

``Schedule`` follows the order in which the back end issues actions, so that its cycles are those
of the program that will be made.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from math import ceil, prod

from tilewright.ir.graph import ValueName
from tilewright.ir.target import Dma
from tilewright.ir.types import Region, TensorType
from tilewright.midend.issue import Do, Slot
from tilewright.midend.tiles import region_bytes


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
        moved = largest = 0
        last: Region | None = None
        for region in regions:
            size = region_bytes(type_, region)
            if not size or region == last:
                cycles.append(0)
                continue
            last, moved, largest = region, moved + size, max(largest, size)
            commands = _commands(type_, region, dma.max_rank)
            cycles.append(commands * dma.setup_cycles + ceil(size / dma.bytes_per_cycle))
        return Travel(name, dma.name, is_stored, tuple(cycles), moved, largest)

    @property
    def changes(self) -> bool:
        """Whether tiles after the first need other parts."""
        return any(self.cycles[1:])


@dataclass(frozen=True, slots=True)
class Schedule:
    """All tiles of a run on the clock of the core, the engines beside it, and the DMA queues.

    slots    one iteration of the loop over tiles
    tiles    how many there are
    work     step's output or kept tensor → cycles per tile of its calls, of moving its rows
    beside   step's output → the engine that it runs on, where that is beside the core
    copies   tensor that travels → how many tile buffers it has
    """

    slots: tuple[Slot, ...]
    tiles: int
    work: Mapping[tuple[Do, ValueName], tuple[int, ...]]
    beside: Mapping[ValueName, str]
    travels: tuple[Travel, ...]
    copies: Mapping[ValueName, int]

    def cycles(
        self, early: frozenset[ValueName] = frozenset(), behind: Mapping[str, int] | None = None
    ) -> int:
        """From the first transfer to the end of the last.

        early   tensors whose first transfer is over when the run begins
        behind  queue → cycles of transfers for the run after this one, which start with this one
        """
        machine = _Machine(early, {travel.name: travel for travel in self.travels})
        for slot in self.slots:
            if slot.do is Do.LOAD and not machine.travels[slot.name].changes:
                machine.start(slot.name, 0)
        for queue, cycles in (behind or {}).items():
            machine.append(queue, cycles)
        actions = [*self._actions(machine)]
        shifts, tiles = [0, *(shift for shift, _ in actions)], self.tiles
        for iteration in range(-max(shifts), tiles - min(shifts)):
            for shift, act in actions:
                if 0 <= iteration + shift < tiles:
                    act(iteration + shift)
        return machine.end

    def idle(self, early: frozenset[ValueName], queue: str) -> int:
        """Cycles that a queue can work for the run after this one at no cost: of longer transfers,
        every further cycle makes this run one cycle longer. Negative where even short ones cost."""
        long = 1 << 40
        return self.cycles(early) + long - self.cycles(early, {queue: long})

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

    def _actions(self, machine: "_Machine") -> Iterator[tuple[int, "_Act"]]:
        """(shift, what to do for a tile), in order; work of the core without a wait in between is
        one action."""
        for (is_work, shift), group in groupby(self.slots, self._kind):
            if is_work:
                costs = [self.work[slot.do, slot.name] for slot in group]
                yield shift, partial(machine.work, tuple(map(sum, zip(*costs, strict=True))))
            else:
                for slot in group:
                    if slot.do is not Do.LOAD or machine.travels[slot.name].changes:
                        yield shift, self._action(machine, slot)

    def _kind(self, slot: Slot) -> tuple[bool, int]:
        """(whether it is the core's own work, shift)."""
        is_own = slot.do is Do.RUN and slot.name not in self.beside
        return is_own or slot.do is Do.KEEP, slot.shift

    def _action(self, machine: "_Machine", slot: Slot) -> "_Act":
        """What is no work of the core."""
        if slot.do is Do.RUN:
            return partial(machine.offload, self.beside[slot.name], self.work[slot.do, slot.name])
        if slot.do is Do.JOIN:
            return partial(machine.join, self.beside[slot.name])
        if slot.do in (Do.LOAD, Do.STORE):
            return partial(machine.start, slot.name)
        return partial(machine.wait, slot.name)


_Act = Callable[[int], None]


@dataclass(slots=True)
class _Machine:
    """Where the core, the engines beside it and every DMA have arrived."""

    early: frozenset[ValueName]
    travels: Mapping[ValueName, Travel]
    now: int = 0
    last: int = 0
    free: dict[str, int] = field(default_factory=dict[str, int])
    done: dict[tuple[ValueName, int], int] = field(default_factory=dict[tuple[ValueName, int], int])
    jobs: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def end(self) -> int:
        """When everything is over."""
        return max([self.now, self.last, *self.done.values(), *self.jobs.values()])

    def append(self, queue: str, cycles: int) -> None:
        """A transfer that nothing in this run waits for."""
        self.last = self.free[queue] = self.free.get(queue, 0) + cycles

    def start(self, name: ValueName, tile: int) -> None:
        """The transfer of a tile, if it needs one."""
        travel = self.travels[name]
        is_first = not any(travel.cycles[:tile])
        if travel.cycles[tile] and not (is_first and name in self.early):
            end = max(self.now, self.free.get(travel.queue, 0)) + travel.cycles[tile]
            self.free[travel.queue] = self.done[name, tile] = end

    def wait(self, name: ValueName, tile: int) -> None:
        """For a transfer."""
        self.now = max(self.now, self.done.get((name, tile), 0))

    def work(self, cycles: tuple[int, ...], tile: int) -> None:
        """The core's own."""
        self.now += cycles[tile]

    def offload(self, engine: str, cycles: tuple[int, ...], tile: int) -> None:
        """The start of a step beside the core."""
        self.jobs[engine] = max(self.now, self.jobs.get(engine, 0)) + cycles[tile]

    def join(self, engine: str, tile: int) -> None:
        """For a step beside the core."""
        del tile
        self.now = max(self.now, self.jobs.get(engine, 0))


def _commands(type_: TensorType, region: Region, max_rank: int) -> int:
    """DMA commands for a part of a tensor: runs of bytes, then as many counts as it can."""
    counts: list[int] = []
    strides: list[int] = []
    pitch, is_dense = 1, True
    for span, extent in zip(reversed(region), reversed(type_.shape), strict=True):
        if not is_dense and span.size != 1:
            if counts and pitch == strides[-1] * counts[-1]:
                counts[-1] *= span.size
            else:
                counts.append(span.size)
                strides.append(pitch)
        is_dense = is_dense and span.size == extent
        pitch *= extent
    return prod(counts[max_rank - 1 :])
