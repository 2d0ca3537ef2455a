"""What plans say that networks cost, beside what was counted, layer by layer.

Reads the MLPerf Tiny networks from ../shared/models/mlperf_tiny; counts executed instructions with
callgrind on the host and with QEMU's plugin on Cortex-M4 and M55, and cycles on the simulated
Siracusa, with N-EUREKA under the `pulp` contract and nothing pruned. Prints markdown tables and
writes them to benchmarks/results/planned.md. Exit code 2 where a network is further off than 15 %,
or a layer than 30 %; 10 % and 25 % on Siracusa.

    benchmarks/planned.py            everything
    benchmarks/planned.py kws m55    only what has these words in its name; writes nothing
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from tilewright.ir.graph import Contract
from tilewright.pipeline import Options, compile_model, load_target
from tilewright.run.clock import time_program
from tilewright.run.host import HostOptions
from tilewright.run.inputs import random_batch
from tilewright.run.runners import run_bundle

ROOT = Path(__file__).parents[1]
MODELS = ROOT.parent / "shared/models/mlperf_tiny"
RESULTS = ROOT / "benchmarks/results/planned.md"


@dataclass(frozen=True, slots=True)
class Machine:
    """A target and how networks are compiled for it.

    most, most_layer  how far a network, a layer, may be off
    """

    target: str
    options: Options = Options()
    most: float = 0.15
    most_layer: float = 0.30


MACHINES = (
    Machine("host"),
    Machine("cortex-m4"),
    Machine("cortex-m55"),
    Machine("siracusa", Options(contract=Contract.PULP, prune=False), 0.10, 0.25),
)
NETWORKS = {
    "IC ResNet-8": "ic01_resnet8_int8",
    "KWS DS-CNN": "kws01_int8",
    "VWW MobileNet": "vww96_int8",
    "AD autoencoder": "ad01_int8",
}


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: instructions as planned and as counted."""

    name: str
    kernel: str
    planned: int
    counted: int

    @property
    def off(self) -> float:
        """Relative error of what was planned."""
        return self.planned / self.counted - 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """One network on one machine."""

    network: str
    machine: Machine
    planned: int
    counted: int
    layers: tuple[Layer, ...]

    @property
    def target(self) -> str:
        """Name of the machine."""
        return self.machine.target

    @property
    def off(self) -> float:
        """Relative error of what was planned."""
        return self.planned / self.counted - 1

    @property
    def worst(self) -> Layer:
        """The layer that is furthest off."""
        return max(self.layers, key=lambda layer: abs(layer.off))

    @property
    def misses(self) -> list[str]:
        """Bounds that do not hold, in words."""
        where = f"{self.network} on {self.target}"
        found = [f"{where}: {self.off:+.1%}"] if abs(self.off) > self.machine.most else []
        return found + [
            f"{where}, {layer.name} ({layer.kernel}): planned {layer.planned:,}, counted "
            f"{layer.counted:,}, {layer.off:+.1%}"
            for layer in self.layers
            if abs(layer.off) > self.machine.most_layer
        ]


def compare(network: str, model: Path, machine: Machine) -> Comparison:
    """Compile, time on the clock, run, count."""
    made = compile_model(model, load_target(machine.target), machine.options)
    timing = time_program(made.program)
    batch = random_batch(made.graph, 1, 0)
    options = HostOptions(repeat=3, counts=True)
    toolchain = made.target.toolchain
    counted = run_bundle(made.bundle, made.program, toolchain, batch, options).count
    assert counted is not None
    layers = tuple(
        Layer(timed.name, layer.calls[-1].kernel.symbol, timed.stop - timed.start, number)
        for timed, layer, number in zip(
            timing.layers, made.program.layers, counted.layers, strict=True
        )
    )
    return Comparison(network, machine, timing.cycles, counted.total, layers)


def table(found: list[Comparison]) -> list[str]:
    """One line per network and machine."""
    lines = [
        "| network | machine | planned | counted | off | layer furthest off | planned | counted "
        "| off |",
        "|---|---|--:|--:|--:|---|--:|--:|--:|",
    ]
    for c in found:
        worst = c.worst
        lines.append(
            f"| {c.network} | {c.target} | {c.planned:,} | {c.counted:,} | {c.off:+.1%} "
            f"| {worst.kernel} | {worst.planned:,} | {worst.counted:,} | {worst.off:+.1%} |"
        )
    return lines


def layer_tables(found: list[Comparison]) -> list[str]:
    """Every layer."""
    lines: list[str] = []
    for c in found:
        lines += ["", f"## {c.network} on {c.target}", ""]
        lines += ["| layer | kernel | planned | counted | off |", "|--:|---|--:|--:|--:|"]
        lines += [
            f"| {i} | {x.kernel} | {x.planned:,} | {x.counted:,} | {x.off:+.1%} |"
            for i, x in enumerate(c.layers)
        ]
    return lines


def page(found: list[Comparison]) -> str:
    """The whole page."""
    misses = [miss for c in found for miss in c.misses]
    verdict = [f"Missed: {len(misses)}.", "", *(f"- {miss}" for miss in misses)]
    kept = ["Every network is within 15 %, every layer within 30 %; 10 % and 25 % on Siracusa."]
    return "\n".join(
        [
            "# Planned against counted",
            "",
            "Written by `benchmarks/planned.py`. Executed instructions of one inference after the",
            "first: what the cost tables say, and what callgrind (host) and QEMU (Cortex-M) count;",
            "on Siracusa (N-EUREKA, `pulp`, dead channels kept) cycles of clock and simulator.",
            "",
            *(verdict if misses else kept),
            "",
            *table(found),
            *layer_tables(found),
            "",
        ]
    )


def main(words: list[str]) -> int:
    """Compare what all ``words`` name."""
    if not MODELS.is_dir():
        sys.exit(f"{MODELS} is absent: this benchmark needs the MLPerf Tiny networks there")
    found = [
        compare(network, MODELS / f"{file}.tflite", machine)
        for network, file in NETWORKS.items()
        for machine in MACHINES
        if all(word.lower() in f"{network} {machine.target}".lower() for word in words)
    ]
    text = page(found)
    print(text, end="")
    if not words:
        RESULTS.write_text(text, encoding="utf-8")
    return 2 if any(c.misses for c in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
