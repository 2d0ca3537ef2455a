"""Ways to compute runs of steps in one memory, where a network does not fit step by step.

Between two runs of steps the same tensors are alive however the runs are computed, so what a way
needs is known by itself, and the larger its tiles, the more it needs.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from tilewright.ir.graph import Graph
from tilewright.ir.pins import Pins
from tilewright.ir.plan import Step
from tilewright.ir.target import Kernel, Memory, Role, Target
from tilewright.ir.types import Span
from tilewright.midend.assign import judge
from tilewright.midend.choice.paths import Paths
from tilewright.midend.choice.ways import Net, Tensors, Way, net_of, way_of
from tilewright.midend.dataflow import is_part
from tilewright.midend.memory.need import Alive, local_need
from tilewright.midend.pins import keeps_all
from tilewright.midend.places import Places
from tilewright.midend.tiling.cut import Cut, whole_cut
from tilewright.midend.tiling.cuts import kind_of, names_of
from tilewright.midend.tiling.runs import Run, may_fuse

LONGEST_RUN = 8
"""Steps that are computed together at most: every further one adds rows and saves no more."""


@dataclass
class Fusion:
    """The candidates of one network in one memory. Not frozen: it remembers what it computed."""

    graph: Graph
    steps: tuple[Step, ...]
    places: Places
    pins: Pins = ()
    net: Net = field(init=False)
    _singles: list[tuple[Cut, ...]] = field(init=False)
    _runs: dict[tuple[Span, int, bool], Cut | None] = field(init=False, default_factory=dict)
    _needs: dict[int, tuple[Cut, Tensors, int, int]] = field(init=False, default_factory=dict)
    """(it, what dies with it, bytes for itself, bytes of all)"""
    _kinds: dict[tuple[Hashable, int], Cut | None] = field(
        init=False, default_factory=dict[tuple[Hashable, int], Cut | None]
    )

    def __post_init__(self) -> None:
        whole = [whole_cut(time, step) for time, step in enumerate(self.steps)]
        self.net = net_of(self.graph, self.steps, self.places, is_one_memory=True)
        self._singles = [(cut, *self._alternatives(time)) for time, cut in enumerate(whole)]

    @property
    def alive(self) -> Alive:
        """Which tensors are alive when."""
        return self.net.alive

    @property
    def memory(self) -> Memory:
        """The only memory for activations."""
        return self.places.near

    @property
    def target(self) -> Target:
        """The machine."""
        return self.places.target

    def cheapest(self, limit: int) -> tuple[Way, ...] | None:
        """The fastest ways in base order of which no run needs more than ``limit`` bytes; None:
        there are none."""
        return Paths(self.net, self.within(limit)).cheapest(limit)

    def within(self, limit: int) -> tuple[Way, ...]:
        """The ways that need no more than ``limit`` bytes: every step by itself, and, around steps
        that do not fit so, runs in tiles as large as possible."""
        found: dict[int, Cut] = {}
        for time, singles in enumerate(self._singles):
            fitting = [cut for cut in singles if self.need(cut) <= limit]
            if not fitting or fitting[0] is not singles[0]:
                for run in self._runs_over(time):
                    cut = self._fewest_tiles(run, limit)
                    if cut is not None:
                        found[id(cut)] = cut
            found |= {id(cut): cut for cut in fitting if cut.steps[0].kernel is not None}
        return tuple(self._way(cut) for cut in found.values())

    def least(self) -> int:
        """A limit that ``cheapest`` can meet, and no smaller one of these candidates."""
        best = [0]
        for stop in range(1, len(self.steps) + 1):
            arriving = [*self._singles[stop - 1]]
            for start in range(max(0, stop - LONGEST_RUN), stop):
                span = Span(start, stop - start)
                if self._may_fuse(span):
                    arriving += self._smallest(span)
            best.append(min(max(best[cut.span.start], self.need(cut)) for cut in arriving))
        return best[-1]

    def need(self, cut: Cut) -> int:
        """Bytes of the memory while a run is computed: no placement needs less."""
        if id(cut) not in self._needs:
            there = frozenset(self.alive.at_entry(cut.span.start))
            through = self.alive.after(there, cut.span.stop)
            own = local_need(cut, self.alive, there - through)
            self._needs[id(cut)] = cut, there - through, own, own + self.alive.bytes(through)
        return self._needs[id(cut)][-1]

    def _way(self, cut: Cut) -> Way:
        self.need(cut)
        _, dying, own, _ = self._needs[id(cut)]
        way = way_of(self.net, cut)
        return replace(way, dying=dying, bytes=own)

    def _alternatives(self, time: int) -> list[Cut]:
        """The step at ``time`` with other kernels than the fastest."""
        return [whole_cut(time, replace(self.steps[time], kernel=k)) for k in self._others(time)]

    def _others(self, time: int) -> list[Kernel]:
        step = self.steps[time]
        return [
            verdict.kernel
            for verdict in judge(step.node.op, step.signature, self.target)
            if verdict.engine is step.engine
            and verdict.kernel is not step.kernel
            and verdict.refusal is None
        ]

    def _runs_over(self, time: int) -> Iterator[Span]:
        """Runs that may be computed together and that the step is part of."""
        for start in range(max(0, time - LONGEST_RUN + 1), time + 1):
            for stop in range(time + 1, min(len(self.steps), start + LONGEST_RUN) + 1):
                if self._may_fuse(Span(start, stop - start)):
                    yield Span(start, stop - start)

    def _may_fuse(self, span: Span) -> bool:
        """A part of a state is made by itself: it changes what others of its run may read."""
        can_cut = Role.TILE in self.memory.holds
        last = self.steps[span.stop - 1].node.output
        is_apart = span.size > 1 and is_part(self.graph, last)
        may = can_cut and not is_apart
        return may and may_fuse(self.graph, self.steps, span, self.alive.lifetimes)

    def _fewest_tiles(self, span: Span, limit: int) -> Cut | None:
        """The largest tiles that keep to the limit; memory grows with the tile."""
        rows = self._rows(span)
        for is_lean in (False, True):
            low, high, best = 0, len(rows) - 1, None
            while low <= high:
                # The smallest tiles first: where they do not fit, nothing does.
                middle = (low + high) // 2 if best is not None else low
                cut = self._run(span, rows[middle], is_lean)
                if cut is not None and self.need(cut) <= limit:
                    best, low = cut, middle + 1
                elif best is None:
                    break
                else:
                    high = middle - 1
            if best is not None:
                return best
        return None

    def _smallest(self, span: Span) -> list[Cut]:
        rows = self._rows(span)[:1]
        cuts = [self._run(span, size, is_lean) for size in rows for is_lean in (False, True)]
        return [cut for cut in cuts if cut is not None]

    def _rows(self, span: Span) -> tuple[int, ...]:
        return Run(self.graph, self.steps[span.start : span.stop], span.start).rows()

    def _run(self, span: Span, rows: int, is_lean: bool) -> Cut | None:
        key = (span, rows, is_lean)
        if key not in self._runs:
            steps = self._lean if is_lean else self.steps
            cut = self._cut(steps[span.start : span.stop], span.start, rows)
            is_allowed = cut is None or keeps_all(self.pins, cut.steps, cut.group)
            self._runs[key] = cut if is_allowed else None
        return self._runs[key]

    def _cut(self, members: tuple[Step, ...], start: int, rows: int) -> Cut | None:
        """What differs in names alone is looked at once."""
        key = kind_of(members, self.graph), rows
        if key not in self._kinds:
            self._kinds[key] = Run(self.graph, members, start).cut(rows, self.target)
            return self._kinds[key]
        cut = self._kinds[key]
        if cut is None:
            return None
        names = dict(zip(names_of(cut.steps), names_of(members), strict=True))
        return cut.renamed(names, members).at(start)

    def without_pins(self) -> "Fusion":
        """All ways, whatever the user wants."""
        return replace(self, pins=()) if self.pins else self

    @cached_property
    def _lean(self) -> tuple[Step, ...]:
        """All steps with the kernels that need the least scratch."""
        return tuple(
            min(singles, key=lambda cut: (cut.scratch, cut.cycles)).steps[0]
            for singles in self._singles
        )
