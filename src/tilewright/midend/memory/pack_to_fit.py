"""Placement below a given capacity: a search for pieces that live at different times and never
share, for problems that leave (almost) no byte free.

Pieces that are alive together stand on one another. The search decides from the ground up: it takes
a piece that nothing else fits beneath, and either the piece lies at the least offset that is left
to it, or it lies higher, on a piece that is placed later. Four ideas make that fast:

* in every *section* (pieces that are all alive at one time) the pieces from any height upwards must
  fit below the capacity, with nothing counted but their sizes: where they do not, go back;
* where the pieces that are left fall into groups that never meet, each group is a problem of its
  own, and what fails in one is not tried again with another arrangement of the other;
* sections that failed before are filled first, as are those with few pieces that could come next;
* a search that fails too often starts again with what it learned.

The idea of a search over lowest offsets with section bounds is from Moffitt, "MiniMalloc: A
Lightweight Memory Allocator for Hardware-Accelerated Machine Learning" (ASPLOS 2023).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count

import numpy as np

from tilewright.ir.types import Array
from tilewright.midend.memory.packing import Offsets, Piece

PLACE_EFFORT = 150_000
"""Pieces to place, take back and raise before the search gives up."""

_PATIENCE_GROWS = 1.05
"""From one restart to the next."""
_LONG_TRY = 10
"""The turn in which the strategy that learns nothing has its only try."""


class Verdict(Enum):
    """Why there is no placement."""

    IMPOSSIBLE = "no placement exists"
    UNKNOWN = "the effort was spent"


@dataclass(frozen=True, slots=True)
class _Strategy:
    """Which piece is tried first.

    rank      of each piece, the smallest first among pieces that could lie equally low
    learns    goes on where sections failed often and leave few choices; else with the lowest piece
    patience  failures before the first restart
    """

    rank: Array
    learns: bool
    patience: int


@dataclass(frozen=True, slots=True)
class _Task:
    """Sections [first, last) that are still to be filled.

    since  choices that had been made when the task was split off
    rest   tasks that come after it
    """

    first: int
    last: int
    since: int
    rest: "_Task | None"


@dataclass(frozen=True, slots=True)
class _Choice:
    """A piece that was laid as low as it can lie, and the state before."""

    piece: int
    task: _Task
    least: Array
    ground: Array
    unplaced: Array


def pack_to_fit(
    pieces: Sequence[Piece], capacity: int, effort: int = PLACE_EFFORT
) -> Offsets | Verdict:
    """Offsets at which all pieces end at or below ``capacity``."""
    solid = sorted(
        (p.start, p.stop, i) for i, p in enumerate(pieces) if p.size and p.stop > p.start
    )
    if any(pieces[i].size > capacity for *_, i in solid):
        return Verdict.IMPOSSIBLE
    offsets = [0] * len(pieces)
    if solid:
        problem = _Sections.of([pieces[i] for *_, i in solid])
        found = _take_turns(problem, capacity, effort)
        if isinstance(found, Verdict):
            return found
        for (*_, index), offset in zip(solid, found, strict=True):
            offsets[index] = int(offset)
    return tuple(offsets)


def _take_turns(problem: "_Sections", capacity: int, effort: int) -> Array | Verdict:
    """Several strategies in turn, each with more patience than in its last turn."""
    searches = [_Search(problem, capacity, strategy) for strategy in _strategies(problem)]
    spent = 0
    for turn in count():
        for search in searches:
            if not search.strategy.learns and turn != _LONG_TRY:
                continue
            found = search.run(int(search.strategy.patience * _PATIENCE_GROWS**turn))
            spent += search.steps
            if found is not Verdict.UNKNOWN:
                return found
        if spent >= effort:
            break
    return Verdict.UNKNOWN


def _strategies(problem: "_Sections") -> list[_Strategy]:
    long = _rank(-problem.ages, -problem.sizes)
    broad = _rank(problem.first - problem.last, -problem.sizes)
    return [
        _Strategy(broad, learns=True, patience=30),
        _Strategy(long, learns=True, patience=100),
        _Strategy(long, learns=False, patience=5000),
    ]


def _rank(*keys: Array) -> Array:
    """Each piece's place in the order of the keys, the first key deciding."""
    rank = np.empty(len(keys[0]), np.int64)
    rank[np.lexsort(keys[::-1])] = np.arange(len(rank))
    return rank


