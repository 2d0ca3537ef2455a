"""Instructions, RAM and flash of the MLPerf Tiny networks on four Cortex-M boards under QEMU.

Reads the four .tflite files from ../shared/models/mlperf_tiny. Runs each network twice on three
seeded inputs, compares the outputs with LiteRT's reference kernels, and counts the executed
instructions of one inference after the first. Prints markdown tables and writes them to
benchmarks/results/cortex_m.md. Exit code 1 where an output differs, 2 where a bound is missed.

    benchmarks/cortex_m.py            all networks on all boards
    benchmarks/cortex_m.py kws m55    only what has these words in its name; writes nothing
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tilewright import api
from tilewright.pipeline import Options, import_graph
from tilewright.report.profile import Profile
from tilewright.run.judges.litert import LiteRt

ROOT = Path(__file__).parents[1]
MODELS = ROOT.parent / "shared/models/mlperf_tiny"
RESULTS = ROOT / "benchmarks/results/cortex_m.md"
TARGETS = ("cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
KIB = 1024
SAMPLES = 3
HOT = 3
"""Functions whose instructions are shown where a bound is missed."""
SAME = 0.02
"""How far the M33 may be from the M4."""


@dataclass(frozen=True, slots=True)
class Case:
    """One network, what TFLite Micro with CMSIS-NN needs for it, and what we promise.

    peers  executed instructions in millions by target, same QEMU and counter, measured by us
    most   instructions that we may take, in millions, by target
    ram    bytes of arena, input, output, scratch and stack that we may take
    flash  bytes of weights, tables, code and startup that we may take
    """

    name: str
    file: str
    peers: dict[str, float]
    most: dict[str, float]
    ram: int
    flash: int
    prunes: bool = True


def _by_core(m4: float, m55: float) -> dict[str, float]:
    return {"cortex-m4": m4, "cortex-m55": m55}


CASES = (
    Case(
        "IC ResNet-8", "ic01_resnet8_int8",
        _by_core(29.863690, 4.912004), _by_core(16.5, 2.6), 36 * KIB, 96_000,
    ),
    Case(
        "KWS DS-CNN", "kws01_int8",
        _by_core(7.699665, 1.815597), _by_core(4.2, 0.95), 10 * KIB, 38_000,
    ),
    Case(
        "VWW MobileNet", "vww96_int8",
        _by_core(24.101518, 6.557926), _by_core(12.0, 2.7), 40 * KIB, 250_000, prunes=False,
    ),
    Case(
        "VWW, dead channels removed", "vww96_int8",
        _by_core(24.101518, 6.557926), _by_core(6.5, 1.5), 40 * KIB, 75_000,
    ),
    Case(
        "AD autoencoder", "ad01_int8",
        _by_core(0.582862, 0.149927), _by_core(0.38, 0.080), 2 * KIB, 282_000,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measurement:
    """One network on one board; bytes. ``differing``: output bytes that LiteRT has otherwise."""

    case: Case
    target: str
    instructions: int
    macs: int
    ram: dict[str, int]
    flash: dict[str, int]
    differing: int
    are_runs_identical: bool
    profile: Profile

    @property
    def is_right(self) -> bool:
        """Whether outputs are LiteRT's, in both runs."""
        return self.differing == 0 and self.are_runs_identical

    @property
    def misses(self) -> list[str]:
        """Promises that are not kept, in words."""
        where, found = f"{self.case.name} on {self.target}", []
        most = self.case.most.get(self.target)
        if most is not None and self.instructions > most * 1e6:
            over = self.instructions / (most * 1e6) - 1
            found.append(
                f"{where}: {self.instructions:,} instructions, {over:.1%} more than {most} M"
            )
        for what, parts, bound in (
            ("RAM", self.ram, self.case.ram),
            ("flash", self.flash, self.case.flash),
        ):
            used = sum(parts.values())
            if used > bound:
                found.append(f"{where}: {used:,} bytes of {what}, {used - bound:,} over {bound:,}")
        return found


def measure(case: Case, target: str) -> Measurement:
    """Run one network on one board."""
    model = MODELS / f"{case.file}.tflite"
    options = Options(prune=case.prunes)
    source = import_graph(model, options)
    (name,) = source.inputs
    rng = np.random.default_rng(0)
    shape = (SAMPLES, *source.type(name).shape)
    inputs = {name: rng.integers(-128, 128, shape, np.int8)}
    settings = api.RunSettings(repeat=2, profiles=True)
    report = api.run_model(model, target, options, inputs=inputs, settings=settings)
    assert report.profile is not None
    judge = LiteRt(model)
    (output,) = report.outputs
    differing = sum(
        int((judge.tensors({name: inputs[name][i]})[output] != report.outputs[output][i]).sum())
        for i in range(SAMPLES)
    )
    by_name = {memory.name: dict(memory.parts) for memory in report.memories}
    flash = by_name.pop("flash")
    ram = {part: size for parts in by_name.values() for part, size in parts.items()}
    return Measurement(
        case, target, report.profile.total, report.macs[1], ram, flash, differing,
        report.runs_identical, report.profile,
    )  # fmt: skip


