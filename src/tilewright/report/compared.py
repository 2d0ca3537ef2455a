"""What `tilewright compare` says: the difference between two stored plans."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from rich.console import Console

from tilewright.errors import OptionError
from tilewright.report.text import Json, paragraph, table


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: of what, what it was, what it is; None where there is nothing."""

    subject: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """All differences between two plans."""

    before: str
    after: str
    changes: tuple[Change, ...]

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "before": self.before,
            "after": self.after,
            "changes": [
                {"subject": c.subject, "before": c.before, "after": c.after} for c in self.changes
            ],
        }

    def show(self, console: Console) -> None:
        """A table of what changed."""
        if not self.changes:
            paragraph(console, "The plans are the same.")
            return
        rows = [(c.subject, c.before or "-", c.after or "-") for c in self.changes]
        title = f"{len(self.changes)} changes"
        console.print(table(title, ("What", self.before, self.after), rows))


def plan_difference(before: Path, after: Path) -> PlanDifference:
    """What changed from one file to the other. Raises OptionError for files that are no plans."""
    one, two = _facts(before), _facts(after)
    changes = tuple(
        Change(subject, one.get(subject), two.get(subject))
        for subject in dict.fromkeys((*one, *two))
        if one.get(subject) != two.get(subject)
    )
    return PlanDifference(str(before), str(after), changes)


Record = Mapping[str, Json]


def _facts(path: Path) -> dict[str, str]:
    """Subject → what the plan says about it."""
    try:
        plan = cast("Record", json.loads(path.read_text()))
        steps = _rows(plan, "steps")
        facts = {"target": str(plan["target"])}
        for memory, size in cast("Mapping[str, int]", plan["arena_bytes"]).items():
            facts[f"arena {memory}"] = f"{size:,} B"
        for step in steps:
            kernel = f"{step['kernel']} on {step['engine']}" if step["kernel"] else "view"
            facts[f"kernel of {step['node']}"] = kernel
        for group in _rows(plan, "groups"):
            start, size = cast("Sequence[int]", group["steps"])
            names = [str(step["node"]) for step in steps[start : start + size]]
            facts[f"tiles of {names[-1]}"] = _tiles(group, names)
        for buffer in _rows(plan, "buffers"):
            offset, size = cast("int", buffer["offset"]), cast("int", buffer["size"])
            facts[f"place of {buffer['name']}"] = f"{buffer['memory']}[{offset}..{offset + size})"
    except OSError as error:
        raise OptionError(f"{path}: cannot be read: {error.strerror}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise OptionError(
            f"{path}: not a plan that tilewright wrote ({type(error).__name__}: {error})"
        ) from None
    return facts


def _rows(plan: Record, name: str) -> Sequence[Record]:
    return cast("Sequence[Record]", plan[name])


def _tiles(group: Record, names: Sequence[str]) -> str:
    """How a group is cut, in a line."""
    tile = "x".join(map(str, cast("Sequence[int]", group["tile"])))
    holds = cast("Mapping[str, str]", group["holds"])
    travels = sum(hold in ("single", "double") for hold in holds.values())
    doubles = sum(hold == "double" for hold in holds.values())
    together = f" with {', '.join(names[:-1])}" if len(names) > 1 else ""
    order = "" if not group["order"] else " in tiles"
    parts = f", sums {group['parts']} at a time" if group["parts"] else ""
    return f"{tile}{order}{together}{parts}; {travels} travel, {doubles} double-buffered"
