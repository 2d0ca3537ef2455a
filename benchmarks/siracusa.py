"""Cycles of the MLPerf Tiny networks on the simulated Siracusa, beside bounds and plans.

Reads the four .tflite files from ../shared/models/mlperf_tiny. Each network runs twice in one
program; cycles are those of the second, warm inference, inputs, outputs and weights in L2 or, for
N-EUREKA, in weight memory; transfers are included. Three rows each: the cluster alone under the
file's own contract and under `pulp`, and with N-EUREKA under `pulp`. Writes
benchmarks/results/siracusa.md. Exit code 1 where runs differ, 2 where a bound is missed.

    benchmarks/siracusa.py          everything
    benchmarks/siracusa.py kws      only networks with this word in their name; writes nothing
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tilewright import api
from tilewright.ir.graph import Contract
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
    """One network. Cycles that we may take: on the cluster ``alone``, with N-EUREKA ``beside``."""

    name: str
    file: str
    alone: int
    beside: int


@dataclass(frozen=True, slots=True)
class Row:
    """Engines and arithmetic. ``contract``: None is the file's own."""

    title: str
    contract: Contract | None
    without: tuple[str, ...]

    def most(self, case: Case) -> int:
        """The bound of such a row."""
        return case.alone if self.without else case.beside


CASES = (
    Case("IC", "ic01_resnet8_int8.tflite", 850_000, 85_000),
    Case("KWS", "kws01_int8.tflite", 200_000, 62_000),
    Case("VWW unpruned", "vww96_int8.tflite", 560_000, 120_000),
    Case("AD", "ad01_int8.tflite", 24_000, 19_000),
)
ROWS = (
    Row("cluster, tflite", None, ("neureka",)),
    Row("cluster, pulp", Contract.PULP, ("neureka",)),
    Row("cluster and N-EUREKA, pulp", Contract.PULP, ()),
)
Reports = dict[tuple[Case, Row], RunReport]


def run(case: Case, row: Row, l1: int = 256) -> RunReport:
    """The network with so many KiB of L1."""
    options = Options(
        contract=row.contract, prune=False, memory={"L1": l1 * KIB}, without=row.without
    )
    return api.run_model(MODELS / case.file, "siracusa", options)


def total(report: RunReport) -> int:
    """Cycles of one inference."""
    assert report.count_total is not None
    return report.count_total


def off_text(planned: int, cycles: int) -> str:
    """How far a plan is from what was simulated."""
    return f"{100 * (planned - cycles) / max(cycles, 1):+.0f} %"


def network_lines(reports: Reports) -> Iterator[str]:
    """Cycles beside bounds and plans."""
    yield "| network | row | cycles | at most | MAC/cycle | planned | off | estimated uJ |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|"
    for (case, row), report in reports.items():
        cycles, most = total(report), row.most(case)
        assert report.energy is not None
        mark = "" if cycles <= most else " **missed**"
        yield (
            f"| {case.name} | {row.title} | {cycles:,}{mark} | {most:,} | "
            f"{report.macs[1] / cycles:.2f} | {report.planned:,} | "
            f"{off_text(report.planned, cycles)} | {report.energy.microjoules:.1f} |"
        )


def layer_lines(report: RunReport) -> Iterator[str]:
    """Cycles of each layer."""
    yield "| layer | operators | engine | MACs | cycles | MAC/cycle | planned | off |"
    yield "|---|---|---|--:|--:|--:|--:|--:|"
    for layer in report.layers:
        cycles = layer.count or 0
        yield (
            f"| {layer.name} | {layer.op} | {layer.engine} | {layer.macs:,} | {cycles:,} | "
            f"{layer.macs / max(cycles, 1):.2f} | {layer.planned:,} | "
            f"{off_text(layer.planned, cycles)} |"
        )


def size_lines(chosen: list[Case]) -> Iterator[str]:
    """Cycles against the size of L1."""
    yield f"| network | {' | '.join(f'{size} KiB' for size in SIZES)} |"
    yield f"|---|{'--:|' * len(SIZES)}"
    for case in chosen:
        cells = [f"{total(run(case, ROWS[0], size)):,}" for size in SIZES]
        yield f"| {case.name} | {' | '.join(cells)} |"


def report_lines(chosen: list[Case], reports: Reports, *, is_whole: bool) -> Iterator[str]:
    """The page; the whole one also compares sizes of L1."""
    yield from ("# Siracusa", "", "Simulated cycles of one warm inference; energy is an estimate.")
    yield from ("", *network_lines(reports), "")
    for (case, row), report in reports.items():
        if row is not ROWS[1]:
            yield from (f"## {case.name}: {row.title}", "", *layer_lines(report), "")
    if is_whole:
        yield from ("## Size of L1", "", "Cluster, tflite; stacks and scratch included.", "")
        yield from (*size_lines(chosen), "")


def main() -> int:
    """Measure, print, write."""
    words = sys.argv[1:]
    chosen = [c for c in CASES if all(w.lower() in c.name.lower() for w in words)]
    reports = {(case, row): run(case, row) for case in chosen for row in ROWS}
    text = "\n".join(report_lines(chosen, reports, is_whole=not words))
    print(text)
    if not words:
        RESULTS.write_text(text, encoding="utf-8")
    if not all(report.runs_identical for report in reports.values()):
        return 1
    missed = [row for (case, row), report in reports.items() if total(report) > row.most(case)]
    return 2 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
