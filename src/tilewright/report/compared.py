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
class Number:
    """Planned cycles, or bytes of a memory's arena, in both plans."""

    subject: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """All differences between two plans."""

    before: str
    after: str
    changes: tuple[Change, ...]
    numbers: tuple[Number, ...] = ()

    def exceeds(self, cycles: float | None, size: float | None) -> tuple[str, ...]:
        """Numbers that grew by more than so many percent, in words; None: by whatever."""
        found: list[str] = []
        for number in self.numbers:
            allowed = cycles if number.subject == "cycles" else size
            growth = 100 * (number.after - number.before) / max(number.before, 1)
            if allowed is not None and growth > allowed:
                found.append(
                    f"{number.subject} grew by {growth:.2f} %, from {number.before:,} to "
                    f"{number.after:,}; at most {allowed:g} % are allowed"
                )
        return tuple(found)

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "before": self.before,
            "after": self.after,
            "numbers": [
                {"subject": n.subject, "before": n.before, "after": n.after} for n in self.numbers
            ],
            "changes": [
                {"subject": c.subject, "before": c.before, "after": c.after} for c in self.changes
            ],
        }

    def show(self, console: Console) -> None:
        """A table of what changed."""
        if not self.changes:
            paragraph(console, "The plans are the same.")
            return
        for n in self.numbers:
            growth = 100 * (n.after - n.before) / max(n.before, 1)
            change = f"{n.before:,} before, {n.after:,} after, {growth:+.2f} %"
            paragraph(console, f"{n.subject}: {change}")
        rows = [(c.subject, c.before or "-", c.after or "-") for c in self.changes]
        title = f"{len(self.changes)} changes"
        console.print(table(title, ("What", self.before, self.after), rows))


def plan_difference(before: Path, after: Path) -> PlanDifference:
    """What changed from one file to the other.

    Raises OptionError for files that are no plans, and for plans of two networks.
    """
    one, two = _facts(before), _facts(after)
    _need_one_network(before, after, one, two)
    changes = tuple(
        Change(subject, one.get(subject), two.get(subject))
        for subject in dict.fromkeys((*one, *two))
        if one.get(subject) != two.get(subject)
    )
    numbers = _numbers(before), _numbers(after)
    both = [name for name in numbers[0] if name in numbers[1]]
    found = tuple(Number(name, numbers[0][name], numbers[1][name]) for name in both)
    return PlanDifference(str(before), str(after), changes, found)


def _need_one_network(
    before: Path, after: Path, one: Mapping[str, str], two: Mapping[str, str]
) -> None:
    nodes = [{name for name in facts if name.startswith(KERNEL)} for facts in (one, two)]
    common, fewer = len(nodes[0] & nodes[1]), min(len(names) for names in nodes)
    if 2 * common < fewer:
        raise OptionError(
            f"{before} and {after}: plans of two networks, {common} of {fewer} nodes have the same "
            "names; compare plans of one network"
        )


def _numbers(path: Path) -> dict[str, int]:
    plan = cast("Record", json.loads(path.read_text()))
    proof = plan.get("proof")
    cycles = {"cycles": cast("Mapping[str, int]", proof)["cycles"]} if proof else {}
    arenas = cast("Mapping[str, int]", plan["arena_bytes"])
    return cycles | {f"arena {memory}": size for memory, size in arenas.items()}


Record = Mapping[str, Json]

KERNEL = "kernel of "
"""What a fact about a node's kernel begins with."""


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
            facts[f"{KERNEL}{step['node']}"] = kernel
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
