"""What `tilewright place` says: how much memory the placement of a table of pieces needs."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tilewright.report.text import Json, facts, percent_text, size_text


@dataclass(frozen=True, slots=True)
class PlaceReport:
    """A solved placement problem, in bytes.

    extent   where the highest piece ends
    needed   pieces that are alive at the fullest time
    offsets  one per piece, in the order of the table
    """

    problem: Path
    output: Path
    capacity: int
    extent: int
    needed: int
    offsets: tuple[int, ...]

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "problem": str(self.problem),
            "output": str(self.output),
            "pieces": len(self.offsets),
            "capacity": self.capacity,
            "extent": self.extent,
            "lower_bound": self.needed,
            "offsets": self.offsets,
        }

    def show(self, console: Console) -> None:
        """Four facts."""
        share = percent_text(self.extent, self.capacity)
        console.print(
            facts(
                (
                    ("pieces", f"{len(self.offsets):,}"),
                    ("needs", f"{size_text(self.extent)}, {share} of {size_text(self.capacity)}"),
                    ("alive at once", f"at most {size_text(self.needed)}"),
                    ("written to", str(self.output)),
                )
            )
        )
