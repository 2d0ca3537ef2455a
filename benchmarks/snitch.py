"""Cycles of attention and of encoders on the simulated Snitch cluster with ITA.

Networks have drawn weights (src/tilewright/builders). Each runs twice in one program; cycles are
those of the second, warm inference, inputs, outputs and weights in L2, with the times of the
cluster's hardware. Utilisation is of 1,024 multiply-accumulates a cycle; work that only fills tiles
does not count. Energy is an estimate and no measurement: a published power times the time. Writes
benchmarks/results/snitch.md. Exit code 1 where runs differ, 2 where a bound is missed.

    benchmarks/snitch.py          everything: some minutes
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
from tilewright.targets.snitch.energy import MILLIWATTS, SPEED

RESULTS = Path(__file__).parent / "results/snitch.md"
TOKENS, WIDTH, DEPTH = 128, 128, 64
HEAD_MACS = TOKENS * (3 * WIDTH * DEPTH + 2 * TOKENS * DEPTH + DEPTH * WIDTH)
LAYER_MACS = TOKENS * (2 * 512 * 128 + 4 * 128 * 128 + 2 * TOKENS * 128 + 8 * 128 * 512)
LAYERS = 24


def encoder_macs(tokens: int, layers: int) -> int:
    """Of layers of width 384: projections, attention, a middle of 1,536."""
    width = 384
    return layers * tokens * (4 * width**2 + 2 * tokens * width + 2 * width * 1536)


DINO_MACS = 241 * 588 * 384 + encoder_macs(241, 12)
WHISPER_MACS = 1024 * 240 * 384 + 512 * 3 * 384**2 + encoder_macs(512, 4)


@dataclass(frozen=True, slots=True)
class Case:
    """One network; ``most``: cycles that we may take."""

    name: str
    file: str
    macs: int
    most: int


CASES = (
    Case("attention head, S 128, P 64, E 128", "head.onnx", HEAD_MACS, 7_680),
    Case("MobileBERT, one layer, S 128", "layer.onnx", LAYER_MACS, 185_000),
    Case("MobileBERT, 24 layers, S 128", "whole.onnx", LAYERS * LAYER_MACS, 4_500_000),
    Case("DINOv2-S, S 241", "dino.onnx", DINO_MACS, 9_000_000),
    Case("Whisper-tiny encoder, S 512", "whisper.onnx", WHISPER_MACS, 7_000_000),
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
    if len(cases) == len(CASES):
        write_model("mobilebert", folder / "whole.onnx")
        write_model("dinov2-s", folder / "dino.onnx")
        write_model("whisper-tiny-encoder", folder / "whisper.onnx")


def rows(cases: tuple[Case, ...], cycles: list[int]) -> Iterator[str]:
    """The table."""
    yield (
        "| network | MACs | cycles | at most | ITA in use | GOp/s | per second | mJ (estimate) |"
    )
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for case, count in zip(cases, cycles, strict=True):
        use, rate = SPEED.in_use(case.macs, count), SPEED.per_second(count)
        missed = "" if count <= case.most else " **missed**"
        yield (
            f"| {case.name} | {case.macs:,} | {count:,}{missed} | {case.most:,} | "
            f"{use:.1%} | {SPEED.gop_per_second(case.macs, count):.0f} | {rate:,.1f} | "
            f"{MILLIWATTS / rate:.4f} |"
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
            report = api.run_model(folder / case.file, "snitch-ita")
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
