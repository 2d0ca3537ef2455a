"""The tiles of runs, and which calls in them are alike: what does not depend on engines and holds,
and is therefore looked at once for many ways.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from tilewright.ir.op import Op
from tilewright.ir.target import Signature
from tilewright.midend.tiling.tiles import Tile, TileCall


@dataclass(frozen=True, slots=True)
class Calls:
    """All calls of one step over the tiles of a run.

    kinds  those that differ in more than their place
    which  per tile, the index of its kind; None where the tile has no call
    """

    kinds: tuple[TileCall, ...]
    which: tuple[int | None, ...]

    @staticmethod
    def of(calls: Iterable[TileCall | None]) -> "Calls":
        """From one call per tile."""
        kinds: dict[tuple[Op, Signature], int] = {}
        found: list[TileCall] = []
        which: list[int | None] = []
        for call in calls:
            if call is None:
                which.append(None)
                continue
            kind = kinds.setdefault((call.op, call.signature), len(kinds))
            which.append(kind)
            if kind == len(found):
                found.append(call)
        return Calls(tuple(found), tuple(which))


@dataclass(frozen=True, slots=True)
class Tiling:
    """The tiles of a run, whatever engines compute them. ``calls``: per step."""

    tiles: tuple[Tile, ...]
    calls: tuple[Calls, ...]

    @staticmethod
    def of(tiles: Sequence[Tile]) -> "Tiling":
        """From its tiles."""
        of_steps = zip(*(tile.calls for tile in tiles), strict=True)
        return Tiling(tuple(tiles), tuple(map(Calls.of, of_steps)))


Tilings = dict[Hashable, Tiling]
"""By steps, tile, loops and carried tensors."""
