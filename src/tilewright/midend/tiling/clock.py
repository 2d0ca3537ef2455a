"""When everything is over that the iterations of a loop over tiles start.

Most iterations are like the one before. After a few of them, the core, the engines and the queues
stand to each other as they stood before; from there on, everything repeats itself later by the same
cycles, and the iterations that are left need not be looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from itertools import groupby
from typing import NamedTuple

from tilewright.ir.graph import ValueName


class Kind(Enum):
    """What happens on the clock."""

    WORK = "the core works"
    BEGIN = "an engine beside the core begins"
    JOIN = "the core waits for it"
    START = "a transfer starts"
    WAIT = "the core waits for a transfer"


class Event(NamedTuple):
    """Something that happens in every iteration of the loop over tiles.

    who     engine or queue
    name    tensor that travels
    cycles  per iteration; 0 where there is nothing to do
    behind  iterations from one's tile 0 to the first of all
    """

    kind: Kind
    who: str
    name: ValueName
    cycles: tuple[int, ...]
    behind: int


class _Action(NamedTuple):
    """An event without its cycles. ``lag``: iterations since what it waits for has started."""

    kind: Kind
    who: str
    name: ValueName
    lag: int


class Clock:
    """The core's time, and when every engine beside it, queue and transfer is done.

    once  tensor → when its only transfer, which started before the loop, is over
    """

    def __init__(self, queues: Mapping[str, object], beside: Mapping[ValueName, str]) -> None:
        self.now = 0
        self.free = dict.fromkeys(queues, 0)
        self.jobs = dict.fromkeys(beside.values(), 0)
        self.once: dict[ValueName, int] = {}
        self.steps = 0
        """Iterations that were looked at."""
        self._over: dict[ValueName, list[int]] = {}
        self._most_lag = 1

    def run(self, events: Sequence[Event]) -> None:
        """All iterations."""
        began = {e.name: e.behind for e in events if e.kind in (Kind.START, Kind.BEGIN)}
        actions = [
            _Action(e.kind, e.who, e.name, e.behind - began.get(e.name, e.behind)) for e in events
        ]
        self._most_lag = max([1, *(action.lag for action in actions)])
        self._over = {name: [] for name in began}
        for costs, alike in groupby(zip(*(event.cycles for event in events), strict=True)):
            doing = [(a, cycles) for a, cycles in zip(actions, costs, strict=True) if cycles]
            self._repeat(doing, sum(1 for _ in alike))

    def _repeat(self, doing: Sequence[tuple[_Action, int]], times: int) -> None:
        """The same iteration so many times."""
        seen: dict[tuple[int, ...], tuple[int, int]] = {}
        while times:
            self._iterate(doing)
            times -= 1
            state = tuple(self._state())
            if state in seen:
                left, then = seen[state]
                rounds = times // (left - times)
                self._shift(rounds * (self.now - then))
                times -= rounds * (left - times)
                seen.clear()
            seen[state] = times, self.now

    def _iterate(self, doing: Sequence[tuple[_Action, int]]) -> None:
        self.steps += 1
        over, free, jobs, now = self._over, self.free, self.jobs, self.now
        for log in over.values():
            log.append(0)
        for (kind, who, name, lag), cycles in doing:
            if kind is Kind.WORK:
                now += cycles
            elif kind is Kind.WAIT:
                now = max(now, self._end(name, lag))
            elif kind is Kind.START:
                free[who] = max(now, free[who]) + cycles
                over[name][-1] = free[who]
            elif kind is Kind.BEGIN:
                jobs[who] = max(now, jobs[who]) + cycles
                over[name][-1] = jobs[who]
            else:
                now = max(now, self._end(name, lag))
        self.now = now

    def _end(self, name: ValueName, lag: int) -> int:
        log = self._over.get(name)
        if log is None:
            return self.once.get(name, 0)
        return log[-1 - lag] if len(log) > lag else 0

    def _state(self) -> Iterator[int]:
        """How far everything else is ahead of the core: what is behind it makes no difference."""
        now = self.now
        for times in (self.free.values(), self.jobs.values()):
            for time in times:
                yield max(time - now, 0)
        for log in self._over.values():
            for time in log[-self._most_lag :]:
                yield max(time - now, 0)

    def _shift(self, cycles: int) -> None:
        """Everything later."""
        self.now += cycles
        for times in (self.free, self.jobs):
            for name in times:
                times[name] += cycles
        for log in self._over.values():
            log[-self._most_lag :] = [time + cycles for time in log[-self._most_lag :]]
