"""Instructions per MAC or per output byte over a seeded grid of layer shapes, class by class.

Each layer is compiled for the board as a network would have it, many in one program, and counted by
QEMU's plugin. Writes benchmarks/results/shapes_BOARD.md: quantiles per class, the worst decile by
name, every shape. Compares with the file that is there: exit code 1 where a class has become slower
by more than 3 %.

    benchmarks/shapes.py cortex-m4                  all classes
    benchmarks/shapes.py cortex-m4 depthwise        classes with this in their names; writes nothing
    ... --anyway                                    write the file even where classes are slower
"""

import argparse
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from math import exp, log, prod
from pathlib import Path

import numpy as np
from calibrate import programs
from chosen import Call, Draw
from counted import measure
from fitted import fit
from shape_classes import CLASSES, Made

from tilewright.ops.mean_tflite import QMean
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.ops.rescale import Rounding
from tilewright.pipeline import load_target

RESULTS = Path(__file__).parent / "results"
EACH = 15
"""Shapes of a class."""
SLOWER = 1.03
"""How much more than stored is too much, as the geometric mean over a class."""
SPREAD = 2.5
"""No shape should cost more than so many times its class's median."""
ROUNDINGS = (Rounding.DOUBLE, Rounding.DOUBLE, Rounding.DOUBLE, Rounding.HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Row:
    """One shape. ``work``: what its instructions are divided by; ``outputs``: elements."""

    family: str
    shape: str
    kernel: str
    work: int
    instructions: int
    outputs: int

    @property
    def each(self) -> float:
        """Instructions per MAC or byte."""
        return self.instructions / self.work

    def text(self) -> str:
        """A line of the table; ``parsed`` reads it."""
        return (
            f"| {self.family} | {self.shape} | `{self.kernel}` | {self.work} "
            f"| {self.instructions} | {self.each:.2f} |"
        )


def drawn(family: str, made: Made) -> list[Call]:
    """The shapes of one class, always the same ones, no two alike."""
    draw = Draw(zlib.crc32(family.encode()))
    found: dict[str, Call] = {}
    for rounding in cycle(ROUNDINGS):
        call = made(draw, rounding)
        found.setdefault(described(call), call)
        if len(found) == EACH:
            return list(found.values())
    return []


def described(call: Call) -> str:
    """Operator, inputs and output, in one line."""
    types = " x ".join("x".join(map(str, t.shape)) for t in call.signature.inputs[:2])
    return f"{call.op} on {types}".replace("|", "/")


def run(board: str, words: Sequence[str]) -> list[Row]:
    """Counts of all classes that have one of the words in their names."""
    machine = replace(load_target(board), alternatives=())
    rows: list[Row] = []
    for family, made in CLASSES.items():
        if words and not any(word in family for word in words):
            continue
        calls = drawn(family, made)
        counts = [one for some in programs(calls) for one in measure(machine, some)]
        for call, (count, kernel) in zip(calls, counts, strict=True):
            rows.append(
                Row(family, described(call), kernel, work(call), count, call.signature.output.size)
            )
        print(summary([r for r in rows if r.family == family]), flush=True)
    return rows


def work(call: Call) -> int:
    """MACs, or bytes that are read into outputs: one for each but in pools and means."""
    op, types = call.op, call.signature.inputs
    if isinstance(op, MaxPool2d | QAveragePool2d):
        return call.signature.output.size * prod(op.window.kernel)
    if isinstance(op, QMean):
        return types[0].size
    return op.macs(*types) or call.signature.output.nbytes


def summary(rows: Sequence[Row]) -> str:
    """A class: quantiles of instructions per MAC or byte."""
    each = np.array([row.each for row in rows])
    low, median, high = np.quantile(each, (0.1, 0.5, 0.9))
    worst = each.max()
    return (
        f"| {rows[0].family} | {len(rows)} | {low:.2f} | {median:.2f} | {high:.2f} | {worst:.2f} "
        f"| {worst / median:.1f} |"
    )


def line(rows: Sequence[Row]) -> tuple[str, float]:
    """What a class's shapes cost: per call, per output and per MAC or byte; and by how much the
    worst shape exceeds that, as a factor."""
    terms = np.array([(1, row.outputs, row.work) for row in rows], np.float64)
    counts = np.array([row.instructions for row in rows], np.float64)
    factors = fit(terms, counts)
    ratios = counts / (terms @ factors)
    call, output, each = factors
    text = (
        f"| {rows[0].family} | {call:.0f} | {output:.2f} | {each:.2f} | {ratios.max():.2f} "
        f"| {rows[int(ratios.argmax())].shape} |"
    )
    return text, float(ratios.max())


def report(board: str, rows: Sequence[Row]) -> str:
    """The whole file."""
    families = {family: [r for r in rows if r.family == family] for family in CLASSES}
    worst = [
        row
        for some in families.values()
        for row in sorted(some, key=lambda r: -r.each)[: -(-len(some) // 10)]
    ]
    head = "| class | shape | kernel | work | instructions | each |"
    return "\n".join(
        [
            f"# Layer shapes on {board}", "",
            "Written by `benchmarks/shapes.py`: executed instructions per MAC, or per",
            "byte of output or of a pooling window; compare shapes within a class.", "",
            "| class | shapes | 10 % | median | 90 % | worst | worst / median |",
            "|---|--:|--:|--:|--:|--:|--:|",
            *(summary(some) for some in families.values()), "",
            "Small shapes pay for the call and for every output's requantisation. Fitted to each",
            "class, that is so much per call, output and MAC or byte; the worst shape takes so",
            "many times what this makes of it:", "",
            "| class | call | output | each | worst / line | shape |", "|---|--:|--:|--:|--:|---|",
            *(line(some)[0] for some in families.values()), "",
            "The worst decile of each class:", "", head, "|---|---|---|--:|--:|--:|",
            *(row.text() for row in worst), "", "All shapes:", "", head,
            "|---|---|---|--:|--:|--:|", *(row.text() for row in rows), "",
        ]
    )  # fmt: skip


def parsed(text: str) -> dict[tuple[str, str], int]:
    """(class, shape) → instructions, of a stored run."""
    cells = (line.split(" | ") for line in text.splitlines() if line.count(" | ") == 5)
    rows = (c for c in cells if c[4].isdecimal())
    return {(c[0].removeprefix("| "), c[1]): int(c[4]) for c in rows}


def slower(rows: Sequence[Row], stored: dict[tuple[str, str], int]) -> list[str]:
    """What has become slower, class by class; and what is far from its class's median."""
    said: list[str] = []
    for family in dict.fromkeys(row.family for row in rows):
        some = [r for r in rows if r.family == family and (family, r.shape) in stored]
        ratios = [log(r.instructions / stored[family, r.shape]) for r in some]
        if not ratios:
            continue
        ratio = exp(sum(ratios) / len(ratios))
        print(f"{family:28} {ratio:.3f} of the stored run")
        if ratio > SLOWER:
            said.append(f"{family}: {ratio:.3f} times the stored run")
    return said


def main() -> int:
    """Count, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("board")
    parser.add_argument("words", nargs="*", help="parts of classes' names; all if left out")
    parser.add_argument("--anyway", action="store_true", help="write even what is slower")
    wish = parser.parse_args()
    path = RESULTS / f"shapes_{wish.board}.md"
    rows = run(wish.board, wish.words)
    for family in dict.fromkeys(row.family for row in rows):
        some = [r for r in rows if r.family == family]
        limit = SPREAD * float(np.median([r.each for r in some]))
        for row in (r for r in some if r.each > limit):
            print(f"more than {SPREAD} times the median: {row.text()}")
    said = slower(rows, parsed(path.read_text(encoding="utf-8"))) if path.is_file() else []
    print("\n".join(said))
    if not wish.words and (wish.anyway or not said):
        path.write_text(report(wish.board, rows), encoding="utf-8")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
