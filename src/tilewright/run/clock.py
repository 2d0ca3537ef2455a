"""How long a program takes on its target's own numbers: a clock for cores, one queue per DMA.

    call       fork + kernel's cycles / cores + join, on the clock of the cores
    transfer   issue, on the clock of the cores; then set-up per command, lines, and bytes in whole
               bursts / bandwidth, when its queue is free; cores go on
    offload    fork, then kernel's cycles on the clock of its engine; cores go on, but wait where
               the engine's queue is full
    wait       cores stand still until the transfer or the job is over; join after a job
    fetch      a kernel's code, at its first call in a layer, on the clock of its engine
    keep       bytes / what the target moves in a cycle, on the clock of the cores

A command moves a box of at most the DMA's rank; a box of more dimensions takes several.
"""

from dataclasses import dataclass, field
from math import ceil

from tilewright.ir.index import at
from tilewright.ir.program import (
    Call,
    Join,
    Keep,
    Load,
    Offload,
    Program,
    Simple,
    Store,
    Transfer,
    Wait,
)


@dataclass(frozen=True, slots=True)
class LayerTime:
    """One layer on the clock.

    start, stop  cycles since the inference began; a layer is done when its jobs are, and the next
                 one counts from there, though the core has begun it before
    compute      cycles of its kernels, per engine
    transfer     cycles of the transfers that it starts, per DMA
    moved        bytes of those
    """

    name: str
    tiles: int
    start: int
    stop: int
    compute: dict[str, int]
    transfer: dict[str, int]
    moved: int

    def json(self) -> dict[str, object]:
        """The machine form."""
        return {
            "name": self.name, "tiles": self.tiles, "start": self.start, "stop": self.stop,
            "compute": self.compute, "transfer": self.transfer, "moved": self.moved,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Timing:
    """One inference on the clock."""

    layers: tuple[LayerTime, ...]

    @property
    def cycles(self) -> int:
        """From the first action to the last."""
        return self.layers[-1].stop if self.layers else 0

    @property
    def moved(self) -> int:
        """Bytes that were copied between memories."""
        return sum(layer.moved for layer in self.layers)

    @property
    def compute(self) -> int:
        """Cycles of the busiest engine."""
        return _busiest([layer.compute for layer in self.layers])

    @property
    def transfer(self) -> int:
        """Cycles of the busiest DMA."""
        return _busiest([layer.transfer for layer in self.layers])

    @property
    def bound(self) -> int:
        """No schedule of the same calls and transfers is faster."""
        return max(self.compute, self.transfer)

    def json(self) -> dict[str, object]:
        """The machine form."""
        return {
            "cycles": self.cycles, "bound": self.bound, "compute": self.compute,
            "transfer": self.transfer, "moved": self.moved,
            "layers": [layer.json() for layer in self.layers],
        }  # fmt: skip


def _busiest(shares: list[dict[str, int]]) -> int:
    names = {name for share in shares for name in share}
    return max((sum(share.get(name, 0) for share in shares) for name in names), default=0)


@dataclass(slots=True)
class _Clock:
    """Where every part of the machine has arrived."""

    kept_bytes_per_cycle: int
    now: int = 0
    free: dict[str, int] = field(default_factory=dict[str, int])
    done: dict[int, int] = field(default_factory=dict[int, int])
    jobs: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    joins: dict[int, int] = field(default_factory=dict[int, int])
    compute: dict[str, int] = field(default_factory=dict[str, int])
    moved: int = 0
    transfer: dict[str, int] = field(default_factory=dict[str, int])

    def act(self, action: Simple, tile: int) -> None:
        match action:
            case Call():
                self.now += self._busy(action, tile)
            case Offload(call, job):
                self._offload(call, job, tile)
            case Join():
                ends = self.jobs[action.job]
                ends = ends[: len(ends) - at(action.left, tile)]
                self.now = max([self.now, *ends[-1:]]) + self.joins[action.job]
            case Load(transfer) | Store(transfer):
                self._start(transfer, tile, is_stored=isinstance(action, Store))
            case Wait():
                self.now = max(self.now, self.done.get(at(action.channel, tile), 0))
            case Keep():
                self.now += ceil(at(action.size, tile) / self.kept_bytes_per_cycle)

    def _offload(self, call: Call, job: int, tile: int) -> None:
        engine, ends = call.engine, self.jobs.setdefault(job, [])
        self.now += engine.fork_cycles
        busy = self._busy(call, tile)
        if engine.queue > 1:  # the core fetches the kernel while the engine works
            fetch = first_fetch(call, tile)
            self.now, busy = self.now + fetch, busy - fetch
        if len(ends) >= engine.queue:
            self.now = max(self.now, ends[-engine.queue])
        ends.append(max([self.now, *ends[-1:]]) + busy)
        self.joins[job] = engine.join_cycles

    def _busy(self, call: Call, tile: int) -> int:
        cycles, engine = call_cycles(call, tile), call.engine.name
        self.compute[engine] = self.compute.get(engine, 0) + cycles
        return cycles

    def _start(self, transfer: Transfer, tile: int, *, is_stored: bool) -> None:
        self.now += issue_cycles(transfer, tile)
        cycles, queue = transfer_cycles(transfer, tile, is_stored=is_stored), transfer.dma.name
        begin = max(self.now, self.free.get(queue, 0))
        self.free[queue] = self.done[at(transfer.channel, tile)] = begin + cycles
        self.transfer[queue] = self.transfer.get(queue, 0) + cycles
        self.moved += transfer.box.size(tile)


def call_cycles(call: Call, tile: int) -> int:
    """One call, as long as it keeps the core, or the engine beside the core, busy."""
    piece, engine = call.pieces[tile], call.engine
    assert piece is not None
    cycles = engine.busy_cycles(call.kernel.cycles(piece.op, piece.signature))
    if not engine.is_asynchronous:
        cycles += engine.fork_cycles + engine.join_cycles
    return cycles + first_fetch(call, tile)


def first_fetch(call: Call, tile: int) -> int:
    """What bringing the kernel near takes of a layer's first call; 0 of others."""
    is_first = all(earlier is None for earlier in call.pieces[:tile])
    return call.engine.fetch_cycles(call.kernel) * is_first


def transfer_cycles(transfer: Transfer, tile: int, *, is_stored: bool) -> int:
    """One transfer on an idle DMA."""
    box = transfer.box
    counts = [at(count, tile) for count in box.counts]
    return transfer.dma.cycles(at(box.run, tile), counts, is_stored=is_stored)


def issue_cycles(transfer: Transfer, tile: int) -> int:
    """What starting one takes of the core."""
    counts = [at(count, tile) for count in transfer.box.counts]
    return transfer.dma.commands(counts) * transfer.dma.issue_cycles


def time_program(program: Program) -> Timing:
    """The clock alone: nothing is computed."""
    clock = _Clock(program.kept_bytes_per_cycle)
    layers: list[LayerTime] = []
    start = 0
    for layer in program.layers:
        clock.compute, clock.moved, clock.transfer = {}, 0, {}
        for action, tile in layer.issue():
            clock.act(action, tile)
        name, stop = layer.calls[-1].node.name, max([start, clock.now])
        stop = max([stop, *(clock.jobs[job][-1] for job in layer.left_open)])
        layers.append(
            LayerTime(name, layer.tiles, start, stop, clock.compute, clock.transfer, clock.moved)
        )
        start = stop
    return Timing(tuple(layers))
