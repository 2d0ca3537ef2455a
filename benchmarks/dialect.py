"""microLlama, a language model in the integer dialect, on the simulated Siracusa.

Reads ../shared/models/integer_dialect: one decoding step with 64 cached tokens, and a prompt of 64
tokens. Each network runs twice in one program; cycles are those of the second, warm inference,
inputs, outputs and weights in L2 or, for N-EUREKA, in weight memory; transfers are included. Also
cycles against the size of L1, how much C there is, and what compiling it takes. Writes
benchmarks/results/dialect.md. Exit code 1 where runs differ, 2 where a bound is missed.
"""

import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tilewright import api
from tilewright.pipeline import Options, compile_model, load_target
from tilewright.report.running import RunReport
from tilewright.run.cluster.runner import build_program
from tilewright.run.host import HostOptions
from tilewright.targets.siracusa.runner import CHIP

ROOT = Path(__file__).parents[1]
MODELS = ROOT.parent / "shared/models/integer_dialect"
RESULTS = ROOT / "benchmarks/results/dialect.md"
KIB = 1024
SIZES = (16, 32, 64, 128, 256)
"""Of L1, in KiB."""
ALONE, BESIDE = ("neureka",), ()
"""Engines that are left out: the cluster alone, and with N-EUREKA."""


@dataclass(frozen=True, slots=True)
class Case:
    """One network. Cycles that we may take: on the cluster ``alone``, with N-EUREKA ``beside``."""

    title: str
    folder: str
    alone: int
    beside: int

    @property
    def path(self) -> Path:
        """The file."""
        return MODELS / self.folder / "network.onnx"


CASES = (
    Case("one step, 64 cached tokens", "microLlama64", 150_000, 120_000),
    Case("prompt of 64 tokens", "microLlama64_parallel", 4_000_000, 2_000_000),
)


def run(case: Case, without: tuple[str, ...], l1: int = 256) -> RunReport:
    """The network with so many KiB of L1."""
    options = Options(memory={"L1": l1 * KIB}, without=without)
    return api.run_model(case.path, "siracusa", options)


def total(report: RunReport) -> int:
    """Cycles of one inference."""
    assert report.count_total is not None
    return report.count_total


def network_lines(reports: dict[tuple[Case, tuple[str, ...]], RunReport]) -> Iterator[str]:
    """Cycles beside bounds and plans."""
    yield "| microLlama | engines | cycles | at most | planned | off |"
    yield "|---|---|--:|--:|--:|--:|"
    for (case, without), report in reports.items():
        cycles, most = total(report), case.alone if without else case.beside
        mark = "" if cycles <= most else " **missed**"
        engines = "cluster" if without else "cluster and N-EUREKA"
        off = 100 * (report.planned - cycles) / cycles
        yield (
            f"| {case.title} | {engines} | {cycles:,}{mark} | {most:,} | "
            f"{report.planned:,} | {off:+.0f} % |"
        )


def operator_lines(report: RunReport) -> Iterator[str]:
    """Cycles of all layers of an operator."""
    calls, cycles, planned = Counter[str](), Counter[str](), Counter[str]()
    for layer in report.layers:
        key = f"{layer.op.split('(')[0]} | {layer.engine}"
        calls[key] += 1
        cycles[key] += layer.count or 0
        planned[key] += layer.planned
    yield "| operator | engine | layers | cycles | planned |"
    yield "|---|---|--:|--:|--:|"
    for key, count in cycles.most_common():
        yield f"| {key} | {calls[key]} | {count:,} | {planned[key]:,} |"


def text_line(case: Case) -> str:
    """How much C there is beside its binary file, kernels and headers included, and the compiler's
    processor time with harness and start-up code."""
    made = compile_model(case.path, load_target("siracusa"), Options(weights="blob"))
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        options = HostOptions()
        build_program(CHIP, made.bundle, made.program, made.target.toolchain, Path(folder), options)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = sum(map(len, made.bundle.files.values()))
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return f"| {case.title} | {text:,} B | {seconds:.1f} s |"


def report_lines(reports: dict[tuple[Case, tuple[str, ...]], RunReport]) -> Iterator[str]:
    """The page."""
    yield from ("# microLlama on Siracusa", "", "Simulated cycles of one warm inference.", "")
    yield from (*network_lines(reports), "")
    for (case, without), report in reports.items():
        engines = "cluster" if without else "cluster and N-EUREKA"
        yield from (f"## {case.title}: {engines}", "", *operator_lines(report), "")
    yield from ("## Size of L1", "", "Cluster and N-EUREKA; stacks and scratch included.", "")
    yield f"| network | {' | '.join(f'{size} KiB' for size in SIZES)} |"
    yield f"|---|{'--:|' * len(SIZES)}"
    for case in CASES:
        cells = [f"{total(run(case, BESIDE, size)):,}" for size in SIZES]
        yield f"| {case.title} | {' | '.join(cells)} |"
    yield from ("", "## Generated C", "", "Weights in a binary file; `-O2`.", "")
    yield from ("| network | text | compiling |", "|---|--:|--:|", *map(text_line, CASES), "")


def main() -> int:
    """Measure, print, write."""
    reports = {(case, out): run(case, out) for case in CASES for out in (BESIDE, ALONE)}
    text = "\n".join(report_lines(reports))
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    if not all(report.runs_identical for report in reports.values()):
        return 1
    missed = [
        case
        for (case, out), report in reports.items()
        if total(report) > (case.alone if out else case.beside)
    ]
    return 2 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
