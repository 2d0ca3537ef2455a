"""An attention block: layer by layer as ONNX Runtime, whole and in tiles, heads fused by rows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install .[verify])")

from attention import DEPTH, HEADS, SEQUENCE, attention
from backend.test_tiled_c import run_sanitized
from layer_agreement import layer_agreement, lowered
from tiled import Tiled, assert_outputs, steps_of, tiled
from tilewright import verify_model
from tilewright.check.judge import check_program
from tilewright.ir.geometry import region_type
from tilewright.ir.graph import Graph, GraphBuilder
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Array, Span
from tilewright.midend.tiling.tiles import tiles_of
from tilewright.ops.layout import Transpose
from tilewright.ops.matmul import QMatMul
from tilewright.pipeline import Options, compile_model
from tilewright.run.interpret import interpret
from tilewright.targets.host.target import HIERARCHY

CHAIN = ("scores.float", "scaled.float", "weights.float", "mixed.float")
SIZES = {4096: "quick", 2048: "normal", 1280: "quick"}
"""Bytes of L1 → effort."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return attention(tmp_path_factory.mktemp("attention"))


def options(size: int) -> Options:
    return Options(memory={"L2": 1 << 16, "L1": size}, effort=SIZES[size])


def test_every_layer_is_as_in_onnx_runtime(model: Path) -> None:
    layers = layer_agreement(model, (0, 1, 2))
    assert sum(layer.operator == "QMatMul" for layer in layers) == 2
    assert max(layer.largest for layer in layers) <= 1


def test_keys_are_read_by_rows(model: Path) -> None:
    graph = lowered(model)
    scores, mixed = (node.op for node in graph.nodes if isinstance(node.op, QMatMul))
    assert (scores.transposes_b, mixed.transposes_b) == (True, False)
    perms = {node.op.perm for node in graph.nodes if isinstance(node.op, Transpose)}
    assert perms == {(0, 2, 1, 3)}


def test_the_whole_block_is_as_the_judges_say(model: Path) -> None:
    verification = verify_model(model, sanitizes=True).verification
    assert verification.holds
    assert verification.skipped == ()


@pytest.mark.parametrize("size", SIZES)
def test_in_tiles_it_is_the_same(model: Path, size: int) -> None:
    verification = verify_model(model, options=options(size), sanitizes=True).verification
    assert verification.holds
    assert verification.skipped == ()


def test_the_planner_fuses_products_with_what_stands_between_them(model: Path) -> None:
    """Where copies are dear; where they hide behind the products, nothing would be gained."""
    slow = tuple(replace(dma, bytes_per_cycle=0.1) for dma in HIERARCHY.dmas)
    plan = compile_model(model, replace(HIERARCHY, dmas=slow), options(2048)).plan
    fused = [
        [step.node.name for step in plan.steps[g.steps.start : g.steps.stop]]
        for g in plan.groups
        if g.steps.size > 1
    ]
    products = [names for names in fused if {"scores.float", "mixed.float"} & {*names}]
    assert products
    assert all({*names} <= {*CHAIN} for names in products)


def chain(model: Path) -> tuple[Graph, dict[str, Array]]:
    """The products and what stands between them, as a network of its own."""
    whole = lowered(model)
    nodes = [node for node in whole.nodes if node.name in CHAIN]
    made = {node.output for node in nodes}
    builder = GraphBuilder("net", whole.contract)
    inputs: dict[str, Array] = {}
    rng = np.random.default_rng(3)
    for name in dict.fromkeys(name for node in nodes for name in node.inputs):
        value = whole.values[name]
        if name in whole.constants:
            builder.constant(name, whole.constants[name], value.quantisation)
        elif name not in made:
            inputs[builder.input(value)] = rng.integers(-128, 128, value.type.shape).astype(np.int8)
    for node in nodes:
        builder.node(node.name, node.op, node.inputs, whole.values[node.output])
    builder.outputs.append(nodes[-1].output)
    return builder.build(), inputs


def by_rows(model: Path, rows: int) -> tuple[Tiled, dict[str, Array]]:
    """``rows`` rows of one head of Q at a time, from scores to mixed values."""
    graph, inputs = chain(model)
    steps = steps_of(graph, HIERARCHY)
    assert steps is not None
    names = dict.fromkeys(name for s in steps for name in (*s.node.inputs, s.node.output))
    holds = dict.fromkeys(names, Hold.DOUBLE)
    holds |= dict.fromkeys((step.node.output for step in steps[:-1]), Hold.LOCAL)
    group = Group(Span(0, len(steps)), (1, 1, rows, DEPTH), (1, 2), holds)
    return tiled(graph, steps, [group], HIERARCHY), inputs


@pytest.mark.parametrize("rows", [1, 5, 8, SEQUENCE])
def test_depth_first_over_rows_is_exact(model: Path, rows: int) -> None:
    net, inputs = by_rows(model, rows)
    check_program(net.program, net.graph, HIERARCHY)
    assert_outputs(net.graph, inputs, interpret(net.program, net.graph, inputs).outputs)


def test_depth_first_c_is_exact_and_keeps_a_few_rows_of_scores_only(model: Path) -> None:
    net, inputs = by_rows(model, 5)
    (group,) = net.plan.groups
    tiles = tiles_of(net.plan.steps, group)
    assert len(tiles) == HEADS * -(-SEQUENCE // 5)
    for step in net.plan.steps[:-1]:
        name = step.node.output
        sizes = {region_type(net.graph.type(name), tile.held[name]).size for tile in tiles}
        assert max(sizes) == 5 * SEQUENCE
    run_sanitized(net, inputs)
