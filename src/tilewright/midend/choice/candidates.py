"""Ways to compute runs of steps on a target with a far memory: what the search chooses from.

A run has many ways: tile shapes, engines, and which of its tensors lie near. Of those that find the
same tensors near, only the ones that no other beats in bytes and in cycles are kept.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.pins import Pins
from tilewright.ir.plan import Step
from tilewright.ir.target import Engine, Kernel, Memory, Target
from tilewright.ir.tiling import Hold
from tilewright.midend.assign import judge
from tilewright.midend.memory.lifetimes import storage_of, whole_lifetimes
from tilewright.midend.memory.need import Alive, local_need
from tilewright.midend.pins import keeps_all
from tilewright.midend.places import Places
from tilewright.midend.tiling.cut import Cut, engine_cycles, whole_cut
from tilewright.midend.tiling.fusible import beside_first, fusible, sums_and_finish
from tilewright.midend.tiling.ways import Ways, spread

Near = frozenset[ValueName]
"""The tensors that lie near at a boundary."""

MOST_CUTS = 40
"""Ways of one run that are kept for each choice of what lies near."""

MOST_ENGINES = 2
"""Engines that are tried for each step of a run of several."""

MOST_MIXES = 4
"""Choices of engines for all steps of such a run."""

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

    members    its steps, as indices into all steps in base order, in the order of the cut
    near, far  inputs that it wants there
    makes      the output, where it is near
    dying      near inputs that nobody reads after it
    bytes      near memory for itself, with inputs that die and the output
    """

    cut: Cut
    members: tuple[int, ...]
    near: Near
    far: Near
    makes: Near
    dying: Near
    bytes: int

    @property
    def is_consecutive(self) -> bool:
        """Whether its steps follow one another in base order."""
        return max(self.members) - min(self.members) == len(self.members) - 1


