"""Instructions per inference of the MLPerf Tiny networks on the host, beside other tools' numbers.

Reads the four .tflite files from ../shared/models/mlperf_tiny and asks `tilewright run --count` for
callgrind's count of one inference (gcc -O3 -march=x86-64-v3, one thread). Prints markdown tables
and writes them to benchmarks/results/host.md. Exit code 1 where a bound is missed.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODELS = ROOT.parent / "shared/models/mlperf_tiny"
RESULTS = ROOT / "benchmarks/results/host.md"


@dataclass(frozen=True, slots=True)
class Case:
    """One network, what other tools need for it, and what we promise.

    peers        instructions per inference in millions: Deeploy "Generic", emx-onnx-cgen QDQ,
                 onnx2c QDQ; gcc 12 -O3, callgrind, one thread; measured by us
    most         instructions that we may take, in millions; None where no promise is made
    most_ram     bytes of arena with input and output, without scratch, that we may take
    """

    name: str
    file: str
    peers: tuple[float, float, float]
    most: float | None
    most_ram: int
    options: tuple[str, ...] = ()


CASES = (
    Case("IC ResNet-8", "ic01_resnet8_int8", (201.4, 61.1, 120.7), 30.0, 33_296),
    Case("KWS DS-CNN", "kws01_int8", (70.2, 8.9, 12.9), 4.4, 8_384),
    Case("VWW MobileNet", "vww96_int8", (259.2, 31.1, 34.9), 15.0, 36_864, ("--no-prune",)),
    Case("VWW, dead channels removed", "vww96_int8", (259.2, 31.1, 34.9), None, 36_864),
    Case("AD autoencoder", "ad01_int8", (2.98, 0.83, 0.85), 0.4, 768),
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What `tilewright run` said about one case; bytes."""

    case: Case
    instructions: int
    macs: int
    arena: int
    scratch: int
    stack: int
    flash: int

    @property
    def misses(self) -> list[str]:
        """Promises that are not kept, in words."""
        case, found = self.case, []
        if case.most is not None and self.instructions > case.most * 1e6:
            found.append(f"{case.name}: {self.instructions:,} instructions, at most {case.most} M")
        if self.arena > case.most_ram:
            found.append(f"{case.name}: arena {self.arena:,} bytes, at most {case.most_ram:,}")
        return found


def measure(case: Case) -> Measurement:
    """Run one case. The counted inference is a warm one on seeded random input."""
    command = [
        sys.executable, "-m", "tilewright", "run", str(MODELS / f"{case.file}.tflite"),
        "--target", "host", "--count", "--json", *case.options,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    told = json.loads(done.stdout)
    ram, flash = told["memory"]["ram"], told["memory"]["flash"]
    parts = ram["parts"]
    return Measurement(
        case,
        told["count"]["total"],
        told["macs"]["compiled"],
        parts["arena"] + parts.get("io", 0),
        parts.get("scratch", 0),
        parts.get("stack", 0),
        flash["used"],
    )


def speed_table(measurements: list[Measurement]) -> list[str]:
    """Instructions, per MAC, and the best peer's as a multiple of ours."""
    lines = [
        "| network | MACs | Tilewright, M instructions | per MAC | Deeploy Generic "
        "| emx-onnx-cgen | onnx2c | best peer / ours |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for m in measurements:
        peers = " | ".join(f"{peer:g}" for peer in m.case.peers)
        millions = m.instructions / 1e6
        lines.append(
            f"| {m.case.name} | {m.macs:,} | {millions:.3f} | {m.instructions / m.macs:.2f} "
            f"| {peers} | {min(m.case.peers) / millions:.1f} |"
        )
    return lines


def memory_table(measurements: list[Measurement]) -> list[str]:
    """Bytes; flash includes code as gcc -O3 makes it for this machine."""
    lines = [
        "| network | arena with input and output | scratch | stack | code and constants |",
        "|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {m.case.name} | {m.arena:,} | {m.scratch:,} | {m.stack:,} | {m.flash:,} |"
        for m in measurements
    ]
    return lines


def report(measurements: list[Measurement]) -> str:
    """The whole page."""
    gcc = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=True)
    return "\n".join(
        [
            "# Host: x86-64, one thread",
            "",
            f"Written by `benchmarks/host.py` with {gcc.stdout.splitlines()[0]}.",
            "Callgrind instructions of one inference, -O3 -march=x86-64-v3. The peers' columns",
            "were measured with the same counter, gcc 12 -O3, on the same networks as ONNX QDQ",
            "files; Deeploy's KWS column is a variant with 2.13 M MACs.",
            "",
            *speed_table(measurements),
            "",
            "Bytes:",
            "",
            *memory_table(measurements),
            "",
        ]
    )


def main() -> None:
    """Measure all cases, print, store, judge."""
    if not MODELS.is_dir():
        sys.exit(f"{MODELS} is absent: this benchmark needs the MLPerf Tiny networks there")
    missing = [tool for tool in ("gcc", "valgrind") if shutil.which(tool) is None]
    if missing:
        sys.exit(f"this benchmark needs {' and '.join(missing)}")
    measurements = [measure(case) for case in CASES]
    page = report(measurements)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(page)
    print(page)
    missed = [miss for m in measurements for miss in m.misses]
    if missed:
        sys.exit("\n".join(missed))


if __name__ == "__main__":
    main()
