"""Cycles of the MLPerf Tiny networks on the simulated Siracusa, and of the pack's kernels.

Reads the four .tflite files from ../shared/models/mlperf_tiny. Each network runs twice in one
program; cycles are those of the second, warm inference, inputs, outputs and weights in L2. Kernels
are measured in networks of one layer, transfers included. Writes benchmarks/results/siracusa.md.
Exit code 1 where runs differ, 2 where a bound is missed.

    benchmarks/siracusa.py          everything
    benchmarks/siracusa.py kws      only networks with this word in their name; writes nothing
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tilewright import api
from tilewright.pipeline import Options
from tilewright.report.running import RunReport

ROOT = Path(__file__).parents[1]
MODELS = ROOT.parent / "shared/models/mlperf_tiny"
RESULTS = ROOT / "benchmarks/results/siracusa.md"
KIB = 1024
SIZES = (16, 32, 64, 128, 256)
"""Of L1, in KiB."""


@dataclass(frozen=True, slots=True)
class Case:
    """One network. ``most``: cycles that we may take on the cluster alone."""

    name: str
    file: str
    most: int


CASES = (
    Case("IC", "ic01_resnet8_int8.tflite", 850_000),
    Case("KWS", "kws01_int8.tflite", 200_000),
    Case("VWW unpruned", "vww96_int8.tflite", 560_000),
    Case("AD", "ad01_int8.tflite", 24_000),
)


def run(case: Case, l1: int = 256) -> RunReport:
    """The network with so many KiB of L1."""
    options = Options(prune=False, memory={"L1": l1 * KIB})
    return api.run_model(MODELS / case.file, "siracusa", options)


def total(report: RunReport) -> int:
    """Cycles of one inference."""
    assert report.count_total is not None
    return report.count_total


def network_lines(reports: dict[str, RunReport]) -> Iterator[str]:
    """Cycles beside bounds."""
    yield "| network | MACs | cycles | at most | MAC/cycle |"
    yield "|---|--:|--:|--:|--:|"
    for case in CASES:
        if case.name in reports:
            cycles, macs = total(reports[case.name]), reports[case.name].macs[1]
            mark = "" if cycles <= case.most else " **missed**"
            yield (
                f"| {case.name} | {macs:,} | {cycles:,}{mark} | {case.most:,} | "
                f"{macs / cycles:.2f} |"
            )


def layer_lines(report: RunReport) -> Iterator[str]:
    """Cycles of each layer."""
    yield "| layer | operators | MACs | cycles | MAC/cycle |"
    yield "|---|---|--:|--:|--:|"
    for layer in report.layers:
        cycles = layer.count or 0
        yield (
            f"| {layer.name} | {layer.op} | {layer.macs:,} | {cycles:,} | "
            f"{layer.macs / max(cycles, 1):.2f} |"
        )


def size_lines(chosen: list[Case]) -> Iterator[str]:
    """Cycles against the size of L1."""
    yield f"| network | {' | '.join(f'{size} KiB' for size in SIZES)} |"
    yield f"|---|{'--:|' * len(SIZES)}"
    for case in chosen:
        cells = [f"{total(run(case, size)):,}" for size in SIZES]
        yield f"| {case.name} | {' | '.join(cells)} |"


def main() -> int:
    """Measure, print, write."""
    words = sys.argv[1:]
    chosen = [c for c in CASES if all(w.lower() in c.name.lower() for w in words)]
    reports = {case.name: run(case) for case in chosen}
    lines = ["# Siracusa, cluster only", "", *network_lines(reports), ""]
    for case in chosen:
        lines += [f"## {case.name}", "", *layer_lines(reports[case.name]), ""]
    if not words:
        lines += ["## Size of L1", "", "Stacks and scratch included.", "", *size_lines(chosen), ""]
    print("\n".join(lines))
    if not words:
        RESULTS.write_text("\n".join(lines), encoding="utf-8")
    if not all(report.runs_identical for report in reports.values()):
        return 1
    return 2 if any(total(reports[c.name]) > c.most for c in chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
