"""What it takes to bring tensors near and away: transfers of one tensor over the tiles of a run,
and all transfers and calls of a run on one clock.

``Schedule`` follows the order in which the back end issues actions, so that its cycles are those
of the program that will be made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod

from tilewright.ir.graph import ValueName
from tilewright.ir.target import Dma
from tilewright.ir.types import Region, TensorType
from tilewright.midend.tiles import region_type


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
            size = region_type(type_, region).nbytes
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
    """All tiles of a run on the clock of its cores and its DMA queues.

    work     cycles of each tile's calls and kept rows
    copies   tensor → how many tile buffers it has
    """

    work: tuple[int, ...]
    travels: tuple[Travel, ...]
    copies: Mapping[ValueName, int]

    def cycles(
        self, early: frozenset[ValueName] = frozenset(), behind: Mapping[str, int] | None = None
    ) -> int:
        """From the first transfer to the end of the last.

        early   tensors whose first transfer is over when the run begins
        behind  queue → cycles of transfers for the run after this one, which start with this one
        """
        tiles = len(self.work)
        loads = [t for t in self.travels if not t.is_stored]
        stores = [t for t in self.travels if t.is_stored]
        queues = _Queues(early)
        for load in loads:
            if not load.changes:
                queues.start(load, 0)
        for queue, cycles in (behind or {}).items():
            queues.append(queue, cycles)
        now = 0
        for tile in range(-1, tiles + max((self.copies[s.name] for s in stores), default=0)):
            for load in loads:
                if load.changes:
                    queues.start(load, tile + self.copies[load.name] - 1, now)
            now = max([now, *(queues.done.get((load.name, tile), 0) for load in loads)])
            if 0 <= tile < tiles:
                now = max(
                    [
                        now,
                        *(queues.done.get((s.name, tile - self.copies[s.name]), 0) for s in stores),
                    ]
                )
                now += self.work[tile]
                for store in stores:
                    queues.start(store, tile, now)
        return max([now, queues.last, *queues.done.values()])

    def idle(self, early: frozenset[ValueName], queue: str) -> int:
        """Cycles that a queue can work for the run after this one at no cost: of longer transfers,
        every further cycle makes this run one cycle longer. Negative where even short ones cost."""
        long = 1 << 40
        return self.cycles(early) + long - self.cycles(early, {queue: long})


class _Queues:
    """When each DMA is free, and when each transfer is over."""

    def __init__(self, early: frozenset[ValueName]) -> None:
        self.free: dict[str, int] = {}
        self.done: dict[tuple[ValueName, int], int] = {}
        self.early = early
        self.last = 0

    def append(self, queue: str, cycles: int) -> None:
        """A transfer that nothing in this run waits for."""
        self.last = self.free[queue] = self.free.get(queue, 0) + cycles

    def start(self, travel: Travel, tile: int, now: int = 0) -> None:
        """Start the transfer of a tile, if there is such a tile and it needs one."""
        is_done = tile == 0 and travel.name in self.early
        if 0 <= tile < len(travel.cycles) and travel.cycles[tile] and not is_done:
            end = max(now, self.free.get(travel.queue, 0)) + travel.cycles[tile]
            self.free[travel.queue] = self.done[travel.name, tile] = end


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