@dataclass(frozen=True, slots=True)
class _Sections:
    """Pieces in order of birth, and the largest sets of them that are alive together.

    sizes, ages  of each piece
    first, last  half-open range of sections that each piece is in
    members      [sections, most pieces] the pieces in each; filled up with the number of pieces
    neighbours   of each piece, those that meet it
    """

    sizes: Array
    ages: Array
    first: Array
    last: Array
    members: Array
    neighbours: tuple[Array, ...]

    @staticmethod
    def of(pieces: Sequence[Piece]) -> "_Sections":
        """``pieces``: in order of birth."""
        sections = _largest_sections(pieces)
        total = len(pieces)
        members = np.full((len(sections), max(map(len, sections))), total)
        first, last = np.full(total, len(sections)), np.zeros(total, np.int64)
        for index, section in enumerate(sections):
            members[index, : len(section)] = section
            first[section] = np.minimum(first[section], index)
            last[section] = index + 1
        everything = np.arange(total)
        return _Sections(
            np.array([piece.size for piece in pieces]),
            np.array([piece.stop - piece.start for piece in pieces]),
            first,
            last,
            members,
            tuple(
                np.flatnonzero((first < last[i]) & (first[i] < last) & (everything != i))
                for i in range(total)
            ),
        )


def _largest_sections(pieces: Sequence[Piece]) -> list[list[int]]:
    """The sets of pieces alive at one time that are in no other such set, in order of time."""
    sections: list[list[int]] = []
    live: list[int] = []
    for index, piece in enumerate(pieces):
        staying = [i for i in live if pieces[i].stop > piece.start]
        if len(staying) < len(live):
            sections.append(live)
        live = [*staying, index]
    return [*sections, live]


