"""Fits what kernels cost on the Snitch cluster to counted layers.

Runs the MLPerf Tiny networks of ../shared/models/mlperf_tiny on the simulated cluster with the
times of the hardware, and fits one factor per family of kernels: cycles per instruction that the
kernel's formula says for a Cortex-M4. Writes src/tilewright/targets/snitch/factors.toml, and
benchmarks/results/snitch_planned.md: what plans with these factors say, beside what is counted.

    benchmarks/snitch_costs.py        fits and compares: some minutes
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from fitted import fit
from planned import MODELS, NETWORKS, Comparison, Layer, table

from tilewright.ir.program import Call, Program
from tilewright.ir.target import Target
from tilewright.pipeline import Options, compile_model
from tilewright.run.clock import time_program
from tilewright.run.host import HostOptions
from tilewright.run.inputs import random_batch
from tilewright.run.runners import run_bundle
from tilewright.targets.snitch.costs import FACTORS, factors, family, on_the_cluster
from tilewright.targets.snitch.target import PLAIN_C, SNITCH, cluster_kernels

RESULTS = Path(__file__).parent / "results/snitch_planned.md"
WHERE_COUNTED = "benchmarks/snitch_costs.py"
LEAST = 5000
"""Cycles of a layer that is fitted to: what a call costs otherwise is another matter."""


def per_family(program: Program) -> list[dict[str, float]]:
    """Of every layer: what formulas say that all its calls take on their cores, by family."""
    layers: list[dict[str, float]] = []
    for layer in program.layers:
        found: dict[str, float] = {}
        for action, tile in layer.issue():
            if isinstance(action, Call):
                piece = action.pieces[tile]
                assert piece is not None
                alone = action.kernel.cycles(piece.op, piece.signature)
                name = family(action.kernel.symbol)
                found[name] = found.get(name, 0.0) + action.engine.busy_cycles(alone)
        layers.append(found)
    return layers


def compare(network: str, model: Path, target: Target) -> tuple[Comparison, Program]:
    """Compile, time on the clock, run, count."""
    made = compile_model(model, target, Options())
    timing = time_program(made.program)
    batch = random_batch(made.graph, 1, 0)
    options = HostOptions(repeat=2, counts=True)
    counted = run_bundle(made.bundle, made.program, made.target.toolchain, batch, options).count
    assert counted is not None
    layers = tuple(
        Layer(timed.name, layer.calls[-1].kernel.symbol, timed.stop - timed.start, number)
        for timed, layer, number in zip(
            timing.layers, made.program.layers, counted.layers, strict=True
        )
    )
    found = Comparison(network, target.name, timing.cycles, counted.total, layers)
    return found, made.program


def with_costs(*, fitted: bool) -> Target:
    """The cluster whose plain C costs what is fitted, or instructions of another core."""
    kernels = cluster_kernels(PLAIN_C)
    (cores,) = SNITCH.engines
    costs = on_the_cluster(kernels) if fitted else kernels
    return replace(SNITCH, engines=(replace(cores, kernels=costs),))


def fitted_factors() -> dict[str, float]:
    """Family → factor, from all networks."""
    rows: list[tuple[dict[str, float], int]] = []
    for network, file in NETWORKS.items():
        found, program = compare(network, MODELS / f"{file}.tflite", with_costs(fitted=False))
        counted = [layer.counted for layer in found.layers]
        rows += zip(per_family(program), counted, strict=True)
    rows = [(terms, count) for terms, count in rows if count >= LEAST]
    names = sorted({name for terms, _ in rows for name in terms})
    terms = np.array([[row.get(name, 0.0) for name in names] for row, _ in rows])
    counts = np.array([float(count) for _, count in rows])
    return {
        name: float(value)
        for name, value in zip(names, fit(terms, counts), strict=True)
        if value > 0
    }


def main() -> int:
    """Fit, write, compare, write."""
    if not MODELS.is_dir():
        sys.exit(f"{MODELS} is absent: this benchmark needs the MLPerf Tiny networks there")
    fitted = fitted_factors()
    lines = [f"# Written by {WHERE_COUNTED}: run it again instead of editing.", "", "[factors]"]
    lines += [f"{name} = {value:.3g}" for name, value in fitted.items()]
    FACTORS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    factors.cache_clear()
    found = [
        compare(network, MODELS / f"{file}.tflite", with_costs(fitted=True))[0]
        for network, file in NETWORKS.items()
    ]
    head = [
        "# Planned against counted on the Snitch cluster",
        "",
        f"Written by `{WHERE_COUNTED}`.",
        "",
    ]
    text = "\n".join([*head, *table(found), ""])
    print(text, end="")
    RESULTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
