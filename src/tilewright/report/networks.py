"""What `tilewright compile` says of several networks in one bundle: a line per entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tilewright.report.text import Json, count_text, facts, size_text, table


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One function of the bundle.

    arguments  name → the most that it may be
    cycles     of one run on the target's clock: where every argument is 1, and at most
    arena      memory → bytes that this entry needs, states included
    """

    name: str
    function: str
    layers: int
    macs: int
    arguments: Mapping[str, int]
    cycles: tuple[int, int]
    arena: Mapping[str, int]

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "name": self.name, "function": self.function, "layers": self.layers,
            "macs": self.macs, "arguments": dict(self.arguments),
            "cycles": {"least": self.cycles[0], "most": self.cycles[1]}, "arena": dict(self.arena),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class NetworkReport:
    """One bundle with several entries.

    arena      memory → bytes that serve every entry, one at a time
    states     name → bytes
    constants  memory → bytes; what entries share counts once
    """

    name: str
    target: str
    entries: tuple[EntryRow, ...]
    arena: Mapping[str, int]
    states: Mapping[str, int]
    constants: Mapping[str, int]
    digest: str
    files: tuple[str, ...]
    folder: Path

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "name": self.name,
            "target": self.target,
            "entries": [row.json() for row in self.entries],
            "arena": dict(self.arena),
            "states": dict(self.states),
            "constants": dict(self.constants),
            "digest": self.digest,
            "files": list(self.files),
            "folder": str(self.folder),
        }

    def show(self, console: Console) -> None:
        """A table of entries, then what they have in common."""
        columns = ("Entry", "Arguments", ">Layers", ">MACs", ">Cycles", ">Arena")
        rows = [
            (
                row.name,
                ", ".join(f"{name} 1 .. {most}" for name, most in row.arguments.items()) or "none",
                str(row.layers),
                count_text(row.macs),
                _cycles(row.cycles),
                ", ".join(f"{memory} {size:,} B" for memory, size in row.arena.items()),
            )
            for row in self.entries
        ]
        console.print(table(f"Entries of {self.name} on {self.target}", columns, rows))
        common = [("Arena", _sizes(self.arena)), ("Constants", _sizes(self.constants))]
        if self.states:
            common.append(("States", _sizes(self.states)))
        functions = ", ".join(row.function for row in self.entries)
        common += [
            ("Written", f"{self.folder}/ ({len(self.files)} files)"),
            ("Include", f"{self.name}.h, then call {functions}"),
        ]
        console.print(facts(common))


def _cycles(cycles: tuple[int, int]) -> str:
    least, most = cycles
    return f"{most:,}" if least == most else f"{least:,} .. {most:,}"


def _sizes(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {size_text(size)}" for name, size in sizes.items()) or "nothing"
