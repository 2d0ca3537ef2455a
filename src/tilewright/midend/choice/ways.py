"""Ways: cuts as the search sees them, among all tensors and in an order.

A candidate is one way; it becomes several where it is open which of its inputs die with it (the
issue order says), and which transfers start early. What one way needs and does is known here, so
that the problem itself is only a choice among ways, of where tensors lie, and of an order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Step
from tilewright.ir.tiling import Hold
from tilewright.midend.dataflow import working_predecessors
from tilewright.midend.memory.lifetimes import activation_reads, storage_of, whole_lifetimes
from tilewright.midend.memory.need import Alive, local_need
from tilewright.midend.places import Places
from tilewright.midend.tiling.cut import Cut, whole_cut
from tilewright.midend.tiling.growing import growing_tensors
from tilewright.midend.tiling.travel import Schedule, Travel

Tensors = frozenset[ValueName]

NONE = Tensors()

MOST_OPEN = 2
"""Inputs of a run for which every choice of those that die is a way; of more, all or none."""

NEVER = 1 << 40
"""Cycles that no network takes."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to compute a run; tensors by the value that owns the bytes.

    members      its steps as indices into all steps: in base order where that is the issue order,
                 otherwise in the order of the run
    near, far    inputs that it wants there
    makes        its output
    is_near      whether the output lies near
    dying        near inputs of which the run is the last reader
    bytes        near memory for itself, for what dies with it, and for its output
    cycles       on the clock, where early transfers are over when it begins
    early        tensors whose first transfers start with the run before
    borrowed     those of them that other runs make: the run directly before may not be one of those
    early_bytes  of their buffers, which are in use from then on
    ahead        queue → cycles of the early transfers
    idle         queue → cycles that it can work for the run after this one at no cost, once
                 ``starts`` has looked; queues that this run does not use are idle all the time
    """

    cut: Cut
    members: tuple[int, ...]
    near: Tensors
    far: Tensors
    makes: ValueName
    is_near: bool
    dying: Tensors
    bytes: int
    cycles: int
    early: Tensors
    borrowed: Tensors
    early_bytes: int
    ahead: Mapping[str, int]
    idle: Mapping[str, int]

    @property
    def is_consecutive(self) -> bool:
        """Whether its steps follow one another in base order."""
        return max(self.members) - min(self.members) == len(self.members) - 1

    @property
    def stop(self) -> int:
        """The step behind it, where its steps follow one another."""
        return max(self.members) + 1

    @property
    def inner(self) -> Tensors:
        """Tensors that are whole nowhere."""
        return self.cut.inner

    def idle_on(self, queue: str) -> int:
        """Cycles that a queue can work for the run after this one at no cost."""
        return self.idle.get(queue, self.cycles)

    @property
    def place(self) -> tuple[object, ...]:
        """What a way must have in common with another to be compared with it."""
        return self.members, self.near, self.far, self.is_near, self.dying, self.borrowed


@dataclass(frozen=True)
class Net:
    """The steps that compute something, and who reads what. No slots, because of cached sets.

    steps          all steps in base order, views left out
    alive          sizes of tensors
    is_one_memory  whether everything lies near; otherwise inputs and outputs lie far
    at_start       what lies near when the first of the steps begins
    """

    graph: Graph
    steps: tuple[Step, ...]
    alive: Alive
    is_one_memory: bool
    at_start: Tensors = NONE

    @cached_property
    def makers(self) -> dict[ValueName, int]:
        """Tensor → the step that makes it; inputs of the network are not there."""
        return {step.node.output: index for index, step in enumerate(self.steps)}

    @cached_property
    def reads(self) -> tuple[Tensors, ...]:
        """Per step, the tensors that it reads or reads a view of."""
        shown = dict(self.alive.shown)
        return tuple(frozenset(activation_reads(self.graph, s, shown)) for s in self.steps)

    @cached_property
    def readers(self) -> dict[ValueName, tuple[int, ...]]:
        """Tensor → the steps that read it."""
        readers: dict[ValueName, tuple[int, ...]] = {t: () for t in self.tensors}
        for index, reads in enumerate(self.reads):
            for tensor in sorted(reads):
                readers[tensor] = (*readers[tensor], index)
        return readers

    @cached_property
    def tensors(self) -> tuple[ValueName, ...]:
        """Everything that is whole somewhere, in order of birth."""
        return (*self.graph.inputs, *self.makers)

    @cached_property
    def kept(self) -> Tensors:
        """Tensors that live to the end."""
        shown = self.alive.shown
        return frozenset(shown.get(name, name) for name in self.graph.outputs)

    def last_use(self, tensor: ValueName) -> int:
        """The last step of the base order that needs it; after all steps for what is kept."""
        if tensor in self.kept:
            return len(self.steps)
        readers = self.readers[tensor]
        return readers[-1] if readers else -1


    def after(self, way: Way, near: Tensors, limit: int) -> Tensors | None:
        """What lies near after a way, in base order; None where it does not go with what lies near
        before it, or all that together needs more than ``limit`` bytes."""
        if not way.near <= near or way.far & near:
            return None
        if way.bytes + self.alive.bytes(near - way.dying) > limit:
            return None
        made = near | {way.makes} if way.is_near else near
        return frozenset(name for name in made if self.last_use(name) >= way.stop)

    @cached_property
    def before(self) -> tuple[frozenset[int], ...]:
        """Per step, all steps that must come before it."""
        needed = working_predecessors(self.graph.nodes)
        found: list[frozenset[int]] = []
        for step in self.steps:
            direct = frozenset(self.makers[name] for name in needed[step.node.output])
            found.append(direct.union(*(found[index] for index in direct)))
        return tuple(found)


def net_of(graph: Graph, steps: Sequence[Step], places: Places, *, is_one_memory: bool) -> Net:
    """``steps``: all of them in base order, views included."""
    whole = [whole_cut(time, step) for time, step in enumerate(steps)]
    near = places.near
    alive = Alive(graph, storage_of(steps), whole_lifetimes(graph, whole), near.name, near.align)
    working = tuple(step for step in steps if step.kernel is not None)
    begin = next((time for time, step in enumerate(steps) if step.kernel is not None), 0)
    there = Tensors(alive.at_entry(begin)) if is_one_memory else NONE
    return Net(graph, working, alive, is_one_memory, there)


def way_of(net: Net, cut: Cut) -> Way:
    """A cut as a way without early transfers, before it is known which of its inputs die with it
    and how many bytes it needs."""
    members = tuple(net.makers[step.node.output] for step in cut.steps)
    output, shown = cut.steps[-1].node.output, net.alive.shown
    near: set[ValueName] = set()
    far: set[ValueName] = set()
    for name, hold in cut.group.holds.items():
        if name in net.graph.constants or name == output or name in cut.inner:
            continue
        (near if hold is Hold.DIRECT else far).add(shown.get(name, name))
    return Way(
        cut=cut, members=members, near=Tensors(near), far=Tensors(far), makes=output,
        is_near=cut.group.holds[output] is Hold.DIRECT, dying=NONE, bytes=0,
        cycles=cut.cycles, early=Tensors(), borrowed=Tensors(), early_bytes=0, ahead={}, idle={},
    )  # fmt: skip


def endings(net: Net, way: Way, *, is_free: bool) -> Iterator[Way]:
    """The way with every choice of which near inputs die with it.

    is_free  whether the issue order is open; otherwise it is the base order, and so is that of the
             way's members
    """
    if not is_free:
        way = replace(way, members=tuple(sorted(way.members)))
    always: set[ValueName] = set()
    open_: list[ValueName] = []
    last = way.members[-1]
    for tensor in sorted(way.near - net.kept):
        others = [r for r in net.readers[tensor] if r not in way.members]
        if is_free:
            if any(member in net.before[r] for r in others for member in way.members):
                continue
            if all(r in net.before[last] for r in others):
                always.add(tensor)
            else:
                open_.append(tensor)
        elif all(r < last for r in others):
            always.add(tensor)
    sizes = range(len(open_) + 1) if len(open_) <= MOST_OPEN else (0, len(open_))
    for size in sizes:
        for chosen in combinations(open_, size):
            dying = frozenset((*always, *chosen))
            if way.bytes and dying == way.dying:
                yield way
                continue
            need = local_need(way.cut, net.alive, dying, is_near=way.is_near)
            yield replace(way, dying=dying, bytes=need)


def starts(net: Net, way: Way) -> Iterator[Way]:
    """The way as it is, then with transfers that start with the run before it.

    Small tensors first, as they cost little memory; constants before what another run makes.
    """
    yield replace(way, idle=_idle(way.cut, NONE, way.cycles))
    schedule = way.cut.schedule
    if schedule is None:
        return
    constants, others = _may_be_early(net, way, schedule)
    few = constants[: len(constants) - 1]
    seen: set[Tensors] = set()
    for chosen in (few[: len(few) // 2], few, constants, [*constants, *others]):
        early = frozenset(travel.name for travel in chosen)
        if not early or early in seen:
            continue
        seen.add(early)
        cycles = schedule.cycles(early)
        if cycles < way.cycles:
            shown = net.alive.shown
            yield replace(
                way, cycles=cycles, early=early, ahead=_ahead(chosen),
                idle=_idle(way.cut, early, cycles),
                borrowed=frozenset(shown.get(name, name) for name in early) & way.far,
                early_bytes=sum(net.alive.rounded(way.cut.parts[t.name]) for t in chosen),
            )  # fmt: skip


def least_cycles(net: Net, way: Way) -> int:
    """No early transfers make the way faster than that."""
    schedule = way.cut.schedule
    if schedule is None:
        return way.cycles
    constants, others = _may_be_early(net, way, schedule)
    return way.cycles - sum(travel.cycles[0] for travel in (*constants, *others))


def _may_be_early(net: Net, way: Way, schedule: Schedule) -> tuple[list[Travel], list[Travel]]:
    """(constants, other inputs) whose first part may travel before the run begins.

    What the run directly before makes is not there yet; the problem sees to that.
    """
    shown, states = net.alive.shown, {state.before for state in net.graph.states}
    # The first part of what grows may be all of it: its own run knows how long it is.
    shorter = growing_tensors(way.cut.steps) if way.cut.group.order else {}
    loads = [
        t
        for t in schedule.travels
        # Which run changes a state last is not known here.
        if not t.is_stored
        and t.cycles[0]
        and not t.relays
        and t.name not in shorter
        and shown.get(t.name, t.name) not in states
    ]
    loads.sort(key=lambda t: (way.cut.parts[t.name], t.name))
    constants = [t for t in loads if t.name in net.graph.constants]
    return constants, [t for t in loads if t.name not in net.graph.constants]


def _ahead(travels: Iterable[Travel]) -> dict[str, int]:
    ahead: dict[str, int] = {}
    for travel in travels:
        ahead[travel.queue] = ahead.get(travel.queue, 0) + travel.cycles[0]
    return ahead


def _idle(cut: Cut, early: Tensors, alone: int) -> dict[str, int]:
    if cut.schedule is None:
        return {}
    queues = {travel.queue for travel in cut.schedule.travels}
    return {queue: cut.schedule.idle(early, queue, alone) for queue in sorted(queues)}


def delay(way: Way, following: Way) -> int:
    """Cycles by which the early transfers of the run that follows make a run longer."""
    return max(
        (max(cycles - way.idle_on(queue), 0) for queue, cycles in following.ahead.items()),
        default=0,
    )


def undominated(ways: Sequence[Way]) -> list[Way]:
    """Those that no other way beats or equals in everything, in the order given."""
    groups: dict[tuple[object, ...], list[Way]] = {}
    for way in ways:
        groups.setdefault(way.place, []).append(way)
    most = most_ahead(ways)
    return [way for group in groups.values() for way in _front(group, most)]


def most_ahead(ways: Iterable[Way]) -> dict[str, int]:
    """Queue → cycles of early transfers of one way, at most: more idle time is worth nothing."""
    most: dict[str, int] = {}
    for way in ways:
        for queue, cycles in way.ahead.items():
            most[queue] = max(most.get(queue, 0), cycles)
    return most


def _front(ways: Sequence[Way], most: Mapping[str, int]) -> list[Way]:
    kept: list[tuple[tuple[int, ...], Way]] = []
    costed = [
        (
            (
                way.cycles, way.bytes, way.cut.moved, way.early_bytes,
                *(way.ahead.get(queue, 0) for queue in most),
                *(-min(way.idle_on(queue), top) for queue, top in most.items()),
            ),
            way,
        )
        for way in ways
    ]  # fmt: skip
    for cost, way in sorted(costed, key=lambda item: item[0]):
        if not any(all(a <= b for a, b in zip(o, cost, strict=True)) for o, _ in kept):
            kept.append((cost, way))
    return [way for _, way in kept]
