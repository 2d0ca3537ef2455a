"""Cycles of attention and of MobileBERT on the simulated Snitch cluster with ITA.

Networks have drawn weights (src/tilewright/builders). Each runs twice in one program; cycles are
those of the second, warm inference, inputs, outputs and weights in L2, with the times of the
cluster's hardware. Utilisation is of 1,024 multiply-accumulates a cycle; work that only fills tiles
does not count. Energy is 52.0 mW times the time at 425 MHz: the power that was published for
MobileBERT on this cluster at 0.65 V, so an estimate and no measurement. Writes
benchmarks/results/snitch.md. Exit code 1 where runs differ, 2 where a bound is missed.

    benchmarks/snitch.py          everything: ten minutes
    benchmarks/snitch.py layer    the attention head and one layer only; writes nothing
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tilewright import api
from tilewright.api_models import write_model
from tilewright.builders.tile_network import TileNetwork
from tilewright.pipeline import Options

RESULTS = Path(__file__).parent / "results/snitch.md"
PEAK = 1024
CLOCK = 425e6
POWER = 52.0e-3
TOKENS, WIDTH, DEPTH = 128, 128, 64
HEAD_MACS = TOKENS * (3 * WIDTH * DEPTH + 2 * TOKENS * DEPTH + DEPTH * WIDTH)
LAYER_MACS = TOKENS * (2 * 512 * 128 + 4 * 128 * 128 + 2 * TOKENS * 128 + 8 * 128 * 512)
LAYERS = 24


@dataclass(frozen=True, slots=True)
class Case:
    """One network; ``most``: cycles that we may take."""

    name: str
    file: str
    macs: int
    effort: str
    most: int


CASES = (
    Case("attention head, S 128, P 64, E 128", "head.onnx", HEAD_MACS, "best", 12_000),
    Case("MobileBERT, one layer, S 128", "layer.onnx", LAYER_MACS, "best", 185_000),
    Case("MobileBERT, 24 layers, S 128", "whole.onnx", LAYERS * LAYER_MACS, "best", 4_500_000),
)


def write_networks(folder: Path, cases: tuple[Case, ...]) -> None:
    """The files of the cases."""
    net = TileNetwork("head", np.random.default_rng(0))
    x = net.input("x", TOKENS, WIDTH)
    q, k = (net.product(x, net.weights(net.drawn(DEPTH, WIDTH, 16)), name) for name in "qk")
    v = net.transposed(x, net.weights(net.drawn(DEPTH, WIDTH, 16)), "v")
    joined = net.attention(q, k, v, 1, "heads")
    net.write(
        str(folder / "head.onnx"),
        net.product(joined, net.weights(net.drawn(WIDTH, DEPTH, 16)), "o"),
    )
    write_model("mobilebert", folder / "layer.onnx", layers=1)
    if cases[-1].file == "whole.onnx":
        write_model("mobilebert", folder / "whole.onnx")


def rows(cases: tuple[Case, ...], cycles: list[int]) -> Iterator[str]:
    """The table."""
    yield (
        "| network | MACs | cycles | at most | ITA in use | GOp/s | per second | mJ (estimate) |"
    )
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for case, count in zip(cases, cycles, strict=True):
        seconds = count / CLOCK
        missed = "" if count <= case.most else " **missed**"
        yield (
            f"| {case.name} | {case.macs:,} | {count:,}{missed} | {case.most:,} | "
            f"{case.macs / PEAK / count:.1%} | {2 * case.macs / seconds / 1e9:.0f} | "
            f"{1 / seconds:,.1f} | {POWER * seconds * 1e3:.4f} |"
        )


def main() -> int:
    """Measure, print, write."""
    cases = CASES[:2] if sys.argv[1:] == ["layer"] else CASES
    cycles: list[int] = []
    is_identical = True
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_networks(folder, cases)
        for case in cases:
            options = Options(effort=case.effort)
            report = api.run_model(folder / case.file, "snitch-ita", options)
            assert report.count_total is not None
            cycles.append(report.count_total)
            is_identical = is_identical and report.runs_identical
    lines = ["# Snitch cluster with ITA, 425 MHz", "", *rows(cases, cycles), ""]
    print("\n".join(lines))
    if cases is CASES:
        RESULTS.write_text("\n".join(lines), encoding="utf-8")
    if not is_identical:
        return 1
    return 2 if any(c > case.most for case, c in zip(cases, cycles, strict=True)) else 0


if __name__ == "__main__":
    sys.exit(main())
