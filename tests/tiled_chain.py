"""Chains of layers with a residual sum, cut into groups in every way that a plan may."""

import numpy as np
from hypothesis import strategies as st

from tiled import Tiled, steps_of, tiled
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Value, ValueName
from tilewright.ir.plan import Step
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Array, DType, Span, TensorType
from tilewright.ops.conv2d import DepthwiseConv2d
from tilewright.ops.elementwise import Add
from tilewright.ops.window2d import Window2d
from tilewright.targets.host.target import HIERARCHY, HOST

WIDTH, CHANNELS = 5, 2


def chain(windows: list[Window2d], height: int, *, is_residual: bool) -> Graph:
    """x -> depthwise -> ... -> depthwise (+ the first result). Small integers, so floats are exact.

    Raises ValueError where the windows do not fit into the image.
    """
    builder = GraphBuilder("chain", Contract.FLOAT32)
    rng = np.random.default_rng(height)
    name = builder.input(Value(ValueName("x"), TensorType(DType.F32, (1, height, WIDTH, CHANNELS))))
    first: ValueName | None = None
    for i, window in enumerate(windows):
        w = builder.constant(f"w{i}", rng.integers(-2, 3, (*window.kernel, 2)).astype(np.float32))
        bias = builder.constant(f"b{i}", rng.integers(-3, 4, 2).astype(np.float32))
        op = DepthwiseConv2d(window)
        type_ = op.infer(*(builder.values[n].type for n in (name, w, bias)))
        name = builder.node(f"n{i}", op, (name, w, bias), Value(ValueName(f"y{i}"), type_))
        first = first or name
    if is_residual and first and builder.values[first].type == builder.values[name].type:
        value = Value(ValueName("sum"), builder.values[name].type)
        name = builder.node("sum", Add(), (name, first), value)
    builder.outputs.append(name)
    return builder.build()


def chain_input(graph: Graph) -> dict[ValueName, Array]:
    rng = np.random.default_rng(7)
    return {n: rng.integers(-3, 4, graph.type(n).shape).astype(np.float32) for n in graph.inputs}


windows = st.builds(
    lambda k, s, p: Window2d((k, 3), (s, 1), (min(p, k - 1), 1, min(p, k - 1), 1)),
    st.integers(1, 4), st.integers(1, 2), st.integers(0, 2),
)  # fmt: skip


@st.composite
def tiled_chains(draw: st.DrawFn, *, is_far: bool) -> Tiled:
    """A chain cut into groups of one or more steps; ``is_far``: tensors have homes far away."""
    target = HIERARCHY if is_far else HOST
    while True:
        shapes = draw(st.lists(windows, min_size=1, max_size=4))
        try:
            graph = chain(shapes, draw(st.integers(12, 24)), is_residual=draw(st.booleans()))
            break
        except ValueError:
            continue
    steps = steps_of(graph, target)
    assert steps is not None
    ends = [i + 1 for i in range(len(steps) - 1) if draw(st.booleans())]
    spans = [Span(a, b - a) for a, b in zip([0, *ends], [*ends, len(steps)], strict=True)]
    resident = {n for n in graph.values if draw(st.booleans())} if is_far else set(graph.values)
    groups = [
        _group(draw, graph, steps, span, resident if is_far else None, is_first=span.start == 0)
        for span in spans
    ]
    return tiled(graph, steps, groups, target)


def _group(
    draw: st.DrawFn, graph: Graph, steps: tuple[Step, ...], span: Span,
    resident: set[ValueName] | None, *, is_first: bool,
) -> Group:  # fmt: skip
    members = steps[span.start : span.stop]
    output = members[-1].signature.output
    rows = draw(st.integers(1, output.shape[1]))
    tile = (1, rows, *output.shape[2:])
    travelling = (Hold.SINGLE, Hold.DOUBLE)
    holds: dict[ValueName, Hold] = {}
    for name in dict.fromkeys(n for s in members for n in (*s.node.inputs, s.node.output)):
        if _stays_inside(graph, steps, span, name):
            holds[name] = draw(st.sampled_from((Hold.LOCAL, Hold.CARRIED)))
        elif resident is None or (name in resident and name not in graph.constants):
            holds[name] = Hold.DIRECT
        else:
            holds[name] = draw(st.sampled_from(travelling))
    loaded = [n for n, h in holds.items() if h in travelling]
    known = [n for n in loaded if n in graph.constants or n in graph.inputs]
    early = frozenset(n for n in known if not is_first and draw(st.booleans()))
    return Group(span, tile, (1,) if tile != output.shape else (), holds, early)


def _stays_inside(graph: Graph, steps: tuple[Step, ...], span: Span, name: ValueName) -> bool:
    """Made in the group, and used nowhere else."""
    made = [i for i, s in enumerate(steps) if s.node.output == name]
    used = [i for i, s in enumerate(steps) if name in s.node.inputs]
    inside = range(span.start, span.stop)
    return bool(made) and name not in graph.outputs and all(i in inside for i in (*made, *used))
