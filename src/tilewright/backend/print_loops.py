"""C of loops over tiles: which tile an action works on, and how much of a length a tile has."""

import re
from collections.abc import Iterator, Sequence

from tilewright.ir.index import Part
from tilewright.ir.program import Loop, Shifted, Simple

PART = re.compile(rf"\b{Part.ARGUMENT}\b")


def runs_of_tiles(body: tuple[Shifted, ...]) -> Iterator[tuple[int, list[Simple]]]:
    """Runs of actions that work on the same tile."""
    run: list[Simple] = []
    last = body[0].shift
    for item in body:
        if item.shift != last:
            yield last, run
            run, last = [], item.shift
        run.append(item.action)
    yield last, run


def meaning(shift: int) -> str:
    """What actions on the tile so far from the loop's are there for."""
    if shift > 0:
        return "the next tile travels while this one is computed"
    return "this tile" if shift == 0 else "the tile whose copy is written to next"


def guard(shift: int, loop: Loop, tiles: str) -> str:
    """Whether there is a tile ``step + shift``; empty where there always is."""
    steps = loop.iterations
    tests = [f"step >= {-shift}"] if -shift > steps.start else []
    tests += [f"step < {plus(tiles, -shift)}"] if loop.tiles - shift < steps.stop else []
    return " && ".join(tests)


def plus(tiles: str, more: int) -> str:
    """C for a number of tiles and some more."""
    return str(int(tiles) + more) if tiles.isdigit() else f"{tiles}{signed(more)}"


def tile_count(part: Part) -> str:
    """C for the number of tiles of a length that depends on arguments."""
    if part.size == 1:
        return str(part.length)
    return f"({part.length + (part.size - 1)}) / {part.size}"


def part_lines(loop: Loop, lines: Sequence[str]) -> list[str]:
    """What this tile has of the length that is cut, where some line asks for it."""
    if loop.part is None or not any(PART.search(line) for line in lines):
        return []
    size = loop.part.size
    return [
        f"const int32_t left = {loop.part.length} - {size} * tile;",
        f"const int32_t {Part.ARGUMENT} = left < {size} ? left : {size};",
    ]


def signed(shift: int) -> str:
    """C for some more, or less; empty for 0."""
    return f" {'+' if shift > 0 else '-'} {abs(shift)}" if shift else ""
