"""Plans for the joint search to begin with, in base order.

First transfers start early wherever they save time on a path that knew nothing of them and the run
before has room for their buffers. Then, among the ways that may still be faster, a shortest path
that knows them: where a run pays for what travels ahead of the next one, a vertex is what lies near
and the run that was last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tilewright.ir.graph import ValueName
from tilewright.midend.choice.ways import Net, Tensors, Way, delay, starts

MOST_LAST = 8
"""Last runs that are kept for one choice of what lies near; those of the cheapest arrivals."""

MOST_ARRIVALS = 48
"""Arrivals that are kept at one boundary; the cheapest ones."""


def with_early(net: Net, path: Sequence[Way], limit: int) -> tuple[Way, ...]:
    """The same runs with transfers that start early, chosen from the first run to the last."""
    chosen: list[Way] = []
    for way in path:
        best, *others = starts(net, way)
        for other in others if chosen else ():
            before = chosen[-1]
            is_there = before.makes not in other.borrowed
            fits = before.bytes + _around(net, path, before) + other.early_bytes <= limit
            if is_there and fits and _cost(before, other) < _cost(before, best):
                best = other
        chosen.append(best)
    return tuple(chosen)


def _cost(before: Way, way: Way) -> int:
    return way.cycles + delay(before, way)


def _around(net: Net, path: Sequence[Way], run: Way) -> int:
    """Bytes of near tensors around a run, in base order."""
    near: Mapping[ValueName, int] = {way.makes: way.members[-1] for way in path if way.is_near}
    if net.is_one_memory:
        near = {**dict.fromkeys(net.graph.inputs, -1), **near}
    return sum(
        net.alive.size(tensor)
        for tensor, born in near.items()
        if born < run.members[0] and net.last_use(tensor) >= run.members[0]
        and tensor not in run.dying
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A sequence of ways up to a boundary.

    near  what lies there
    used  bytes of near memory while the last run works
    most  of these, with what is loaded early, at any time
    """

    cycles: int
    moved: int
    runs: int
    most: int
    near: Tensors
    used: int
    way: Way | None = None
    before: "_Arrival | None" = None

    @property
    def cost(self) -> tuple[int, int, int, int]:
        return self.cycles, self.moved, self.runs, self.most

    def takes(self, way: Way, limit: int) -> bool:
        """Whether the last run leaves room and time for what ``way`` loads early."""
        if not way.early:
            return True
        last = self.way
        return (
            last is not None and last.makes not in way.borrowed
            and self.used + way.early_bytes <= limit
        )  # fmt: skip


def fastest_with_early(net: Net, ways: Sequence[Way], limit: int) -> tuple[Way, ...] | None:
    """The fastest sequence in base order that was found of ways with their early transfers, in
    which no run needs more than ``limit`` bytes near; None: none was found.

    Only the cheapest arrivals are followed, so there may be a faster one.
    """
    starting: list[list[Way]] = [[] for _ in net.steps]
    for way in ways:
        if way.is_consecutive:
            starting[min(way.members)].append(way)
    arrivals: list[list[_Arrival]] = [[] for _ in range(len(net.steps) + 1)]
    arrivals[0].append(_Arrival(0, 0, 0, 0, net.at_start, 0))
    for start, leaving in enumerate(starting):
        for arrival in _kept(arrivals[start]):
            for way in leaving:
                after = net.after(way, arrival.near, limit)
                if after is not None and arrival.takes(way, limit):
                    arrivals[way.stop].append(_next(net, arrival, way, after))
    if not arrivals[-1]:
        return None
    path: list[Way] = []
    last: _Arrival | None = min(arrivals[-1], key=lambda found: found.cost)
    while last is not None and last.way is not None:
        path.append(last.way)
        last = last.before
    return tuple(reversed(path))


def _next(net: Net, arrival: _Arrival, way: Way, after: Tensors) -> _Arrival:
    late = 0 if arrival.way is None else delay(arrival.way, way)
    used = way.bytes + net.alive.bytes(arrival.near - way.dying)
    cycles, moved = arrival.cycles + way.cycles + late, arrival.moved + way.cut.moved
    most = max(arrival.most, arrival.used + way.early_bytes, used)
    return _Arrival(cycles, moved, arrival.runs + 1, most, after, used, way, arrival)


def _kept(arrivals: Sequence[_Arrival]) -> list[_Arrival]:
    """The cheapest of them: of each choice of what lies near a few, and one per last run."""
    kept: list[_Arrival] = []
    known: dict[Tensors, list[Way | None]] = {}
    for arrival in sorted(arrivals, key=lambda found: found.cost):
        last = known.setdefault(arrival.near, [])
        if len(last) < MOST_LAST and not any(way is arrival.way for way in last):
            last.append(arrival.way)
            kept.append(arrival)
    return kept[:MOST_ARRIVALS]
