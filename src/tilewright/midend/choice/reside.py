"""Which tensors stay near and how every run of steps is cut, on a target with a far memory.

A shortest path again, as in ``fuse``, but a boundary between steps is now many vertices: one for
every choice of which of the tensors that are alive there lie near. A cut leads from a vertex to
another where it finds its inputs as it wants them, and where everything near fits together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tilewright.midend.choice.candidates import Candidates, Edge, Near
from tilewright.midend.tiling.cut import Cut

MOST_VERTICES = 64
"""Choices that are kept at one boundary; the cheapest ones."""

UNLIMITED = 1 << 60
"""Bytes that no memory has."""


class _Arrival(NamedTuple):
    """The cheapest way to a vertex: cycles, bytes moved, and the last cut of it."""

    cycles: int
    moved: int
    number: int
    cut: Cut | None
    came_from: Near


@dataclass(frozen=True, slots=True)
class Residence:
    """The search among the candidates of one network on one target."""

    candidates: Candidates

    def cheapest(self, limit: int) -> tuple[Cut, ...] | None:
        """The fastest way in which no run needs more than ``limit`` bytes near; of equally fast
        ones, the one that moves least. None: there is none."""
        arrivals: list[dict[Near, _Arrival]] = [{} for _ in range(len(self.candidates.steps) + 1)]
        arrivals[0][frozenset()] = _Arrival(0, 0, 0, None, frozenset())
        for start, edges in self.candidates.edges.items():
            vertices = sorted(arrivals[start].items(), key=lambda item: item[1][:3])
            arrivals[start] = dict(vertices[:MOST_VERTICES])
            for near, arrival in arrivals[start].items():
                for edge in edges:
                    self._go(arrivals, near, arrival, edge, limit)
        return self._walk(arrivals)

    def least(self) -> int:
        """The smallest limit that ``cheapest`` can meet, by bisection. There has to be one: ways
        of candidates that are not lean may all have been left out as too large."""
        assert self.cheapest(UNLIMITED) is not None, "there is no way at all"
        low, high = 0, 1
        while self.cheapest(high) is None:
            low, high = high, high * 2
        while high - low > self.candidates.memory.align:
            middle = (low + high) // 2
            if self.cheapest(middle) is None:
                low = middle
            else:
                high = middle
        return high

    def _go(
        self, arrivals: list[dict[Near, _Arrival]], near: Near, arrival: _Arrival, edge: Edge,
        limit: int,
    ) -> None:  # fmt: skip
        if not edge.near <= near or edge.far & near:
            return
        if edge.bytes + self.candidates.alive.bytes(near - edge.dying) > limit:
            return
        stop = edge.cut.span.stop
        after = self.candidates.alive.after(near | edge.makes, stop)
        better = _Arrival(
            arrival.cycles + edge.cut.cycles, arrival.moved + edge.cut.moved, arrival.number + 1,
            edge.cut, near,
        )  # fmt: skip
        known = arrivals[stop].get(after)
        if known is None or better[:3] < known[:3]:
            arrivals[stop][after] = better

    def _walk(self, arrivals: Sequence[Mapping[Near, _Arrival]]) -> tuple[Cut, ...] | None:
        path: list[Cut] = []
        stop, near = len(self.candidates.steps), Near()
        while stop:
            arrival = arrivals[stop].get(near)
            if arrival is None or arrival.cut is None:
                return None
            path.append(arrival.cut)
            stop, near = arrival.cut.span.start, arrival.came_from
        return tuple(reversed(path))
