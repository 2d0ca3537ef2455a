"""The one constraint problem: how every run is computed, where every tensor lies, in which order.

    a literal per way           every step is in exactly one way that is taken
    a literal per tensor        near or far; ways agree with it
    a position per step         where data flow leaves the order open
    a row per step and memory   what is alive fits
    a delay per step            cycles that transfers which start early make the run before longer

    minimise cycles, then bytes moved, then runs, then near memory

Addresses are found afterwards. Where they cannot be found, the plan is forbidden (``NoGood``).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from tilewright.ir.graph import ValueName
from tilewright.midend.choice.joint_memory import Rows, ways_over
from tilewright.midend.choice.joint_order import Order, negated
from tilewright.midend.choice.ways import Net, Way, delay, most_ahead
from tilewright.midend.solve import Conflict, Model, Solved, Unknown

if TYPE_CHECKING:
    from tilewright.midend.choice.joint_memory import Term
    from tilewright.midend.choice.joint_order import Truth
    from tilewright.midend.solve import Linear, Literal, Variable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NoGood:
    """These ways cannot be taken together while these tensors lie near, in this order.

    ways     indices of ways
    near     tensors
    earlier  (step, other step): the first comes before the second
    """

    ways: frozenset[int]
    near: frozenset[ValueName]
    earlier: frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Choice:
    """A solution.

    ways    indices of the ways that are taken, in issue order
    cycles  of all, with what early transfers cost
    bound   no other choice takes fewer cycles
    """

    ways: tuple[int, ...]
    cycles: int
    bound: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What to choose from, and what must hold.

    least                    per way, cycles of any plan with it at least
    near_limits, far_limits  bytes per step; None: no limit
    is_free                  whether the issue order is open where data flow leaves it so
    """

    net: Net
    ways: Sequence[Way]
    least: Sequence[int]
    near_limits: Sequence[int] | None
    far_limits: Sequence[int] | None = None
    is_free: bool = False
    no_goods: tuple[NoGood, ...] = ()
    near: str = "near memory"
    far: str = "far memory"


def choose(problem: Problem, hint: Choice | None, effort: float) -> Choice | Conflict | Unknown:
    """The fastest choice that was found within ``effort``."""
    joint = Joint(problem, hint)
    joint.post()
    solved = joint.fastest(effort)
    return joint.choice(solved) if isinstance(solved, Solved) else solved


def lean(problem: Problem, fastest: Choice, effort: float) -> Choice:
    """Of the choices that take as few cycles, one that moves few bytes, in few runs, and needs
    little memory."""
    joint = Joint(problem, fastest)
    joint.post()
    solved = joint.leanest(fastest.cycles, effort)
    if not isinstance(solved, Solved):
        return fastest
    return replace(fastest, ways=joint.choice(solved).ways)