class _Search:
    """One strategy, with what it learned from its failures."""

    def __init__(self, problem: _Sections, capacity: int, strategy: _Strategy) -> None:
        self.problem, self.capacity, self.strategy = problem, capacity, strategy
        self.steps = 0
        self._shift = int(problem.sizes.max()).bit_length()
        self._sizes = np.append(problem.sizes, 0)
        self._offsets = np.zeros(len(problem.sizes), np.int64)
        self._failed = np.ones(len(problem.members))
        self._failures = 0
        self._trail: list[_Choice] = []

    def run(self, patience: int) -> Array | Verdict:
        """Search from the ground until ``patience`` failures."""
        # The least offset that each piece may still have; the capacity itself for placed ones.
        self._least = np.zeros(len(self._sizes), np.int64)
        self._least[-1] = self.capacity
        self._ground = np.zeros(len(self.problem.members), np.int64)
        self._unplaced = self._sizes[self.problem.members].sum(axis=1)
        self._trail.clear()
        self._failures = self.steps = 0
        task: _Task | None = _Task(0, len(self._ground), 0, None)
        if self._overflows(0, len(self._ground)):
            return Verdict.IMPOSSIBLE
        while task := self._split(task):
            self.steps += 1
            if self._failures > patience:
                return Verdict.UNKNOWN
            task = self._lay(task)
            if task is None:
                return Verdict.IMPOSSIBLE
        return self._offsets

    def _split(self, task: _Task | None) -> _Task | None:
        """The next task with pieces left, cut where no piece reaches across; None: all done."""
        while task:
            left = np.flatnonzero(self._least[:-1] < self.capacity)
            first, last = self.problem.first[left], self.problem.last[left]
            inside = (first >= task.first) & (last <= task.last)
            first, last = first[inside], np.maximum.accumulate(last[inside])
            if not len(first):
                task = task.rest
                continue
            cuts = np.flatnonzero(first[1:] >= last[:-1])
            starts = [int(first[0]), *(int(first[cut + 1]) for cut in cuts)]
            stops = [*(int(last[cut]) for cut in cuts), int(last[-1])]
            rest = task.rest
            # The fullest part is the most likely to fail: it comes first.
            for start, stop in sorted(
                zip(starts, stops, strict=True), key=self._room, reverse=True
            ):
                rest = _Task(start, stop, task.since, rest)
            return rest
        return None

    def _room(self, sections: tuple[int, int]) -> int:
        part = slice(*sections)
        return int((self.capacity - self._ground[part] - self._unplaced[part]).min())

    def _lay(self, task: _Task) -> _Task | None:
        """Lay one piece of a task as low as it can lie; what to do then; None: nothing is left."""
        piece = self._lowest(self._candidate(task))
        at, first, last = int(self._least[piece]), *self._range(piece)
        if self._ground[first:last].max() < at:
            # What it could stand on is not placed yet, so it ends higher than its least offset.
            return task if self._raise(piece) else self._go_back(task.since)
        self._trail.append(
            _Choice(piece, task, self._least.copy(), self._ground.copy(), self._unplaced.copy())
        )
        size = int(self._sizes[piece])
        neighbours = self.problem.neighbours[piece]
        lifted = neighbours[self._least[neighbours] < at + size]
        self._offsets[piece] = at
        self._least[lifted] = at + size
        self._least[piece] = self.capacity
        self._ground[first:last] = at + size
        self._unplaced[first:last] -= size
        if len(lifted) and self._overflows(*self._span(lifted)):
            return self._go_back(len(self._trail))
        return _Task(task.first, task.last, len(self._trail), task.rest)

    def _go_back(self, since: int) -> _Task | None:
        """Take back the last choice before ``since`` and raise its piece; None: nothing is left."""
        while since:
            choice = self._trail[since - 1]
            del self._trail[since - 1 :]
            self._least, self._ground = choice.least, choice.ground
            self._unplaced = choice.unplaced
            if self._raise(choice.piece):
                return choice.task
            since = choice.task.since
        return None

    def _raise(self, piece: int) -> bool:
        """Forbid a piece its least offset: it lies on a neighbour that is not placed yet."""
        neighbours = self.problem.neighbours[piece]
        ends = self._least[neighbours] + self._sizes[neighbours]
        least = int(ends.min(initial=self.capacity))
        if least + self._sizes[piece] > self.capacity:
            self._failures += 1
            return False
        self._least[piece] = least
        return not self._overflows(*self._range(piece))

    def _overflows(self, first: int, last: int) -> bool:
        """Whether the unplaced pieces of some section cannot end below the capacity.

        In each section, from the highest least offset down: what may not start below an offset
        needs the sum of its sizes above it.
        """
        members = self.problem.members[first:last]
        keys = self._sizes[members] - (self._least[members] << self._shift)
        keys.sort(axis=1)
        least = -(keys >> self._shift)
        sizes = keys & ((1 << self._shift) - 1)
        sizes[least == self.capacity] = 0
        ends = (least + sizes.cumsum(axis=1)).max(axis=1)
        worst = int(ends.argmax())
        if ends[worst] <= self.capacity:
            return False
        self._failures += 1
        self._failed[first + worst] += 1
        return True

    def _candidate(self, task: _Task) -> int:
        """The piece to go on with: the strategy's choice."""
        if self.strategy.learns:
            part = slice(task.first, task.last)
            members, unplaced = self.problem.members[part], self._unplaced[part]
            could_be_next = self._least[members] <= (self.capacity - unplaced)[:, None]
            score = could_be_next.sum(axis=1) / self._failed[part]
            score[unplaced == 0] = np.inf
            pieces = members[score.argmin()]
        else:
            pieces = np.flatnonzero(
                (self.problem.first >= task.first)
                & (self.problem.last <= task.last)
                & (self._least[:-1] < self.capacity)
            )
        least = self._least[pieces]
        lowest = pieces[least == least.min()]
        return int(lowest[self.strategy.rank[lowest].argmin()])

    def _lowest(self, piece: int) -> int:
        """The piece itself, or what still fits beneath it and has nothing beneath."""
        while True:
            neighbours = self.problem.neighbours[piece]
            ends = self._least[neighbours] + self._sizes[neighbours]
            if not len(ends) or ends.min() > self._least[piece]:
                return piece
            piece = int(neighbours[ends.argmin()])

    def _range(self, piece: int) -> tuple[int, int]:
        return int(self.problem.first[piece]), int(self.problem.last[piece])

    def _span(self, pieces: Array) -> tuple[int, int]:
        return int(self.problem.first[pieces].min()), int(self.problem.last[pieces].max())
