"""The fastest plan in base order: a shortest path.

Between two runs of steps only the choice of what lies near matters, so a boundary between steps is
one vertex for every choice of which of the tensors that are alive there lie near. A way leads from
a vertex to another where it finds its inputs as it wants them, and where everything near fits
together. In one memory everything lies near, and every boundary is one vertex:

step        0       1       2       3
        o-------o-------o-------o-------o     whole steps
                 \\_____________/               three steps together, a few rows at a time
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tilewright.midend.choice.ways import Net, Tensors, Way

MOST_VERTICES = 64
"""Choices that are kept at one boundary; the cheapest ones."""

UNLIMITED = 1 << 60
"""Bytes that no memory has."""


class _Arrival(NamedTuple):
    """The cheapest way to a vertex: cycles, bytes moved, runs in tiles, and the last way of it."""

    cycles: int
    moved: int
    tiled: int
    way: Way | None
    came_from: Tensors


@dataclass(frozen=True)
class Paths:
    """The sequences of some ways in base order. No slots: ways are sorted once.

    ways  with what dies with them and the bytes that they need; those that are not consecutive are
          left out
    """

    net: Net
    ways: Sequence[Way]

    def cheapest(self, limit: int) -> tuple[Way, ...] | None:
        """The fastest sequence in which no run needs more than ``limit`` bytes near; of equally
        fast ones, the one that moves least, then the one that leaves more whole. None: there is
        none."""
        arrivals: list[dict[Tensors, _Arrival]] = [{} for _ in range(len(self.net.steps) + 1)]
        arrivals[0][self.net.at_start] = _Arrival(0, 0, 0, None, Tensors())
        for start, ways in enumerate(self._starting):
            vertices = sorted(arrivals[start].items(), key=lambda item: item[1][:3])
            arrivals[start] = dict(vertices[:MOST_VERTICES])
            for near, arrival in arrivals[start].items():
                for way in ways:
                    after = self.net.after(way, near, limit)
                    if after is not None:
                        _go(arrivals[way.stop], after, arrival, way, near)
        return self._walk(arrivals)

    def least(self, align: int) -> int:
        """The smallest limit that ``cheapest`` can meet, to within ``align`` bytes, by bisection.
        There has to be one: ways of candidates that are not lean may all have been left out as too
        large."""
        assert self.cheapest(UNLIMITED) is not None, "there is no way at all"
        low, high = 0, 1
        while self.cheapest(high) is None:
            low, high = high, high * 2
        while high - low > align:
            middle = (low + high) // 2
            if self.cheapest(middle) is None:
                low = middle
            else:
                high = middle
        return high

    @cached_property
    def _starting(self) -> list[list[Way]]:
        """Ways by their first step."""
        starting: list[list[Way]] = [[] for _ in self.net.steps]
        for way in self.ways:
            if way.is_consecutive:
                starting[min(way.members)].append(way)
        return starting

    def _walk(self, arrivals: Sequence[Mapping[Tensors, _Arrival]]) -> tuple[Way, ...] | None:
        if not arrivals[-1]:
            return None
        arrival = min(arrivals[-1].values(), key=lambda found: found[:3])
        path: list[Way] = []
        while arrival.way is not None:
            path.append(arrival.way)
            arrival = arrivals[min(arrival.way.members)][arrival.came_from]
        return tuple(reversed(path))


def _go(
    arrivals: dict[Tensors, _Arrival], after: Tensors, arrival: _Arrival, way: Way, near: Tensors
) -> None:
    better = _Arrival(
        arrival.cycles + way.cycles, arrival.moved + way.cut.moved,
        arrival.tiled + (not way.cut.is_whole), way, near,
    )  # fmt: skip
    known = arrivals.get(after)
    if known is None or better[:3] < known[:3]:
        arrivals[after] = better