def speed_table(found: list[Measurement]) -> list[str]:
    """Instructions, per MAC, the bound, and TFLite Micro's as a multiple of ours."""
    lines = [
        "| network | board | instructions | per MAC | at most | TFLM + CMSIS-NN | TFLM / ours |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for m in found:
        most, peer = m.case.most.get(m.target), m.case.peers.get(m.target)
        bound = f"{most * 1e6:,.0f}" if most else ""
        theirs = f"{peer * 1e6:,.0f}" if peer else ""
        ratio = f"{peer * 1e6 / m.instructions:.2f}" if peer else ""
        lines.append(
            f"| {m.case.name} | {m.target} | {m.instructions:,} | {m.instructions / m.macs:.2f} "
            f"| {bound} | {theirs} | {ratio} |"
        )
    return lines


def memory_table(found: list[Measurement]) -> list[str]:
    """Bytes by what they are for."""
    columns = ("arena", "scratch", "stack"), ("weights", "tables", "code", "startup")
    lines = [
        f"| network | board | {' | '.join(columns[0])} | RAM | at most "
        f"| {' | '.join(columns[1])} | flash | at most |",
        f"|---|---|{'--:|' * 11}",
    ]
    for m in found:
        ram = " | ".join(f"{m.ram.get(part, 0):,}" for part in columns[0])
        flash = " | ".join(f"{m.flash.get(part, 0):,}" for part in columns[1])
        lines.append(
            f"| {m.case.name} | {m.target} | {ram} | {sum(m.ram.values()):,} | {m.case.ram:,} "
            f"| {flash} | {sum(m.flash.values()):,} | {m.case.flash:,} |"
        )
    return lines


def same_table(found: list[Measurement]) -> tuple[list[str], list[str]]:
    """The M33 beside the M4, and where they are too far apart."""
    by_core = {(m.case.name, m.target): m.instructions for m in found}
    lines, misses = ["| network | M33 / M4 |", "|---|--:|"], list[str]()
    for case in CASES:
        ours = by_core.get((case.name, "cortex-m33")), by_core.get((case.name, "cortex-m4"))
        if ours[0] is None or ours[1] is None:
            continue
        ratio = ours[0] / ours[1]
        lines.append(f"| {case.name} | {ratio:.3f} |")
        if abs(ratio - 1) > SAME:
            misses.append(f"{case.name}: cortex-m33 takes {ratio:.3f} times the M4's instructions")
    return lines, misses


def hot_functions(m: Measurement) -> list[str]:
    """The functions that take most of the inference, and what they execute."""
    lines = [f"- {m.case.name} on {m.target}:"]
    for name, mix in list(m.profile.functions.items())[:HOT]:
        whole = sum(mix.values())
        said = ", ".join(f"{what} {count / whole:.0%}" for what, count in list(mix.items())[:8])
        lines.append(f"  - `{name}` {whole / m.instructions:.0%} of all: {said}")
    return lines


def version(tool: str) -> str:
    """The first line that a program says about itself."""
    said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True)
    return said.stdout.partition("\n")[0]


def page(found: list[Measurement]) -> tuple[str, list[str]]:
    """The whole page, and every bound that is missed."""
    same, misses = same_table(found)
    misses += [miss for m in found for miss in m.misses]
    over = [m for m in found if any("instructions" in miss for miss in m.misses)]
    wrong = [f"{m.case.name} on {m.target}" for m in found if not m.is_right]
    verdict = (
        f"Wrong: {', '.join(wrong)}."
        if wrong
        else f"Outputs of all {len(found)} are byte for byte those of LiteRT's reference kernels,\n"
        f"on {SAMPLES} seeded inputs and in two runs."
    )
    lines = [
        "# Cortex-M under QEMU",
        "",
        f"Written by `benchmarks/cortex_m.py` with {version('arm-none-eabi-gcc')} and",
        f"{version('qemu-system-arm')}.",
        "Executed instructions of one inference after the first. TFLM + CMSIS-NN was measured with",
        "the same emulator and counter on the same files.",
        "",
        verdict,
        "",
        *speed_table(found),
        "",
        "Bytes; the arena has input and output in it; flash is the whole firmware:",
        "",
        *memory_table(found),
        "",
        *same,
        "",
        *([f"Missed: {len(misses)}.", "", *(f"- {miss}" for miss in misses), ""] if misses else []),
    ]
    if over:
        lines += ["What the missed ones execute, the hottest functions first:", ""]
        lines += [line for m in over for line in hot_functions(m)]
    return "\n".join(lines).rstrip() + "\n", misses


def main(words: list[str]) -> int:
    """Measure what all ``words`` name."""
    if not MODELS.is_dir() or shutil.which("qemu-system-arm") is None:
        sys.exit(f"this needs the models in {MODELS} and qemu-system-arm")
    wanted = [
        (case, target)
        for case in CASES
        for target in TARGETS
        if all(word.lower() in f"{case.name} {target}".lower() for word in words)
    ]
    if not wanted:
        names = ", ".join(case.name for case in CASES)
        sys.exit(f"nothing is called {' '.join(words)}; there are {names}, on {', '.join(TARGETS)}")
    found = [measure(case, target) for case, target in wanted]
    text, misses = page(found)
    print(text, end="")
    if not words:
        RESULTS.write_text(text, encoding="utf-8")
    return 1 if not all(m.is_right for m in found) else 2 if misses else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
