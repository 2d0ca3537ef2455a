"""Drawn attention layers on the simulated Snitch cluster with ITA, against their definitions.

A layer is projections of queries, keys and values, all heads, and the projection behind them. Sizes
are drawn: 16 to 320 tokens, keys that are padding masked, heads of 16 to 192, one to eight of them,
64 to 384 channels. Every tensor of two inferences in one program is compared. Writes
benchmarks/results/attention_layers.md; exit code 1 where a byte differs.

    benchmarks/attention_layers.py [COUNT]     100 unless told: some minutes; writes if 100
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tilewright.builders.tile_network import TileNetwork
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.types import Array
from tilewright.pipeline import Options, compile_model
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.runners import run_bundle
from tilewright.targets.snitch.target import SNITCH_ITA

RESULTS = Path(__file__).parent / "results/attention_layers.md"
TILE = 64
MOST_TILES = 15
"""That a product of the engine sums over."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of a layer; ``depth``: of a head."""

    tokens: int
    channels: int
    depth: int
    heads: int


def drawn_sizes(rng: np.random.Generator) -> Sizes:
    """Within what the engine sums over, and what keys and values of a head may take of L1."""
    while True:
        sizes = Sizes(
            int(rng.integers(16, 321)), 64 * int(rng.integers(1, 7)),
            int(rng.integers(16, 193)), int(rng.integers(1, 9)),
        )  # fmt: skip
        depth, keys = -(-sizes.depth // TILE), -(-sizes.tokens // TILE)
        if sizes.heads * depth <= MOST_TILES and 2 * keys * depth + keys <= 22:
            return sizes


def write_layer(sizes: Sizes, rng: np.random.Generator, path: Path) -> None:
    """The .onnx file, weights drawn; what fills heads and tokens up to tiles is zeros."""
    rows, depth = -(-sizes.tokens // TILE) * TILE, -(-sizes.depth // TILE) * TILE
    net = TileNetwork("layer", rng)
    x = np.zeros((rows, sizes.channels), np.int8)
    x[: sizes.tokens] = np.clip(rng.normal(0, 32, (sizes.tokens, sizes.channels)), -128, 127)
    given = net.given("x", x)
    weights: list[Array] = []
    for _ in range(3):
        heads = net.drawn(sizes.heads * depth, sizes.channels, 16)
        heads.reshape(sizes.heads, depth, -1)[:, sizes.depth :] = 0
        weights.append(heads)
    q, k = (net.product(given, net.weights(w), n) for w, n in zip(weights[:2], "qk", strict=True))
    v = net.transposed(given, net.weights(weights[2]), "v")
    joined = net.attention(q, k, v, sizes.heads, "heads", sizes.tokens)
    behind = net.drawn(sizes.channels, sizes.heads * depth, 16)
    net.write(str(path), net.product(joined, net.weights(behind), "o"))


def wanted(graph: Graph, fed: dict[ValueName, Array]) -> dict[ValueName, Array]:
    """Every tensor by the definitions."""
    values = {**graph.constants, **fed}
    for node in graph.nodes:
        values[node.output] = node.op.evaluate(*(values[name] for name in node.inputs))
    return values


def differing(path: Path, rng: np.random.Generator) -> list[str]:
    """Names of tensors, on any of two inferences in one program, with other bytes than by
    definition. Raises what compiling and running raise."""
    made = compile_model(path, SNITCH_ITA, Options(effort="quick"))
    assert {call.engine.name for call in made.program.calls} == {"ita"}
    (name,) = made.graph.inputs
    shape = (2, *made.graph.values[name].type.shape)
    x = rng.normal(0, 32, shape).round().clip(-128, 127).astype(np.int8)
    batch, options = Batch({name: x}, 2, is_batched=True), HostOptions(observes=True, repeat=1)
    ran = run_bundle(made.bundle, made.program, made.target.toolchain, batch, options)
    found: list[str] = []
    for index in range(2):
        values = wanted(made.graph, {name: x[index]})
        for call, raw in zip(made.program.observed, ran.layers[index], strict=True):
            if raw != values[call.output.value.name].tobytes():
                found.append(f"{call.node.name} of inference {index}")
    unseen = run_bundle(
        made.bundle, made.program, made.target.toolchain, batch, HostOptions(repeat=2)
    )
    whole = [wanted(made.graph, {name: x[index]})[made.graph.outputs[0]] for index in range(2)]
    is_same = np.array_equal(next(iter(unseen.outputs.values())), np.stack(whole))
    return found + ([] if is_same and unseen.runs_identical else ["the output without observers"])


def main() -> int:
    """Draw, run, compare, write."""
    count = int(sys.argv[1]) if sys.argv[1:] else 100
    wrong: list[str] = []
    largest = Sizes(0, 0, 0, 0)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "layer.onnx"
        for number in range(count):
            rng = np.random.default_rng(number)
            sizes = drawn_sizes(rng)
            write_layer(sizes, rng, path)
            wrong += [f"layer {number}, {sizes}: {name}" for name in differing(path, rng)]
            print(number, sizes, len(wrong), flush=True)
            largest = max(largest, sizes, key=lambda one: one.tokens * one.heads * one.depth)
    lines = [
        "# Attention layers on the Snitch cluster with ITA", "",
        f"{count} drawn layers, two inferences each in one program, every tensor compared with its",
        f"definition: {len(wrong)} tensors differ. The largest one: {largest.tokens} tokens, "
        f"{largest.heads} heads of {largest.depth}.", "",
        *(f"- {line}" for line in wrong),
    ]  # fmt: skip
    print("\n".join(lines))
    if count == 100:
        RESULTS.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
