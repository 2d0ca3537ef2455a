"""Placement problems as tables: ``id,lower,upper,size``, one piece of memory per line.

A piece is alive in the half-open range [lower, upper) of times and takes ``size`` bytes. Columns of
other names are kept as they are; those that would change the problem are refused.
"""

import csv
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path

from tilewright.errors import CapacityError, ModelError, OptionError
from tilewright.midend.memory.pack_exactly import pack_exactly
from tilewright.midend.memory.pack_greedily import pack_greedily
from tilewright.midend.memory.pack_to_fit import Verdict, pack_to_fit
from tilewright.midend.memory.packing import Offsets, Packing, Piece

_NEEDED = ("id", "lower", "upper", "size")
_NOT_UNDERSTOOD = ("alignment", "gaps", "hint", "offset")
_MOST_BYTES = 2**31 - 1


@dataclass(frozen=True, slots=True)
class PlacementProblem:
    """One table: its heading, its rows as they stand, and the pieces in bytes."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    pieces: tuple[Piece, ...]

    @property
    def busiest(self) -> tuple[int, int]:
        """(bytes that are alive at the fullest time, that time); (0, 0) for no pieces."""
        times = sorted({piece.start for piece in self.pieces})
        live = [
            (sum(p.size for p in self.pieces if p.start <= time < p.stop), -time) for time in times
        ]
        needed, time = max(live, default=(0, 0))
        return needed, -time


def read_problem(path: Path) -> PlacementProblem:
    """Raises ModelError naming the line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ModelError(f"{path}: no table of comma-separated values: {error}") from None
    columns = tuple(lines[0]) if lines else ()
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise ModelError(
            f"{path}: the heading lacks {', '.join(missing)}; it must name {','.join(_NEEDED)}"
        )
    strange = [name for name in columns if name in _NOT_UNDERSTOOD]
    if strange:
        raise ModelError(
            f"{path}: column {strange[0]} would change the problem and is not supported; "
            f"remove it if it does not matter"
        )
    rows = [(number, tuple(line)) for number, line in enumerate(lines[1:], 2) if line]
    pieces = tuple(_piece(f"{path}, line {number}", columns, row) for number, row in rows)
    total = sum(piece.size for piece in pieces)
    if total > _MOST_BYTES:
        raise ModelError(f"{path}: {total:,} B in all, at most {_MOST_BYTES:,} B are supported")
    return PlacementProblem(columns, tuple(row for _, row in rows), pieces)


def solve_placement(problem: PlacementProblem, capacity: int) -> Offsets:
    """An offset for each piece so that all end within ``capacity`` bytes. Raises CapacityError."""
    needed, time = problem.busiest
    if needed > capacity:
        raise CapacityError(
            f"at time {time}: {needed:,} B are alive at once, {needed - capacity:,} B more than "
            f"the capacity of {capacity:,} B; give --capacity {needed} or more"
        )
    unit = gcd(*(piece.size for piece in problem.pieces)) or 1
    pieces = tuple(Piece(p.size // unit, p.start, p.stop) for p in problem.pieces)
    found = pack_to_fit(pieces, min(capacity, _MOST_BYTES) // unit)
    if found is Verdict.UNKNOWN:
        found = _smallest(pieces, -(-needed // unit))
    if not isinstance(found, Verdict):
        extent = Packing(pieces, {}).extent(found) * unit
        if extent <= capacity:
            return tuple(offset * unit for offset in found)
        raise CapacityError(
            f"no placement in {capacity:,} B was found, nor a proof that there is none; tried a "
            f"search at the capacity and a solver, whose best needs {extent:,} B: "
            f"--capacity {extent} would do"
        )
    raise CapacityError(
        f"no placement in {capacity:,} B exists, though never more than {needed:,} B are alive at "
        "once; give a larger --capacity"
    )


def write_placement(path: Path, problem: PlacementProblem, offsets: Sequence[int]) -> None:
    """The rows as they were, with ``offset`` as last column; all or nothing. Raises OptionError."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow((*problem.columns, "offset"))
            for row, offset in zip(problem.rows, offsets, strict=True):
                table.writerow((*row, offset))
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise OptionError(f"{path}: cannot be written: {error.strerror}") from None


def _piece(where: str, columns: Sequence[str], row: Sequence[str]) -> Piece:
    if len(row) != len(columns):
        raise ModelError(f"{where}: {len(row)} values for {len(columns)} columns")
    cells = dict(zip(columns, row, strict=True))
    numbers: list[int] = []
    for name in ("lower", "upper", "size"):
        try:
            numbers.append(int(cells[name]))
        except ValueError:
            raise ModelError(f"{where}: {name} is {cells[name]!r}, not a whole number") from None
    lower, upper, size = numbers
    if upper <= lower:
        raise ModelError(f"{where}: upper is {upper}, but must be above lower, {lower}")
    if size < 0:
        raise ModelError(f"{where}: size is {size}, but must not be negative")
    return Piece(size, lower, upper)


def _smallest(pieces: tuple[Piece, ...], floor: int) -> Offsets:
    """The lowest placement that a solver finds."""
    packing = Packing(pieces, {})
    return pack_exactly(packing, pack_greedily(packing), floor)[0]
