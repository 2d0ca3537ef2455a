"""From candidates to the fastest plan that fits: bounds, the joint problem, places, and what is
forbidden when places cannot be found.

The plan to begin with comes from a shortest path. Where bounds prove it optimal, nothing is solved.
Otherwise every solution of the joint problem is placed; one that has no places makes the problem
smaller, and it is solved again.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tilewright.ir.plan import Plan, Proof, Step
from tilewright.ir.target import Memory, Target
from tilewright.midend.choice.bounds import Relaxed, least_in_any_order
from tilewright.midend.choice.hints import fastest_with_early, with_early
from tilewright.midend.choice.joint import Choice, Problem, choose, lean
from tilewright.midend.choice.no_goods import Misplaced, tighter, without
from tilewright.midend.choice.sequence import cycles_of, sequence
from tilewright.midend.choice.ways import (
    NEVER,
    Net,
    Way,
    endings,
    least_cycles,
    starts,
    undominated,
)
from tilewright.midend.memory.allocate import place
from tilewright.midend.memory.lifetimes import demand
from tilewright.midend.places import Places

log = logging.getLogger(__name__)

MOST_PLACEMENTS = 6
"""Placements to try for one problem."""

MOST_NO_GOODS = 3
"""After so many choices that found no places, there is less memory for all."""

MOST_FREE_STEPS = 60
"""Steps of a network whose issue order is open; in larger ones the base order is kept."""

Path = Callable[[int], tuple[Way, ...] | None]
"""From a limit to the fastest ways in base order of which no run needs more."""


@dataclass(frozen=True, slots=True)
class Found:
    """A plan that fits, and the ways that it is made of."""

    ways: tuple[Way, ...]
    plan: Plan
    cycles: int

    @property
    def cost(self) -> tuple[int, int]:
        """Cycles, then bytes moved."""
        return self.cycles, sum(way.cut.moved for way in self.ways)


@dataclass(frozen=True, slots=True)
class Search:
    """What to choose from.

    steps       all steps in base order, views included
    candidates  without views
    path        the shortest path over them
    effort      deterministic time of one solve
    """

    net: Net
    steps: tuple[Step, ...]
    places: Places
    candidates: Sequence[Way]
    path: Path
    effort: float

    @property
    def memory(self) -> Memory:
        """The near memory."""
        return self.places.near

    def fastest(self) -> Plan | None:
        """The fastest plan that was found to fit, with its proof; None where none was found."""
        hint = self._hint()
        found, bound = self._in_base_order(hint)
        if self._is_open:
            if self.effort and len(self.net.steps) <= MOST_FREE_STEPS:
                found, bound = self._in_any_order(found)
            else:
                bound = min(bound, self._least_in_any_order())
        if found is None:
            return None
        cuts = sequence(self.net, self.steps, found.ways)
        plan = place(self.net.graph, cuts, self.places)
        return replace(plan, proof=Proof(found.cycles, min(bound, found.cycles)))

    @property
    def _size(self) -> int:
        room = self.places.room(self.memory)
        return NEVER if room is None else room

    @property
    def _limits(self) -> list[int]:
        return [self._size] * len(self.net.steps)

    @property
    def _far_limits(self) -> list[int] | None:
        room = self.places.room(self.places.home)
        if self.net.is_one_memory or room is None:
            return None
        return [room] * len(self.net.steps)

    @property
    def _is_open(self) -> bool:
        """Whether data flow leaves an order open, and there is something to choose from."""
        before = self.net.before
        ordered = sum(map(len, before))
        return bool(self.candidates) and ordered < len(before) * (len(before) - 1) // 2

    def _least_in_any_order(self) -> int:
        costs = [least_cycles(self.net, way) for way in self.candidates]
        return min(least_in_any_order(len(self.net.steps), self.candidates, costs))

    def _placed(self, ways: Sequence[Way]) -> tuple[Plan, Memory | None]:
        """(plan, the memory that is too small for it)"""
        cuts = sequence(self.net, self.steps, ways)
        plan = place(self.net.graph, cuts, self.places, is_draft=True)
        return plan, too_small(plan, self.places.target)

    def _hint(self) -> Found | None:
        """The fastest path that finds places, with early transfers where there is room."""
        limit = self._size
        for attempt in range(MOST_PLACEMENTS):
            path = self.path(limit)
            if path is None:
                return None
            plan, short = self._placed(path)
            if short is None:
                return self._earlier(Found(path, plan, cycles_of(path)))
            if short.name != self.memory.name or short.size is None:
                return None
            # Twice as much each time: runs that follow one another may leave gaps for good.
            limit -= (plan.used(short.name) - short.size) << attempt
        return None

    def _earlier(self, found: Found) -> Found:
        """With transfers that start early, as many as find places."""
        for share in (4, 3, 2, 1):
            limit = self._size * share // 4
            ways = with_early(self.net, found.ways, limit)
            if not any(way.early for way in ways):
                return found
            plan, short = self._placed(ways)
            if short is None:
                return Found(ways, plan, cycles_of(ways))
        return found

    def _better(self, ways: Sequence[Way], hint: Found | None) -> Found | None:
        """The fastest sequence of ways with their early transfers that finds places, where it is
        faster than ``hint``."""
        for share in (8, 7, 6):
            path = fastest_with_early(self.net, ways, self._size * share // 8)
            if path is None or (hint is not None and cycles_of(path) >= hint.cycles):
                return hint
            plan, short = self._placed(path)
            if short is None:
                return Found(path, plan, cycles_of(path))
        return hint

    def _in_base_order(self, hint: Found | None) -> tuple[Found | None, int]:
        """(the fastest plan in base order, bound)"""
        most = NEVER - 1 if hint is None else hint.cycles
        together = [way for way in self.candidates if way.is_consecutive]
        ways = [other for way in together for other in endings(self.net, way, is_free=False)]
        costs = [least_cycles(self.net, way) for way in ways]
        each = Relaxed(self.net, ways, self._limits).least(costs)
        least, ways = min(each, default=0), fast_enough(ways, each, most)
        if not (self.effort and ways) or (hint is not None and hint.cycles <= least):
            return hint, least
        ways = undominated([other for way in ways for other in starts(self.net, way)])
        each = Relaxed(self.net, ways, self._limits).least_priced()
        least = min(each, default=0)
        log.info("planning: %d ways, at least %d cycles", len(ways), least)
        if hint is not None and hint.cycles <= least:
            return hint, least
        hint = self._better(ways, hint)
        problem = self._problem(ways, each, most if hint is None else hint.cycles)
        found, bound = self._solve(problem, hint)
        return found, max(bound, least)

    def whole_problem(self) -> Problem:
        """Everything that there is to choose from, without early transfers."""
        is_free = self._is_open and len(self.net.steps) <= MOST_FREE_STEPS
        ways = [
            other for way in self.candidates if is_free or way.is_consecutive
            for other in endings(self.net, way, is_free=is_free)
        ]  # fmt: skip
        return replace(self._problem(ways, [0] * len(ways), 0), is_free=is_free)

    def _problem(self, ways: Sequence[Way], least: Sequence[int], most: int) -> Problem:
        """The ways that may be part of a plan of so many cycles."""
        near, far = self.memory, self.places.home.name
        limits = None if near.size is None else self._limits
        kept = [cycles for cycles in least if cycles <= most]
        return Problem(
            self.net, fast_enough(ways, least, most), kept, limits, self._far_limits,
            near=near.name, far=far,
        )  # fmt: skip

    def _in_any_order(self, found: Found | None) -> tuple[Found | None, int]:
        """(the fastest plan in any order, bound)"""
        most, count = NEVER - 1 if found is None else found.cycles, len(self.net.steps)
        ways = [other for way in self.candidates for other in endings(self.net, way, is_free=True)]
        each = least_in_any_order(count, ways, [least_cycles(self.net, way) for way in ways])
        ways = fast_enough(ways, each, most)
        ways = undominated([other for way in ways for other in starts(self.net, way)])
        each = least_in_any_order(count, ways, [way.cycles for way in ways])
        least = min(each, default=0)
        if most <= least:
            return found, least
        problem = replace(self._problem(ways, each, most), is_free=True)
        log.info("planning: %d ways in any order, at least %d cycles", len(problem.ways), least)
        better, bound = self._solve(problem, found)
        return better, max(bound, least)

    def _solve(self, problem: Problem, found: Found | None) -> tuple[Found | None, int]:
        """(the best plan that finds places, bound of the problem)"""
        bound: int | None = None
        hint = None
        if found is not None:
            problem, hint = with_hint(problem, found)
        for attempt in range(MOST_PLACEMENTS):
            effort = self.effort / (attempt + 1)
            choice = choose(problem, hint, effort)
            if not isinstance(choice, Choice):
                break
            bound = choice.bound if bound is None else bound
            if choice.cycles <= choice.bound:
                choice = lean(problem, choice, effort)
            ways = tuple(problem.ways[i] for i in choice.ways)
            plan, short = self._placed(ways)
            better = Found(ways, plan, choice.cycles)
            if found is not None and better.cost >= found.cost:
                break
            if short is None:
                found = better
                break
            misplaced = self._misplaced(choice, ways, plan, short)
            smaller = without if attempt < MOST_NO_GOODS else tighter
            problem = smaller(problem, misplaced)
        return found, bound or 0

    def _misplaced(
        self, choice: Choice, ways: Sequence[Way], plan: Plan, short: Memory
    ) -> Misplaced:
        cuts = sequence(self.net, self.steps, ways)
        wanted = demand(self.net.graph, cuts, self.places)
        working = tuple(cut.span for cut in cuts if cut.steps[0].kernel is not None)
        mine = tuple(buffer for buffer in plan.buffers if buffer.memory == short.name)
        room = replace(short, size=self.places.room(short))
        return Misplaced(choice, room, working, mine, wanted.leaves)


def fast_enough(ways: Sequence[Way], least: Sequence[int], most: int) -> list[Way]:
    """Those that may be part of a plan of so many cycles."""
    return [way for way, cycles in zip(ways, least, strict=True) if cycles <= most]


def with_hint(problem: Problem, found: Found) -> tuple[Problem, Choice]:
    """The problem, which knows the ways of a plan for certain, and the plan as a choice of it."""
    ways = list(problem.ways)
    known = {_key(way): index for index, way in enumerate(ways)}
    chosen: list[int] = []
    for way in found.ways:
        if _key(way) not in known:
            known[_key(way)] = len(ways)
            ways.append(way)
        chosen.append(known[_key(way)])
    least = [*problem.least, *[0] * (len(ways) - len(problem.ways))]
    return replace(problem, ways=ways, least=least), Choice(tuple(chosen), found.cycles, 0)


def _key(way: Way) -> tuple[object, ...]:
    return id(way.cut), way.dying, way.early


def too_small(plan: Plan, target: Target) -> Memory | None:
    """The first memory whose arena exceeds its size."""
    for memory in target.memories:
        size, arena = memory.size, plan.arena_bytes.get(memory.name, 0)
        if size is not None and arena and plan.used(memory.name) > size:
            return memory
    return None
