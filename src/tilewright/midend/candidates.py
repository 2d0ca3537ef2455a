"""Ways to compute runs of steps on a target with a far memory: what the search chooses from.

A run has many ways: tile shapes, engines, and which of its tensors lie near. Of those that find the
same tensors near, only the ones that no other beats in bytes and in cycles are kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Step
from tilewright.ir.target import Memory, Target
from tilewright.ir.tiling import Hold
from tilewright.ir.types import Span
from tilewright.midend.assign import judge
from tilewright.midend.cut import Cut, whole_cut
from tilewright.midend.lifetimes import storage_of, whole_lifetimes
from tilewright.midend.need import Alive, local_need
from tilewright.midend.runs import Run, may_fuse
from tilewright.midend.stream import StreamedRun, packed_types

Item = TypeVar("Item")

Near = frozenset[ValueName]
"""The tensors that lie near at a boundary."""

MOST_CUTS = 40
"""Ways of one run that are kept for each choice of what lies near."""

MOST_SHAPES = 1200
"""Tile shapes in all; large networks look at fewer per step."""

FEWEST_SHAPES = 5
"""Tile shapes of one run, at least."""

LARGE_NETWORK = 120
"""Steps of a network in which no runs of several steps are looked at."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to look at.

    longest_run  steps that are computed together at most
    """

    longest_run: int


EFFORTS: Mapping[str, Effort] = {"quick": Effort(1), "normal": Effort(3), "best": Effort(6)}


@dataclass(frozen=True, slots=True)
class Edge:
    """A cut as the search sees it; tensors by the value that owns the bytes.

    near, far  inputs that it wants there
    makes      the output, where it is near
    bytes      near memory for itself, with inputs that die and the output
    """

    cut: Cut
    near: Near
    far: Near
    makes: Near
    dying: Near
    bytes: int

    @property
    def members(self) -> tuple[int, ...]:
        """Its steps, as indices into all steps in base order."""
        return tuple(range(self.cut.span.start, self.cut.span.stop))


@dataclass
class Candidates:
    """All candidates of one network on one target. Not frozen: it fills in what follows.

    is_lean  single steps also run on kernels that are slower and need less scratch
    """

    graph: Graph
    steps: tuple[Step, ...]
    target: Target
    memory: Memory
    effort: Effort
    is_lean: bool = False
    alive: Alive = field(init=False)
    edges: dict[int, list[Edge]] = field(init=False)
    """By the first step of the run."""

    def __post_init__(self) -> None:
        whole = [whole_cut(time, step) for time, step in enumerate(self.steps)]
        lifetimes = whole_lifetimes(self.graph, whole)
        self.alive = Alive(self.graph, storage_of(self.steps), lifetimes, self.memory.align)
        self.edges = {}
        for start in range(len(self.steps)):
            self.edges[start] = [
                edge for span in self._spans(start) for edge in self._candidates(span)
            ]

    @property
    def count(self) -> int:
        """How many ways there are in all."""
        return sum(map(len, self.edges.values()))

    def _spans(self, start: int) -> Iterator[Span]:
        """Runs that begin at a step."""
        yield Span(start, 1)
        if len(self.steps) > LARGE_NETWORK:
            return
        for size in range(2, min(self.effort.longest_run, len(self.steps) - start) + 1):
            span = Span(start, size)
            if may_fuse(self.graph, self.steps, span, self.alive.lifetimes):
                yield span

    def _candidates(self, span: Span) -> list[Edge]:
        first = self.steps[span.start]
        if first.kernel is None:
            return [Edge(whole_cut(span.start, first), Near(), Near(), Near(), Near(), 0)]
        by_near: dict[tuple[Near, Near], list[Edge]] = {}
        for steps in self._variants(span):
            for edge in self._ways(steps, span):
                by_near.setdefault((edge.near, edge.makes), []).append(edge)
        return [edge for edges in by_near.values() for edge in _undominated(edges)]

    def _variants(self, span: Span) -> Iterator[tuple[Step, ...]]:
        """The plan's steps, and with another kernel for a run of one step."""
        yield self.steps
        step = self.steps[span.start]
        if span.size > 1 or step.kernel is None or step.engine is None:
            return
        most = step.kernel.scratch_bytes(step.node.op, step.signature)
        for verdict in judge(step.node.op, step.signature, self.target):
            kernel, engine = verdict.kernel, verdict.engine
            if verdict.refusal is not None or engine.works_in != step.engine.works_in:
                continue
            is_leaner = kernel.scratch_bytes(step.node.op, step.signature) < most
            if engine is not step.engine or (self.is_lean and is_leaner):
                other = replace(step, kernel=kernel, engine=engine)
                yield (*self.steps[: span.start], other, *self.steps[span.stop :])

    def _ways(self, steps: tuple[Step, ...], span: Span) -> Iterator[Edge]:
        packed = {
            name: type_
            for step in steps[span.start : span.stop]
            for name, type_ in packed_types(self.graph, step).items()
        }
        members = steps[span.start : span.stop]
        run = StreamedRun(
            Run(self.graph, members, span.start), self.target, packed, self.alive.ends
        )
        for shape in _spread([*run.shapes()], max(FEWEST_SHAPES, MOST_SHAPES // len(steps))):
            yield from map(self._edge, run.cuts(*shape))

    def _edge(self, cut: Cut) -> Edge:
        shown, output = self.alive.shown, cut.steps[-1].node.output
        near: set[ValueName] = set()
        far: set[ValueName] = set()
        for name, hold in cut.group.holds.items():
            if name in self.graph.constants or name == output or name in cut.inner:
                continue
            (near if hold is Hold.DIRECT else far).add(shown.get(name, name))
        is_near = cut.group.holds[output] is Hold.DIRECT
        dying = frozenset(n for n in near if self.alive.lifetimes[n].stop <= cut.span.stop)
        return Edge(
            cut, Near(near), Near(far), Near({output}) if is_near else Near(), dying,
            local_need(cut, self.alive, dying, is_near=is_near),
        )  # fmt: skip


def _undominated(edges: list[Edge]) -> list[Edge]:
    """The ways that no other beats in bytes and in cycles, at most MOST_CUTS of them."""
    kept: list[Edge] = []
    fewest: tuple[int, int] | None = None
    for edge in sorted(edges, key=lambda e: (e.bytes, e.cut.cycles, e.cut.moved)):
        cost = (edge.cut.cycles, edge.cut.moved)
        if fewest is None or cost < fewest:
            kept.append(edge)
            fewest = cost
    return _spread(kept, MOST_CUTS)


def _spread(items: list[Item], most: int) -> list[Item]:
    """At most so many of them, evenly spaced, the first and the last included."""
    if len(items) <= most:
        return items
    step = (len(items) - 1) / (most - 1)
    return [items[round(i * step)] for i in range(most)]
