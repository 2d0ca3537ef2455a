"""The placement problem as numbers: pieces with lifetimes, and pairs that may share.

    minimise    max(offset + size)
    so that     pieces that are alive together do not touch, or, where a leave to share names them,
                reader's offset - writer's offset lies outside of the open interval of the gap

Time is counted in half steps, so that what is born during a step is younger than what the step
finds: the inputs of step t are alive at 2t and 2t + 1, its output and scratch from 2t + 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from tilewright.midend.tiling.overlap import Gap, joint_extent

Offsets = tuple[int, ...]
"""One per piece."""


@dataclass(frozen=True, slots=True)
class Piece:
    """``size`` units of memory during the half-open range [start, stop) of half steps."""

    size: int
    start: int
    stop: int

    def meets(self, other: "Piece") -> bool:
        """Whether both are alive at some time."""
        return self.start < other.stop and other.start < self.stop


@dataclass(frozen=True)
class Packing:
    """What must be placed. No slots, because properties are cached.

    leaves  to share: (writer, reader) → gap, in units. The reader dies while the writer is made:
            from the writer's birth to the reader's end both lie there; a reader has one writer
    """

    pieces: tuple[Piece, ...]
    leaves: Mapping[tuple[int, int], Gap]

    def first(self, count: int) -> "Packing":
        """The first ``count`` pieces alone."""
        leaves = {pair: gap for pair, gap in self.leaves.items() if max(pair) < count}
        return Packing(self.pieces[:count], leaves)

    def forward(self) -> "Packing":
        """The same without leaves to run backward, which costs a few instructions per piece."""
        apart = {
            pair: gap._replace(below=-self.pieces[pair[1]].size)
            for pair, gap in self.leaves.items()
        }
        return replace(self, leaves=apart)

    def gap(self, writer: int, reader: int) -> Gap:
        """Where the reader must not lie; without a leave, wherever it would touch the writer."""
        apart = Gap(-self.pieces[reader].size, self.pieces[writer].size)
        return self.leaves.get((writer, reader), apart)

    @cached_property
    def forbidden(self) -> tuple[tuple[tuple[int, int, int], ...], ...]:
        """For each piece, (other, low, high): no offset strictly between other + low and + high."""
        table: list[tuple[tuple[int, int, int], ...]] = []
        meeting = self._meeting
        for me, piece in enumerate(self.pieces):
            row: list[tuple[int, int, int]] = []
            for you in meeting[me]:
                if piece.meets(self.pieces[you]):
                    gap = self.gap(you, me)
                    if (me, you) in self.leaves:
                        mine = self.leaves[me, you]
                        gap = Gap(-mine.above, -mine.below, mine.may_replace)
                    if gap.may_replace:
                        row += [(you, gap.below, 0), (you, 0, gap.above)]
                    else:
                        row.append((you, gap.below, gap.above))
            table.append(tuple(row))
        return tuple(table)

    @property
    def _meeting(self) -> list[list[int]]:
        """Per piece, those that are alive at some time of its life, ascending."""
        found: list[list[int]] = [[] for _ in self.pieces]
        alive: list[int] = []
        order = sorted(range(len(self.pieces)), key=lambda i: self.pieces[i].start)
        for me in order:
            alive = [you for you in alive if self.pieces[you].stop > self.pieces[me].start]
            for you in alive:
                found[me].append(you)
                found[you].append(me)
            alive.append(me)
        return [sorted(others) for others in found]

    @cached_property
    def live(self) -> Mapping[int, tuple[int, ...]]:
        """Birth of any piece → the pieces that are alive then."""
        births = sorted({piece.start for piece in self.pieces})
        return {
            time: tuple(i for i, p in enumerate(self.pieces) if p.start <= time < p.stop)
            for time in births
        }

    @cached_property
    def lower_bound(self) -> int:
        """No placement needs less: live units of the fullest half step, best sharing assumed."""
        return max((self._least(live) for live in self.live.values()), default=0)

    def _least(self, live: Sequence[int]) -> int:
        """Units that live pieces need at least."""
        groups: dict[int, list[int]] = {}
        for writer, reader in self.leaves:
            if writer in live and reader in live:
                groups.setdefault(writer, []).append(reader)
        shared = {*groups, *(reader for readers in groups.values() for reader in readers)}
        together = sum(
            joint_extent(
                self.pieces[writer].size,
                [(self.pieces[reader].size, self.leaves[writer, reader]) for reader in readers],
            )
            for writer, readers in groups.items()
        )
        return together + sum(self.pieces[i].size for i in live if i not in shared)

    def extent(self, offsets: Sequence[int]) -> int:
        """Units that a placement needs."""
        return max(
            (offset + piece.size for offset, piece in zip(offsets, self.pieces, strict=True)),
            default=0,
        )

    def first_fit(self, order: Sequence[int]) -> Offsets:
        """Each piece in ``order`` at the lowest offset that the pieces before it leave free."""
        offsets: dict[int, int] = {}
        for me in order:
            gaps = sorted(
                (offsets[you] + low, offsets[you] + high)
                for you, low, high in self.forbidden[me]
                if you in offsets
            )
            offset = 0
            for low, high in gaps:
                if low >= offset:
                    break
                offset = max(offset, high)
            offsets[me] = offset
        return tuple(offsets[i] for i in range(len(self.pieces)))