@dataclass
class Joint:
    """The model of a problem. Not frozen: it is under construction."""

    problem: Problem
    hint: Choice | None
    model: Model = field(init=False, default_factory=Model)
    taken: "list[Variable]" = field(init=False)
    near: "dict[ValueName, Variable]" = field(init=False, default_factory=dict)
    order: Order = field(init=False)
    delays: "list[Variable]" = field(init=False, default_factory=list)
    tops: "list[Linear]" = field(init=False, default_factory=list)
    far_tops: "list[Linear]" = field(init=False, default_factory=list)
    _over: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        problem, hint = self.problem, self.hint
        chosen = None if hint is None else set(hint.ways)
        self.taken = [
            self.model.literal(None if chosen is None else i in chosen)
            for i in range(len(problem.ways))
        ]
        count = range(len(problem.net.steps))
        self._over = ways_over(len(problem.net.steps), problem.ways)
        before = count if hint is None else [s for i in hint.ways for s in problem.ways[i].members]
        self.order = Order(self.model, problem.net, [*before], is_free=problem.is_free)

    def post(self) -> None:
        """Everything but the objective."""
        self._cover()
        self._reside()
        for way, taken in zip(self.problem.ways, self.taken, strict=True):
            if self.problem.is_free:
                self.order.together(way, taken)
                for tensor in way.dying:
                    self._last(tensor, way, taken)
        early = _Early(self)
        self.delays = early.post()
        self._rows(early)
        for no_good in self.problem.no_goods:
            self._forbid(no_good)

    def fastest(self, effort: float) -> Solved | Conflict | Unknown:
        """Minimise cycles."""
        cycles = self._cycles()
        self.model.minimise(cycles)
        return self.model.solve(self.wish, effort, is_linear=True, progress=_say, explains=False)

    def leanest(self, cycles: int, effort: float) -> Solved | Conflict | Unknown:
        """Minimise bytes moved, then runs, then near memory, in as many cycles."""
        self.model.keep(self._cycles() <= cycles)
        for taken, least in zip(self.taken, self.problem.least, strict=True):
            if least > cycles:
                self.model.keep_any([~taken])
        most = len(self.problem.net.steps) + 1
        moved = self._each([way.cut.moved * most + 1 for way in self.problem.ways])
        limits = self.problem.near_limits
        if limits is None:
            self.model.minimise(self.model.total(moved))
        else:
            top = self.model.variable(0, max(limits))
            for used in self.tops:
                self.model.keep(used <= top)
            self.model.minimise(self.model.total(moved) * (max(limits) + 1) + top)
        return self.model.solve(self.wish, effort, is_linear=True, explains=False)

    def choice(self, solved: Solved) -> Choice:
        """What a solution says."""
        count = len(self.taken)
        chosen = [i for i in range(count) if solved.values[i]]
        position = solved.values[count:] or range(len(self.problem.net.steps))
        chosen.sort(key=lambda i: position[self.problem.ways[i].members[0]])
        return Choice(tuple(chosen), solved.objective, solved.bound)

    @property
    def wish(self) -> "list[Variable]":
        """What ``choice`` reads."""
        return [*self.taken, *self.order.wish]

    def _cycles(self) -> "Linear":
        delays = [(late, 1) for late in self.delays]
        return self.model.total([*delays, *self._each([w.cycles for w in self.problem.ways])])

    def hinted_delay(self, step: int) -> int | None:
        """Of the run before a step, by the hint."""
        if self.hint is None:
            return None
        ways = [self.problem.ways[index] for index in self.hint.ways]
        pairs = pairwise(ways)
        return next((delay(one, two) for one, two in pairs if two.members[0] == step), 0)

    def _each(self, factors: Sequence[int]) -> "list[Term]":
        """A number per way that is taken."""
        return [*zip(self.taken, factors, strict=True)]

    def covering(self, step: int) -> "list[tuple[Way, Variable]]":
        """The ways that a step may be part of."""
        ways = self.problem.ways
        return [(ways[index], self.taken[index]) for index in self._over[step]]

    def _cover(self) -> None:
        for step in range(len(self.problem.net.steps)):
            self.model.keep_one([taken for _, taken in self.covering(step)])

    def _reside(self) -> None:
        """A tensor lies where its maker leaves it, and every reader finds it there."""
        net = self.problem.net
        for tensor in net.tensors:
            maker, is_end = net.makers.get(tensor), tensor in net.alive.ends
            if maker is None or (is_end and not net.is_one_memory):
                lies = int(net.is_one_memory)
                self.near[tensor] = self.model.variable(lies, lies)
            else:
                self.near[tensor] = self.model.literal(self._hinted_near(tensor))
                makes = [t for w, t in self.covering(maker) if w.makes == tensor and w.is_near]
                self.model.keep(sum(makes) == self.near[tensor])
            for reader in net.readers[tensor]:
                covering = self.covering(reader)
                near = [taken for way, taken in covering if tensor in way.near]
                if not net.is_one_memory or maker is None:
                    self.model.keep(sum(near) == self.near[tensor])
                else:
                    inside = [taken for way, taken in covering if tensor in way.inner]
                    self.model.keep_one([*near, *inside])

    def _hinted_near(self, tensor: ValueName) -> bool | None:
        if self.hint is None:
            return None
        ways = (self.problem.ways[index] for index in self.hint.ways)
        return any(way.makes == tensor and way.is_near for way in ways)

    def _last(self, tensor: ValueName, way: Way, taken: "Variable") -> None:
        """Other readers of what dies with a way come before it."""
        for reader in self.problem.net.readers[tensor]:
            if reader not in way.members:
                self.model.keep_any([~taken, self.order.before(reader, way.members[0])])

    def _rows(self, early: "_Early") -> None:
        problem, net = self.problem, self.problem.net
        rows = Rows(
            self.model, net, self.order, problem.ways, self.taken,
            dict(self.near),
        )  # fmt: skip
        for step in range(len(net.steps)):
            used = self.model.total([*rows.near(step), *early.bytes_behind(step)])
            self.tops.append(used)
            if problem.near_limits is not None:
                limit = problem.near_limits[step]
                self.model.need(used <= limit, _reason(problem.near, limit, net, step))
        if problem.far_limits is not None:
            self._far_rows(problem.far_limits)

    def _far_rows(self, limits: Sequence[int]) -> None:
        """Rows of the far memory; ``limits`` may be larger than anything that is needed."""
        problem, net = self.problem, self.problem.net
        lies: dict[ValueName, Variable] = {}
        for tensor in net.tensors:
            maker = net.makers.get(tensor)
            if maker is None:
                lies[tensor] = self.model.variable(1, 1)
                continue
            lies[tensor] = self.model.literal()
            stored = [t for w, t in self.covering(maker) if w.makes == tensor and not w.is_near]
            self.model.keep(sum(stored) == lies[tensor])
        rows = Rows(self.model, net, self.order, problem.ways, self.taken, lies)
        for step, limit in enumerate(limits):
            used = self.model.total([*rows.far(step)])
            self.far_tops.append(used)
            self.model.need(used <= limit, _reason(problem.far, limit, net, step))

    def _forbid(self, no_good: NoGood) -> None:
        literals: list[Literal] = [~self.taken[i] for i in sorted(no_good.ways)]
        literals += [~self.near[tensor] for tensor in sorted(no_good.near)]
        for a, b in sorted(no_good.earlier):
            side = self.order.before(b, a)
            literals.append(side)
        self.model.keep_any(literals)


