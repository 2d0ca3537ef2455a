"""Proven lower bounds, and which ways cannot be part of a plan that is faster than a known one.

In base order, between two runs only the choice of what lies near matters. Where early transfers
take nothing of memory or of another run's time, the cheapest sequence is a shortest path over those
choices, forwards and backwards. No plan in base order is faster, and a way through which no short
enough path leads can be left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from tilewright.midend.choice.ways import NEVER, Net, Tensors, Way, most_ahead

MOST_STATES = 2_000
"""Choices of what lies near at one boundary; where there are more, nothing is said."""

WHOLE = 64
"""Shares are counted in so many parts."""

PRICE_CHANGES = (32, 32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1)
"""By how much shares change from one bound to the next."""


class _Move(NamedTuple):
    """A way between two choices of what lies near."""

    way: int
    before: Tensors
    after: Tensors


@dataclass(frozen=True)
class Relaxed:
    """The problem in base order, without what early transfers take. No slots: moves are cached.

    limits  bytes of near memory per step
    """

    net: Net
    ways: Sequence[Way]
    limits: Sequence[int]

    def least(self, costs: Sequence[int]) -> list[int]:
        """Per way, the cost of the cheapest sequence with it, where ``costs`` says what each way
        costs; the smallest of them bounds all sequences."""
        moves = self._moves
        if moves is None:
            return least_in_any_order(len(self.net.steps), self.ways, costs)
        ends = [way.members[-1] + 1 for way in self.ways]
        since: list[dict[Tensors, int]] = [{} for _ in moves]
        since[0] = {self.net.at_start: 0}
        for start, leaving in enumerate(moves):
            for way, before, after in leaving:
                cost = since[start][before] + costs[way]
                known = since[ends[way]]
                known[after] = min(known.get(after, NEVER), cost)
        rest: list[dict[Tensors, int]] = [dict.fromkeys(known, NEVER) for known in since]
        rest[-1] = dict.fromkeys(since[-1], 0)
        least = [NEVER] * len(self.ways)
        for start in reversed(range(len(moves))):
            for way, before, after in moves[start]:
                cost = costs[way] + rest[ends[way]].get(after, NEVER)
                rest[start][before] = min(rest[start][before], cost)
                least[way] = min(least[way], since[start][before] + cost)
        return least

    def least_priced(self) -> list[int]:
        """As ``least``, of ways with their early transfers, and stronger.

        A delay is at least any share, from none to all, of what the transfers exceed the idle time
        by. Every boundary between runs has such a share, and shares are moved to where the cheapest
        sequence breaks the promise; every set of shares gives a bound.
        """
        most = most_ahead(self.ways)
        queue = max(most, key=lambda name: most[name], default="")
        top = most.get(queue, 0)
        shares = [0] * (len(self.net.steps) + 1)
        best = self.least([way.cycles for way in self.ways])
        for change in PRICE_CHANGES if top else ():
            costs = [
                WHOLE * way.cycles + shares[way.members[0]] * way.ahead.get(queue, 0)
                - shares[way.members[-1] + 1] * min(way.idle_on(queue), top)
                for way in self.ways
            ]  # fmt: skip
            least = self.least(costs)
            best = [max(a, -(-b // WHOLE)) for a, b in zip(best, least, strict=True)]
            for step, excess in self._excess(least, queue, top):
                shares[step] += change if excess > 0 else -change
                shares[step] = min(max(shares[step], 0), WHOLE)
        return best

    def _excess(self, least: Sequence[int], queue: str, top: int) -> Iterator[tuple[int, int]]:
        """(step, by how much transfers exceed idle time before it) along a cheapest sequence."""
        cheapest = min(least)
        chosen = [way for way, cost in zip(self.ways, least, strict=True) if cost == cheapest]
        starting = {way.members[0]: way for way in reversed(chosen)}
        step, before = 0, None
        while step in starting:
            way = starting[step]
            if before is not None:
                yield step, way.ahead.get(queue, 0) - min(before.idle_on(queue), top)
            step, before = way.members[-1] + 1, way

    @cached_property
    def _moves(self) -> list[list[_Move]] | None:
        """By the step that a way begins with, everything that it may lead from and to."""
        count = len(self.net.steps)
        starting: list[list[int]] = [[] for _ in range(count)]
        for index, way in enumerate(self.ways):
            starting[way.members[0]].append(index)
        reached: list[set[Tensors]] = [set() for _ in range(count + 1)]
        reached[0].add(self.net.at_start)
        moves: list[list[_Move]] = [[] for _ in range(count + 1)]
        for start in range(count):
            if len(reached[start]) > MOST_STATES:
                return None
            for before in sorted(reached[start], key=sorted):
                for index in starting[start]:
                    way = self.ways[index]
                    after = self.net.after(way, before, self.limits[way.members[-1]])
                    if after is not None:
                        moves[start].append(_Move(index, before, after))
                        reached[way.stop].add(after)
        return moves


def least_in_any_order(count: int, ways: Sequence[Way], costs: Sequence[int]) -> list[int]:
    """As ``Relaxed.least`` for any issue order, without a word on memory: every step gets a share
    of the cycles such that the steps of no way have more than the way takes.

    count  steps; every step is a way of its own, too
    """
    since = [0, *[NEVER] * count]
    for way, cost in sorted(zip(ways, costs, strict=True), key=lambda pair: min(pair[0].members)):
        start, stop = min(way.members), max(way.members) + 1
        if way.is_consecutive:
            since[stop] = min(since[stop], since[start] + cost)
    shares = [after - before for before, after in pairwise(since)]
    for way, cost in zip(ways, costs, strict=True):
        excess = sum(shares[member] for member in way.members) - cost
        for member in way.members if excess > 0 else ():
            shares[member] -= -(-excess // len(way.members))
    total = sum(shares)
    return [
        total + cost - sum(shares[member] for member in way.members)
        for way, cost in zip(ways, costs, strict=True)
    ]
