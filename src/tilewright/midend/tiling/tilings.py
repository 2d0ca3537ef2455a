"""The tiles of runs, and which calls in them are alike: what does not depend on engines and holds,
and is therefore looked at once for many ways.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tilewright.ir.geometry import sizes_of
from tilewright.ir.graph import ValueName
from tilewright.ir.op import Op
from tilewright.ir.plan import Step
from tilewright.ir.program import TileCall
from tilewright.ir.target import Signature
from tilewright.ir.types import Region, Shape
from tilewright.midend.tiling.tiles import Tile


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
        known: dict[int, int] = {}
        found: list[TileCall] = []
        which: list[int | None] = []
        for call in calls:
            if call is None:
                which.append(None)
                continue
            # Tiles share signatures: most need no comparison.
            kind = known.get(id(call.signature))
            if kind is None:
                kind = kinds.setdefault((call.op, call.signature), len(kinds))
                known[id(call.signature)] = kind
            which.append(kind)
            if kind == len(found):
                found.append(call)
        return Calls(tuple(found), tuple(which))


@dataclass(frozen=True, slots=True)
class Tiling:
    """The tiles of a run, whatever engines compute them.

    calls   per step
    parts   tensor → (sizes of what a tile holds of it, sizes of what one of its calls reads or
            makes of that), each once; only sizes decide whether the one lies in one piece in the
            other
    """

    tiles: tuple[Tile, ...]
    calls: tuple[Calls, ...]
    parts: Mapping[ValueName, frozenset[tuple[Shape, Shape]]]

    @staticmethod
    def of(members: Sequence[Step], tiles: Sequence[Tile]) -> "Tiling":
        """From its tiles."""
        of_steps = [*zip(*(tile.calls for tile in tiles), strict=True)]
        pairs: dict[ValueName, set[tuple[Region, Region]]] = {}
        for step, calls in zip(members, of_steps, strict=True):
            for tile, call in zip(tiles, calls, strict=True):
                if call is None:
                    continue
                pairs.setdefault(step.node.output, set()).add(
                    (tile.held[step.node.output], call.output)
                )
                for name, region in zip(step.node.inputs, call.inputs, strict=True):
                    pairs.setdefault(name, set()).add((tile.held[name], region))
        parts = {
            name: frozenset((sizes_of(held), sizes_of(region)) for held, region in found)
            for name, found in pairs.items()
        }
        return Tiling(tuple(tiles), tuple(map(Calls.of, of_steps)), parts)


Tilings = dict[Hashable, Tiling]
"""By steps, tile, loops and carried tensors."""
