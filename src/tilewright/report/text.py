"""The words and tables that every report shares: sizes, counts, columns, JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

KIB = 1024
SHORTEN_ABOVE = 10_000


class Report(Protocol):
    """What a command prints: one JSON object, or text and tables for a person."""

    def json(self) -> dict[str, Json]:
        """The machine form."""
        ...

    def show(self, console: Console) -> None:
        """The form for people: at most 100 columns."""
        ...


def json_text(report: Report) -> str:
    """One JSON object on one line."""
    return json.dumps(report.json(), ensure_ascii=False)


def size_text(size: int | None) -> str:
    """Bytes as people read them: 768 B, 33,296 B (32.5 KiB); unlimited for None."""
    if size is None:
        return "unlimited"
    exact = f"{size:,} B"
    if size < SHORTEN_ABOVE:
        return exact
    kib = size / KIB
    return f"{exact} ({kib:,.1f} KiB)" if kib < KIB else f"{exact} ({kib / KIB:,.1f} MiB)"


def count_text(number: int) -> str:
    """A large count, rounded to three figures: 950, 12.5 k, 3.81 M."""
    for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.3g} {unit}"
    return str(number)


def percent_text(part: float, whole: float) -> str:
    """A share, or a dash where there is no whole."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Group:
    """A title, a table, an empty line.

    A heading that starts with ``>`` is for numbers: right, never broken over lines; one that starts
    with ``<`` is for words that are never broken, either.
    """
    made = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        made.add_column(
            column.lstrip("<>"),
            justify="right" if column.startswith(">") else "left",
            no_wrap=column.startswith(("<", ">")),
            overflow="fold",
        )
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return Group(Text(title, style="bold"), made, Text())


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Two columns: what, and its value."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(name, Text(value))
    return made


def paragraph(console: Console, text: str, style: str = "") -> None:
    """Text as it stands: no markup, no highlighting."""
    console.print(Text(text, style=style))
