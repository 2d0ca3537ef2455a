"""Tiles of a group: together they cover the output once, and computing them gives the whole."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tilewright.ir.geometry import is_contiguous, offset_in
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Value, ValueName
from tilewright.ir.plan import Step
from tilewright.ir.target import Signature
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Array, DType, Region, Span, TensorType
from tilewright.midend.tiling.tiles import output_regions, tiles_of
from tilewright.ops.conv2d import DepthwiseConv2d
from tilewright.ops.elementwise import Add
from tilewright.ops.window2d import Window2d


@dataclass(frozen=True)
class Chain:
    """x -> depthwise -> ... -> depthwise (+ the first result, where it is residual)."""

    graph: Graph
    steps: tuple[Step, ...]


def chain(windows: list[Window2d], height: int, *, is_residual: bool) -> Chain:
    builder = GraphBuilder("chain", Contract.FLOAT32)
    rng = np.random.default_rng(height)
    name = builder.input(Value(ValueName("x"), TensorType(DType.F32, (1, height, 5, 2))))
    made: list[ValueName] = []
    for i, window in enumerate(windows):
        w = builder.constant(f"w{i}", rng.integers(-3, 4, (*window.kernel, 2)).astype(np.float32))
        bias = builder.constant(f"b{i}", rng.integers(-3, 4, 2).astype(np.float32))
        op = DepthwiseConv2d(window)
        type_ = op.infer(*(builder.values[n].type for n in (name, w, bias)))
        name = builder.node(f"n{i}", op, (name, w, bias), Value(ValueName(f"y{i}"), type_))
        made.append(name)
    if is_residual and builder.values[made[0]].type == builder.values[name].type:
        value = Value(ValueName("sum"), builder.values[name].type)
        name = builder.node("sum", Add(), (name, made[0]), value)
    builder.outputs.append(name)
    graph = builder.build()
    steps = tuple(
        Step(n, Signature(graph.input_types(n), graph.type(n.output)), None, None)
        for n in graph.nodes
    )
    return Chain(graph, steps)


def cut(array: Array, region: Region) -> Array:
    return array[tuple(slice(s.start, s.stop) for s in region)]


def whole_values(graph: Graph, x: Array) -> dict[ValueName, Array]:
    values: dict[ValueName, Array] = {graph.inputs[0]: x, **graph.constants}
    for node in graph.nodes:
        values[node.output] = node.op.evaluate(*(values[n] for n in node.inputs))
    return values


windows = st.builds(
    lambda k, s, p, d: Window2d((k, 3), (s, 1), (min(p, k - 1), 1, min(p, k - 1), 1), (d, 1)),
    st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2),
)  # fmt: skip


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.lists(windows, min_size=1, max_size=4), st.integers(16, 30), st.integers(1, 6),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_tiles_computed_from_what_they_hold_give_the_whole(
    shapes: list[Window2d], height: int, rows: int, is_residual: bool, is_carried: bool
) -> None:
    try:
        net = chain(shapes, height, is_residual=is_residual)
    except ValueError:  # the windows do not fit into the image
        return
    output = net.steps[-1].signature.output
    inner = Hold.CARRIED if is_carried else Hold.LOCAL
    holds = {name: Hold.DIRECT for name in net.graph.values}
    holds |= {step.node.output: inner for step in net.steps[:-1]}
    tile = (1, min(rows, output.shape[1]), *output.shape[2:])
    group = Group(Span(0, len(net.steps)), tile, (1,) if tile != output.shape else (), holds)

    x = np.random.default_rng(1).integers(-9, 10, (1, height, 5, 2)).astype(np.float32)
    truth = whole_values(net.graph, x)
    covered = np.zeros(output.shape, np.int32)
    computed_rows = dict.fromkeys(net.graph.values, 0)
    for t in tiles_of(net.steps, group):
        for step, call in zip(net.steps, t.calls, strict=True):
            if call is None:
                continue
            for name, region in zip(step.node.inputs, call.inputs, strict=True):
                held = t.held[name]
                assert all(
                    h.start <= r.start and r.stop <= h.stop
                    for h, r in zip(held, region, strict=True)
                )
            inputs = [cut(truth[n], r) for n, r in zip(step.node.inputs, call.inputs, strict=True)]
            result = call.op.evaluate(*inputs)
            np.testing.assert_array_equal(result, cut(truth[step.node.output], call.output))
            computed_rows[step.node.output] += call.output[1].size
        cut(covered, t.held[net.steps[-1].node.output])[...] += 1
    assert (covered == 1).all()
    if is_carried:
        for step in net.steps:
            assert computed_rows[step.node.output] <= step.signature.output.shape[1]


def test_loops_run_in_the_order_of_the_group() -> None:
    output = TensorType(DType.S8, (1, 4, 2, 6))
    group = Group(Span(0, 1), (1, 2, 2, 4), (3, 1), {})
    grid = [(r[3].start, r[1].start, r[3].size) for r in output_regions(output, group)]
    assert grid == [(0, 0, 4), (0, 2, 4), (4, 0, 2), (4, 2, 2)]


def test_contiguous_regions_are_told_from_scattered_ones() -> None:
    type_ = TensorType(DType.S8, (1, 4, 6, 3))
    rows = (Span(0, 1), Span(1, 2), Span(0, 6), Span(0, 3))
    columns = (Span(0, 1), Span(1, 2), Span(0, 5), Span(0, 3))
    one_row = (Span(0, 1), Span(1, 1), Span(2, 3), Span(0, 3))
    assert [is_contiguous(type_, r) for r in (rows, columns, one_row)] == [True, False, True]
    assert offset_in(type_, one_row) == (1 * 6 + 2) * 3
