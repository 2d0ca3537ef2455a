"""Windows that begin or end in padding, some of them wholly: planned, judged and computed right."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tilewright.errors import CapacityError
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Value, ValueName
from tilewright.ir.types import DType, TensorType
from tilewright.ops.conv2d import DepthwiseConv2d
from tilewright.ops.window2d import Window2d
from tilewright.pipeline import Options, load_target, plan_network, with_memory
from tilewright.run.interpret import interpret

steady = settings(
    derandomize=True, deadline=None, max_examples=60, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def two_layers(window: Window2d, height: int, width: int) -> Graph:
    """x -> depthwise -> depthwise 1x1. Small integers, so floats are exact."""
    builder = GraphBuilder("padded", Contract.FLOAT32)
    random = np.random.default_rng(height)
    name = builder.input(Value(ValueName("x"), TensorType(DType.F32, (1, height, width, 2))))
    for i, each in enumerate((window, Window2d((1, 1)))):
        w = builder.constant(f"w{i}", random.integers(-2, 3, (*each.kernel, 2)).astype(np.float32))
        bias = builder.constant(f"b{i}", random.integers(-3, 4, 2).astype(np.float32))
        op = DepthwiseConv2d(each)
        type_ = op.infer(*(builder.values[n].type for n in (name, w, bias)))
        name = builder.node(f"n{i}", op, (name, w, bias), Value(ValueName(f"y{i}"), type_))
    builder.outputs.append(name)
    return builder.build()


def computed(graph: Graph, memory: dict[str, int]) -> None:
    """Planned within a memory and interpreted: equal to the definition."""
    target = with_memory(load_target("host"), memory)
    graph, _, _, program = plan_network(graph, target, Options(memory=memory))
    x = np.random.default_rng(3).integers(-3, 4, graph.type(graph.inputs[0]).shape)
    inputs = {graph.inputs[0]: x.astype(np.float32)}
    result = interpret(program, graph, inputs)
    values = dict(graph.constants) | inputs
    for node in graph.nodes:
        values[node.output] = node.op.evaluate(*(values[name] for name in node.inputs))
    for name in graph.outputs:
        np.testing.assert_array_equal(result.outputs[name], values[name])


@steady
@given(
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    pads=st.tuples(*[st.integers(0, 4)] * 4), size=st.tuples(st.integers(3, 9), st.integers(1, 7)),
    memory=st.sampled_from(({}, {"L1": 1 << 12}, {"L1": 400}, {"L1": 200}, {"ram": 700})),
)  # fmt: skip
def test_any_window_is_planned_and_computed(
    kernel: tuple[int, int], strides: tuple[int, int], pads: tuple[int, int, int, int],
    size: tuple[int, int], memory: dict[str, int],
) -> None:  # fmt: skip
    height, width = size
    assume(height + pads[0] + pads[2] >= kernel[0] and width + pads[1] + pads[3] >= kernel[1])
    # Where it does not fit, it is refused: that is no wrong plan.
    with suppress(CapacityError):
        computed(two_layers(Window2d(kernel, strides, pads), height, width), memory)


@pytest.mark.parametrize("memory", [{}, {"L1": 120}, {"L1": 4096}])
@pytest.mark.parametrize("size", [6, 7])
def test_a_1x1_window_with_stride_2_and_padding_1(size: int, memory: dict[str, int]) -> None:
    computed(two_layers(Window2d((1, 1), (2, 2), (1, 1, 1, 1)), size, size), memory)


def test_padding_in_one_dimension_only() -> None:
    computed(two_layers(Window2d((1, 1), (1, 2), (0, 1, 0, 1)), 3, 9), {"L1": 150})
