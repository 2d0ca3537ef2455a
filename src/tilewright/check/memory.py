"""What every byte of every memory holds, and who is reading or writing it.

Every byte that a network computes has a number: its value's own first number, plus its place in the
value. A memory is an array of such numbers, so that "who may read it" is "does it hold just this
byte": of this value, this region, this part of a sum. Whatever moves bytes moves numbers.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tilewright.ir.target import Engine
from tilewright.ir.types import Array

NOTHING = -1
"""What a byte holds before anything is written, and while it is under way."""


class PlanError(AssertionError):
    """A plan or a program breaks an invariant."""

    def __init__(self, finding: str) -> None:
        super().__init__(f"{finding}; this is a bug in tilewright")


def need(condition: bool, finding: str) -> None:
    """Raises PlanError with ``finding`` where the condition does not hold."""
    if not condition:
        raise PlanError(finding)


@dataclass(frozen=True, slots=True)
class Bytes:
    """Bytes of one memory in [start, stop): all of them, or those of ``index``, in that order."""

    memory: str
    start: int
    stop: int
    index: Array | None = None

    @property
    def where(self) -> slice | Array:
        """As numpy wants it."""
        return slice(self.start, self.stop) if self.index is None else self.index

    def meets(self, other: "Bytes") -> bool:
        """Whether some byte is in both."""
        is_apart = max(self.start, other.start) >= min(self.stop, other.stop)
        if is_apart or self.memory != other.memory:
            return False
        is_plain = self.index is None and other.index is None
        return is_plain or bool(np.intersect1d(np.r_[self.where], np.r_[other.where]).size)


@dataclass(frozen=True, slots=True)
class Work:
    """What one action reads, and writes: bytes, and the numbers that they hold afterwards."""

    who: str
    reads: tuple[Bytes, ...]
    writes: tuple[tuple[Bytes, Array | int], ...]

    def clashes(self, other: "Work") -> bool:
        """Whether one writes what the other reads or writes."""
        mine, others = [w for w, _ in self.writes], [w for w, _ in other.writes]
        pairs = [(a, b) for a in mine for b in (*others, *other.reads)]
        return any(a.meets(b) for a, b in (*pairs, *((a, b) for a in self.reads for b in others)))


@dataclass(frozen=True, slots=True)
class Memories:
    """All memories of one machine.

    under_way  what was started and not waited for, by what a wait names, the latest last: several
               calls only of an engine that works on them in order
    first      the first number of everything that has bytes: (value, elements of a partial sum)
    """

    holds: Mapping[str, Array]
    under_way: dict[Hashable, list[Work]] = field(default_factory=dict[Hashable, list[Work]])
    first: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    ends: list[int] = field(default_factory=lambda: [0])

    def number(self, value: str, done: int, size: int) -> int:
        """The first number of the ``size`` bytes of a value; ``done``: of its sum so far."""
        if (value, done) not in self.first:
            self.first[value, done] = self.ends[-1]
            self.ends.append(self.ends[-1] + size)
        return self.first[value, done]

    def bytes(self, memory: str, start: int, size: int, who: str) -> Bytes:
        """Bytes that follow one another. Raises PlanError beyond the memory's ends."""
        limit = self.holds[memory].size if memory in self.holds else 0
        inside = 0 <= start <= start + size <= limit
        need(inside, f"{who} to byte {start + size} leaves the arena of {memory}, {limit} bytes")
        return Bytes(memory, start, start + size)

    def found(self, where: Bytes) -> Array:
        """The numbers that bytes hold."""
        return self.holds[where.memory][where.where]

    def read(self, where: Bytes, expected: Array, who: str) -> None:
        """Raises PlanError where other bytes are found than those of these numbers."""
        found = self.found(where)
        wrong = np.flatnonzero(found != expected)
        if wrong.size:
            begun = [n for (n, _), first in self.first.items() if 0 <= first <= found[wrong[0]]]
            others = f", but some of {begun[-1]}" if begun else ""
            count = f"{wrong.size} of its {expected.size} bytes are not there{others}"
            raise PlanError(f"{who} at {where.memory}+{where.start}: {count}")

    def do(self, work: Work, own: Hashable = None) -> None:
        """An action that is over before the next one; what ``own`` has started is over, too."""
        for other in (w for key, works in self.under_way.items() if key != own for w in works):
            need(not work.clashes(other), f"{work.who} touches what {other.who} is working with")
        for where, numbers in work.writes:
            self.holds[where.memory][where.where] = numbers

    def start(self, key: Hashable, work: Work, engine: Engine | None = None) -> None:
        """An action that is under way until somebody waits for ``key``. With room for several, as
        the engine says, worked on in order, the oldest of them is over when the new one has found
        room; the next one finds what this one makes, and all others have to keep off until the
        wait. Only scratch, all that is written but the first, may be in use early, and shared."""
        most, works = engine.queue if engine else 1, self.under_way.get(key, [])
        need(most > 1 or not works, f"{work.who} starts before a wait for {key}")
        mine = [where for where, _ in work.writes[1:]]
        for other in works[1 - most :] if engine and engine.fetches_ahead else ():
            own = (w for i, (w, _) in enumerate(other.writes) if i == 0 or w not in mine)
            is_apart = not any(a.meets(b) for b in (*own, *other.reads) for a in mine)
            need(is_apart, f"{work.who}: its scratch is where {other.who} works")
        lost = tuple((where, numbers if most > 1 else NOTHING) for where, numbers in work.writes)
        self.do(replace(work, writes=lost), own=key)
        self.under_way[key] = [*works, work][-most:]

    def finish(self, key: Hashable, who: str, left: int = 0) -> None:
        """Wait for what ``key`` has started, but not for the latest ``left`` of its works."""
        need(key in self.under_way, f"{who}, but nothing is under way")
        works = self.under_way.pop(key)
        self.under_way.update({key: works[-left:]} if left else {})
        self.do(works[-1], own=key)
