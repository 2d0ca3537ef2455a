"""MiniMalloc's challenge problems A to K through `tilewright place`, each at its capacity.

Runs the command once per problem and takes the processor time of the whole process, start-up
included, on one worker. Judges every placement itself. Prints a markdown table and writes it to
benchmarks/results/minimalloc.md. Exit code 1 where a problem is not solved or takes 5 s.
"""

import csv
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROBLEMS = ROOT.parent / "shared/models/minimalloc"
RESULTS = ROOT / "benchmarks/results/minimalloc.md"
MOST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Placed:
    """One solved problem; bytes and seconds."""

    name: str
    pieces: int
    capacity: int
    alive: int
    extent: int
    seconds: float

    @property
    def row(self) -> str:
        """One line of the table."""
        return (
            f"| {self.name} | {self.pieces} | {self.capacity:,} | {self.alive:,} | "
            f"{self.extent:,} | {self.seconds:.1f} |"
        )


def place(problem: Path) -> Placed:
    """Run the command. Raises ValueError or CalledProcessError where it does not solve it."""
    capacity = int(problem.name.split(".")[1])
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out.csv"
        before = _processor_seconds()
        said = subprocess.run(
            [
                sys.executable, "-m", "tilewright", "place", str(problem),
                "--capacity", str(capacity), "-o", str(output), "--json",
            ],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        seconds = _processor_seconds() - before
        with output.open(newline="") as file:
            rows = [
                tuple(int(row[c]) for c in ("lower", "upper", "size", "offset"))
                for row in csv.DictReader(file)
            ]
    extent = judge(rows)
    if extent > capacity:
        raise ValueError(f"{problem.name}: needs {extent:,} of {capacity:,} bytes")
    alive = json.loads(said)["lower_bound"]
    return Placed(problem.name.split(".")[0], len(rows), capacity, alive, extent, seconds)


def judge(rows: Sequence[tuple[int, ...]]) -> int:
    """Where the highest piece ends. Raises ValueError where two that live together touch."""
    for index, (lower, upper, size, offset) in enumerate(rows):
        for other_lower, other_upper, other_size, other_offset in rows[:index]:
            meets = lower < other_upper and other_lower < upper
            touches = offset < other_offset + other_size and other_offset < offset + size
            if (meets and touches) or offset < 0:
                raise ValueError(f"row {index} touches another one")
    return max(size + offset for _, _, size, offset in rows)


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """Measure, write, judge."""
    placed = [place(problem) for problem in sorted(PROBLEMS.glob("[A-K].*.csv"))]
    late = [p.name for p in placed if p.seconds >= MOST_SECONDS]
    lines = [
        "# MiniMalloc's challenge problems",
        "",
        "`tilewright place PROBLEM.csv --capacity BYTES -o OUT.csv`, one worker, own search in",
        "Python (`midend/memory/pack_to_fit.py`). Sizes in bytes; seconds of processor time,",
        "start-up included, on a shared machine of 2 cores: they change from run to run.",
        "",
        "| problem | pieces | capacity | alive at once | placed in | seconds |",
        "|---|---|---|---|---|---|",
        *(p.row for p in placed),
        "",
        f"Solved at capacity: {len(placed)} of 11. Bound: {MOST_SECONDS:.0f} s each"
        f"{', missed by ' + ', '.join(late) if late else ', met'}.",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    RESULTS.write_text(text)
    return 1 if late or len(placed) < 11 else 0


if __name__ == "__main__":
    sys.exit(main())
