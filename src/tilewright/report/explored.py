"""What `tilewright explore` says: cycles against bytes of one memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2
from pathlib import Path
from xml.sax.saxutils import escape

from rich.console import Console

from tilewright.errors import OptionError
from tilewright.report.text import Json, table

BAR = 24
"""Columns of the longest bar."""


@dataclass(frozen=True, slots=True)
class Point:
    """One memory size.

    size    bytes that there are
    used    bytes of the plan; None where nothing was found to fit
    cycles  of one inference, on the target's own numbers
    moved   bytes that are copied between memories
    """

    size: int
    used: int | None
    cycles: int
    moved: int


@dataclass(frozen=True, slots=True)
class ExploreReport:
    """Points by size, smallest first."""

    model: str
    target: str
    memory: str
    points: tuple[Point, ...]

    @property
    def best(self) -> tuple[Point, ...]:
        """The points that no other beats in memory and in cycles."""
        kept: list[Point] = []
        for point in self.points:
            if point.used is not None and (not kept or point.cycles < kept[-1].cycles):
                kept.append(point)
        return tuple(kept)

    def json(self) -> dict[str, Json]:
        """The machine form."""
        best = self.best
        return {
            "model": self.model,
            "target": self.target,
            "memory": self.memory,
            "points": [
                {
                    "size": p.size,
                    "used": p.used,
                    "cycles": None if p.used is None else p.cycles,
                    "moved": None if p.used is None else p.moved,
                    "is_best": p in best,
                }
                for p in self.points
            ],
        }  # fmt: skip

    def show(self, console: Console) -> None:
        """A table with bars."""
        most = max((point.cycles for point in self.points), default=0)
        best = self.best
        rows = [
            (f"{p.size:,}", "does not fit", "", "", "")
            if p.used is None
            else (
                f"{p.size:,}", f"{p.used:,}", f"{p.cycles:,}", f"{p.moved:,}",
                ("*" if p in best else ".") * max(1, BAR * p.cycles // max(most, 1)),
            )
            for p in self.points
        ]  # fmt: skip
        title = f"{self.model} on {self.target}: cycles by size of {self.memory} (* best so far)"
        columns = (f">{self.memory} [B]", ">Used [B]", ">Cycles", ">Moved [B]", "<Cycles")
        console.print(table(title, columns, rows))

    def plot(self) -> str:
        """Cycles over bytes as an SVG drawing: a step wherever a larger memory is faster."""
        best = self.best
        if not best:
            return _svg(f"{self.model} fits none of these sizes", "", [])
        low, high = log2(self.points[0].size), log2(self.points[-1].size)
        most = max(point.cycles for point in best)
        places = [
            (
                LEFT + (log2(p.size) - low) / max(high - low, 1e-9) * WIDTH,
                TOP + HEIGHT - p.cycles / most * HEIGHT, p,
            )
            for p in best
        ]  # fmt: skip
        corners = [f"{places[0][0]:.1f},{places[0][1]:.1f}"]
        for (_, y, _), (x, lower, _) in pairwise(places):
            corners += [f"{x:.1f},{y:.1f}", f"{x:.1f},{lower:.1f}"]
        corners.append(f"{LEFT + WIDTH},{places[-1][1]:.1f}")
        labels = [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
            f'<text x="{x:.1f}" y="{y - 8:.1f}">{p.cycles:,}</text>'
            f'<text x="{x:.1f}" y="{TOP + HEIGHT + 16}">{p.size:,} B</text>'
            for x, y, p in places
        ]
        title = f"{Path(self.model).name} on {self.target}: cycles by size of {self.memory}"
        return _svg(title, " ".join(corners), labels)


LEFT, TOP, WIDTH, HEIGHT = 40, 40, 720, 300
"""Of the drawing's plane, in pixels."""


def _svg(title: str, corners: str, labels: list[str]) -> str:
    """A line over an axis, with a title and labels."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 2 * LEFT}" '
            f'height="{HEIGHT + 2 * TOP}" font-family="sans-serif" font-size="9" '
            'text-anchor="middle">',
            f'<text x="{LEFT + WIDTH // 2}" y="16" font-size="13">{escape(title)}</text>',
            f'<path d="M{LEFT} {TOP}V{TOP + HEIGHT}H{LEFT + WIDTH}" fill="none" stroke="grey"/>',
            f'<polyline points="{corners}" fill="none" stroke="black"/>',
            *labels,
            "</svg>\n",
        ]
    )


def steps_of(sizes: Sequence[int]) -> tuple[int, ...]:
    """Steps between two sizes; of another number of them just these. Raises OptionError."""
    if not sizes or min(sizes) < 1:
        raise OptionError(f"explore: sizes {list(sizes)}; give a smallest and a largest, in bytes")
    between = steps_between(min(sizes), max(sizes))
    return between if len(sizes) == 2 else tuple(sorted(set(sizes)))


def steps_between(low: int, high: int) -> tuple[int, ...]:
    """Sizes from low to high: each twice the one before, with one and a half times in between."""
    sizes: list[int] = []
    size = low
    while size < high:
        sizes += [size, size + size // 2 & ~3] if size * 3 // 2 < high else [size]
        size *= 2
    return (*sizes, high)