@dataclass
class _Early:
    """Transfers that start with the run before. Not frozen: terms are made on the way.

    behind  step → bytes of buffers that are in use already while it is computed
    """

    joint: Joint
    behind: "dict[int, list[tuple[Variable, int]]]" = field(init=False, default_factory=dict)

    def bytes_behind(self, step: int) -> "list[tuple[Variable, int]]":
        """Terms of the row of a step that is the last of its run."""
        return self.behind.get(step, [])

    def post(self) -> "list[Variable]":
        """The delays, one per step before which transfers may start."""
        joint = self.joint
        delays: list[Variable] = []
        most = most_ahead(joint.problem.ways)
        for step in range(len(joint.problem.net.steps)):
            starting = [
                (way, taken) for way, taken in joint.covering(step)
                if way.members[0] == step and way.early
            ]  # fmt: skip
            if not starting:
                continue
            options = joint.order.directly_before(step)
            if not any(is_it is True for _, is_it in options):
                for _, taken in starting:
                    joint.model.keep_any([~taken, *(is_it for _, is_it in options)])
            late = joint.model.variable(0, sum(most.values()), joint.hinted_delay(step))
            delays.append(late)
            for other, is_it in options:
                self._between(starting, other, is_it, late, most)
        return delays

    def _between(
        self, starting: "Sequence[tuple[Way, Variable]]", other: int, is_it: "Truth",
        late: "Variable", most: Mapping[str, int],
    ) -> None:  # fmt: skip
        """What holds if ``other`` is the last step of the run before."""
        model, ends = self.joint.model, self.joint.covering(other)
        ends = [(way, taken) for way, taken in ends if way.members[-1] == other]
        given = () if isinstance(is_it, bool) else (is_it,)
        for queue, top in most.items():
            ahead = [(taken, way.ahead.get(queue, 0)) for way, taken in starting]
            idle = [(taken, -min(way.idle_on(queue), top)) for way, taken in ends]
            model.keep(model.total([*ahead, *idle]) <= late, *given)
        for way, taken in starting:
            if self.joint.problem.net.steps[other].node.output in way.borrowed:
                model.keep_any([~taken, negated(is_it)])
        if is_it is True:
            self.behind.setdefault(other, []).extend((t, w.early_bytes) for w, t in starting)
            return
        largest = max(way.early_bytes for way, _ in starting)
        size = model.variable(0, largest)
        needed = model.total([(taken, way.early_bytes) for way, taken in starting])
        model.keep(needed <= size, is_it)
        self.behind.setdefault(other, []).append((size, 1))


def _reason(memory: str, limit: int, net: Net, step: int) -> str:
    return f"{memory} holds {limit:,} B while {net.steps[step].node.name} is computed"


def _say(cycles: int, bound: int) -> None:
    log.info("planning: %d cycles found, at least %d needed", cycles, max(bound, 0))