@dataclass
class Candidates:
    """All candidates of one network on one target. Not frozen: it fills in what follows.

    is_lean  single steps also run on kernels that are slower and need less scratch
    pins     what every way keeps to
    """

    graph: Graph
    steps: tuple[Step, ...]
    places: Places
    effort: Effort
    is_lean: bool = False
    pins: Pins = ()
    alive: Alive = field(init=False)
    edges: dict[int, list[Edge]] = field(init=False)
    """Those that are consecutive in base order, by their first step."""
    apart: list[Edge] = field(init=False)
    """Those between whose steps others stand. The cut's span has the right length, no more."""

    def __post_init__(self) -> None:
        whole = [whole_cut(time, step) for time, step in enumerate(self.steps)]
        lifetimes = whole_lifetimes(self.graph, whole)
        self.alive = Alive(
            self.graph, storage_of(self.steps), lifetimes, self.memory.name, self.memory.align
        )
        self.edges = {start: [] for start in range(len(self.steps))}
        self.apart = []
        ways = Ways(self.graph, self.places, self.alive.ends, self._shapes, self.is_lean)
        for members in self._runs():
            for edge in self._candidates(ways, members):
                (self.edges[min(members)] if edge.is_consecutive else self.apart).append(edge)

    def without_pins(self) -> "Candidates":
        """All of them, whatever the user wants."""
        return replace(self, pins=()) if self.pins else self

    @property
    def memory(self) -> Memory:
        """The near memory."""
        return self.places.near

    @property
    def target(self) -> Target:
        """The machine."""
        return self.places.target

    @property
    def count(self) -> int:
        """How many ways there are in all."""
        return sum(map(len, self.edges.values())) + len(self.apart)

    @property
    def _shapes(self) -> int:
        """How many tile shapes of one run are looked at."""
        return max(FEWEST_SHAPES, MOST_SHAPES // len(self.steps))

    def _runs(self) -> Iterator[tuple[int, ...]]:
        """All steps alone, and all runs of several."""
        yield from ((index,) for index in range(len(self.steps)))
        if len(self.steps) <= LARGE_NETWORK and self.effort.longest_run > 1:
            yield from fusible(self.graph, self.steps, self.effort.longest_run)
        else:
            yield from sums_and_finish(self.graph, self.steps)

    def _candidates(self, ways: Ways, members: tuple[int, ...]) -> list[Edge]:
        first = members[0]
        if self.steps[first].kernel is None:
            cut = whole_cut(first, self.steps[first])
            return [Edge(cut, members, Near(), Near(), Near(), Near(), 0)]
        by_near: dict[tuple[Near, Near], list[Edge]] = {}
        for steps in self._variants(members):
            order = beside_first(steps)
            run = tuple(steps[i] for i in order)
            for edge in self._edges(ways, run, order, first):
                by_near.setdefault((edge.near, edge.makes), []).append(edge)
        return [edge for edges in by_near.values() for edge in _thinned(edges)]

    def _edges(
        self, ways: Ways, run: tuple[Step, ...], order: tuple[int, ...], first: int
    ) -> Iterator[Edge]:
        """Those that keep to the pins; without any, of runs that differ in names alone the same
        ways are worth something, which are looked for once."""
        if self.pins:
            for cut in ways.of(run, first):
                if keeps_all(self.pins, cut.steps, cut.group):
                    yield self._edge(cut, order)
            return
        for cut, need in ways.chosen(
            run, first, self._context(run, order), lambda cuts: self._front(cuts, order)
        ):
            yield self._edge(cut, order, need)

    def _front(self, cuts: Sequence[Cut], order: tuple[int, ...]) -> Iterator[tuple[int, int]]:
        """(index, bytes near) of those that no other beats which finds the same tensors near."""
        edges = [self._edge(cut, order) for cut in cuts]
        index = {id(edge): i for i, edge in enumerate(edges)}
        by_near: dict[tuple[Near, Near], list[Edge]] = {}
        for edge in edges:
            by_near.setdefault((edge.near, edge.makes), []).append(edge)
        for group in by_near.values():
            yield from ((index[id(edge)], edge.bytes) for edge in _undominated(group))

    def _context(self, run: Sequence[Step], order: tuple[int, ...]) -> Hashable:
        """What the bytes of a run's ways depend on, besides its kind: which of its values are views
        of one tensor, the sizes of these, and which of them nobody reads afterwards."""
        shown = self.alive.shown
        names = dict.fromkeys(name for step in run for name in step.node.inputs)
        tensors = [shown.get(n, n) for n in names if n not in self.graph.constants]
        made = {step.node.output for step in run}
        return tuple(
            (tensors.index(t), t in made or (self.alive.size(t), self._dies_with(t, order)))
            for t in tensors
        )

    def _variants(self, members: tuple[int, ...]) -> Iterator[dict[int, Step]]:
        """The plan's steps; a single one on every other engine, and lean; several on every mix of
        the engines that are fastest for each."""
        if len(members) > 1:
            yield from self._mixes(members)
            return
        index = min(members)
        step = self.steps[index]
        assert step.engine is not None
        if self._may_run(step, step.engine):
            yield {index: step}
        assert step.kernel is not None
        most = step.kernel.scratch_bytes(step.node.op, step.signature)
        for kernel, engine in self._willing(step):
            is_leaner = kernel.scratch_bytes(step.node.op, step.signature) < most
            if engine is not step.engine or (self.is_lean and is_leaner):
                yield {index: replace(step, kernel=kernel, engine=engine)}

    def _mixes(self, members: tuple[int, ...]) -> Iterator[dict[int, Step]]:
        """The fastest MOST_MIXES of all ways to choose one of the MOST_ENGINES best engines for
        every step, calls taken one after another."""
        choices = [self._on_engines(self.steps[index]) for index in members]
        mixes = sorted(product(*choices), key=lambda mix: sum(cycles for cycles, _ in mix))
        for mix in mixes[:MOST_MIXES]:
            steps = (step for _, step in mix)
            yield dict(zip(members, steps, strict=True))

    def _on_engines(self, step: Step) -> list[tuple[int, Step]]:
        """(cycles, the step) on each of its best engines with its fastest kernel there."""
        fastest: dict[str, tuple[int, Step]] = {}
        for kernel, engine in self._willing(step):
            if engine.near != self.memory.name:
                continue  # what works at home works alone
            cycles = engine_cycles(engine, kernel, kernel.cycles(step.node.op, step.signature))
            if engine.name not in fastest or cycles < fastest[engine.name][0]:
                fastest[engine.name] = cycles, replace(step, kernel=kernel, engine=engine)
        return sorted(fastest.values(), key=lambda choice: choice[0])[:MOST_ENGINES]

    def _willing(self, step: Step) -> Iterator[tuple[Kernel, Engine]]:
        """Every kernel that takes the step, on engines that find what it reads."""
        pinned = {pin.engine for pin in self.pins if pin.engine and pin.name == step.node.name}
        for verdict in judge(step.node.op, step.signature, self.target):
            engine = verdict.engine
            is_allowed = pinned <= {engine.name} and self._may_run(step, engine)
            if verdict.refusal is None and is_allowed:
                yield verdict.kernel, engine

    def _may_run(self, step: Step, engine: Engine) -> bool:
        """Whether an engine works where activations lie, and finds the constants of a step."""
        constants = (name for name in step.node.inputs if name in self.places.constants)
        return self.places.is_usable(engine) and all(
            self.places.serves(engine, name) for name in constants
        )

    def _edge(self, cut: Cut, members: tuple[int, ...], need: int | None = None) -> Edge:
        """``need``: bytes near, where they are known."""
        shown, output = self.alive.shown, cut.steps[-1].node.output
        near: set[ValueName] = set()
        far: set[ValueName] = set()
        for name, hold in cut.group.holds.items():
            if name in self.graph.constants or name == output or name in cut.inner:
                continue
            (near if hold is Hold.DIRECT else far).add(shown.get(name, name))
        is_near = cut.group.holds[output] is Hold.DIRECT
        dying = frozenset(name for name in near if self._dies_with(name, members))
        if need is None:
            need = local_need(cut, self.alive, dying, is_near=is_near)
        makes = Near({output}) if is_near else Near()
        return Edge(cut, members, Near(near), Near(far), makes, dying, need)

    def _dies_with(self, name: ValueName, members: tuple[int, ...]) -> bool:
        """Whether no step that comes later in any case reads a tensor: in base order, or, where
        others stand between the members, in every order."""
        life = self.alive.lifetimes[name]
        if max(members) - min(members) == len(members) - 1:
            return life.stop <= max(members) + 1
        shown, steps = self.alive.shown, enumerate(self.steps)
        return all(
            index in members
            for index, step in steps
            if step.kernel is not None and name in {shown.get(n, n) for n in step.node.inputs}
        )


def _undominated(edges: list[Edge]) -> list[Edge]:
    """The ways that no other beats in bytes and in cycles."""
    kept: list[Edge] = []
    fewest: tuple[int, int] | None = None
    for edge in sorted(edges, key=lambda e: (e.bytes, e.cut.cycles, e.cut.moved)):
        cost = (edge.cut.cycles, edge.cut.moved)
        if fewest is None or cost < fewest:
            kept.append(edge)
            fewest = cost
    return kept


def _thinned(edges: list[Edge]) -> list[Edge]:
    """At most MOST_CUTS of those that no other beats."""
    return spread(_undominated(edges), MOST_CUTS)
