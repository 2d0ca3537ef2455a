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
from tilewright.midend.assign import judge
from tilewright.midend.choice.ways import Net, Tensors, Way, least_cycles, net_of, way_of
from tilewright.midend.memory.need import local_need
from tilewright.midend.pins import keeps_all
from tilewright.midend.places import Places
from tilewright.midend.tiling.cut import Cut, engine_cycles
from tilewright.midend.tiling.cuts import Cuts, spread
from tilewright.midend.tiling.fusible import beside_first, fusible, sums_and_finish

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
    net: Net = field(init=False)
    ways: tuple[Way, ...] = field(init=False)
    """By their first step; those between whose steps others stand in base order come last. The
    cut's span has the right length, no more."""

    def __post_init__(self) -> None:
        self.net = net_of(self.graph, self.steps, self.places, is_one_memory=False)
        cuts = Cuts(self.graph, self.places, self.net.alive.ends, self._shapes, self.is_lean)
        found = [way for members in self._runs() for way in self._candidates(cuts, members)]
        count = len(self.net.steps)
        found.sort(key=lambda way: min(way.members) if way.is_consecutive else count)
        self.ways = tuple(found)

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
    def _shapes(self) -> int:
        """How many tile shapes of one run are looked at."""
        return max(FEWEST_SHAPES, MOST_SHAPES // len(self.steps))

    def _runs(self) -> Iterator[tuple[int, ...]]:
        """All steps alone, and all runs of several."""
        yield from ((index,) for index in range(len(self.net.steps)))
        if len(self.steps) <= LARGE_NETWORK and self.effort.longest_run > 1:
            runs = fusible(self.graph, self.steps, self.effort.longest_run)
        else:
            runs = sums_and_finish(self.graph, self.steps)
        for run in runs:  # of all steps: views read, too
            yield tuple(self.net.makers[self.steps[i].node.output] for i in run)

    def _candidates(self, cuts: Cuts, members: tuple[int, ...]) -> list[Way]:
        by_near: dict[tuple[Tensors, bool], list[Way]] = {}
        for steps in self._variants(members):
            order = beside_first(steps)
            run = tuple(steps[i] for i in order)
            for way in self._ways(cuts, run, order, members[0]):
                by_near.setdefault((way.near, way.is_near), []).append(way)
        return [way for found in by_near.values() for way in self._thinned(found)]

    def _ways(
        self, cuts: Cuts, run: tuple[Step, ...], order: tuple[int, ...], first: int
    ) -> Iterator[Way]:
        """Those that keep to the pins; without any, of runs that differ in names alone the same
        ways are worth something, which are looked for once."""
        if self.pins:
            for cut in cuts.of(run, first):
                if keeps_all(self.pins, cut.steps, cut.group):
                    yield self._way(cut, order)
            return
        for cut, need in cuts.chosen(
            run, first, self._context(run, order), lambda found: self._front(found, order)
        ):
            yield self._way(cut, order, need)

    def _front(self, cuts: Sequence[Cut], order: tuple[int, ...]) -> Iterator[tuple[int, int]]:
        """(index, bytes near) of those that no other beats which finds the same tensors near."""
        ways = [self._way(cut, order) for cut in cuts]
        index = {id(way): i for i, way in enumerate(ways)}
        by_near: dict[tuple[Tensors, bool], list[Way]] = {}
        for way in ways:
            by_near.setdefault((way.near, way.is_near), []).append(way)
        for group in by_near.values():
            yield from ((index[id(way)], way.bytes) for way in self._undominated(group))

    def _context(self, run: Sequence[Step], order: tuple[int, ...]) -> Hashable:
        """What the bytes of a run's ways depend on, besides its kind: which of its values are views
        of one tensor, the sizes of these, and which of them nobody reads afterwards."""
        shown = self.net.alive.shown
        names = dict.fromkeys(name for step in run for name in step.node.inputs)
        tensors = [shown.get(n, n) for n in names if n not in self.graph.constants]
        made = {step.node.output for step in run}
        return tuple(
            (tensors.index(t), t in made or (self.net.alive.size(t), self._dies_with(t, order)))
            for t in tensors
        )

    def _variants(self, members: tuple[int, ...]) -> Iterator[dict[int, Step]]:
        """The plan's steps; a single one on every other engine, and lean; several on every mix of
        the engines that are fastest for each."""
        if len(members) > 1:
            yield from self._mixes(members)
            return
        index = min(members)
        step = self.net.steps[index]
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
        choices = [self._on_engines(self.net.steps[index]) for index in members]
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

    def _way(self, cut: Cut, members: tuple[int, ...], need: int | None = None) -> Way:
        """``need``: bytes near, where they are known."""
        way = way_of(self.net, cut)
        dying = frozenset(name for name in way.near if self._dies_with(name, members))
        if need is None:
            need = local_need(cut, self.net.alive, dying, is_near=way.is_near)
        return replace(way, dying=dying, bytes=need)

    def _dies_with(self, name: ValueName, members: tuple[int, ...]) -> bool:
        """Whether no step that comes later in any case reads a tensor: in base order, or, where
        others stand between the members, in every order."""
        if max(members) - min(members) == len(members) - 1:
            return self.net.last_use(name) <= max(members)
        return all(reader in members for reader in self.net.readers[name])

    def _undominated(self, ways: list[Way]) -> list[Way]:
        """The ways that no other beats in bytes and in cycles: without early transfers, or at best
        with them. A whole layer whose constants come with the run before may be the fastest of all,
        and without that the slowest."""
        alone = _front(ways, [way.cycles for way in ways])
        early = _front(ways, [least_cycles(self.net, way) for way in ways])
        return [way for i, way in enumerate(ways) if i in alone or i in early]

    def _thinned(self, ways: list[Way]) -> list[Way]:
        """At most MOST_CUTS of those that no other beats, from the smallest to the largest."""
        kept = sorted(self._undominated(ways), key=lambda way: way.bytes)
        return spread(kept, MOST_CUTS)


def _front(ways: Sequence[Way], cycles: Sequence[int]) -> set[int]:
    """Indices of the ways that no other beats in bytes and in these cycles."""
    kept: set[int] = set()
    fewest: tuple[int, int] | None = None
    order = sorted(range(len(ways)), key=lambda i: (ways[i].bytes, cycles[i], ways[i].cut.moved))
    for i in order:
        cost = (cycles[i], ways[i].cut.moved)
        if fewest is None or cost < fewest:
            kept.add(i)
            fewest = cost
    return kept
