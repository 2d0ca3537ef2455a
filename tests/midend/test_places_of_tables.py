"""Constants that a kernel reads as tables lie where its engine reaches tables, or travels from."""

from dataclasses import replace

import numpy as np

from fictional import chip
from random_networks import Network
from tilewright.ir.target import Reach, Role, Target
from tilewright.midend.assign import assign
from tilewright.midend.places import settled
from tilewright.ops.conv2d import QConv2d
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding
from tilewright.ops.window2d import Window2d


def with_tables(inputs: frozenset[int], roles: frozenset[Role]) -> Target:
    """The chip whose NPU reads some inputs as tables and reaches such roles in weight memory."""
    target = chip()
    npu = next(engine for engine in target.engines if engine.name == "npu")
    kernels = tuple(replace(kernel, tables=inputs) for kernel in npu.kernels)
    changed = replace(npu, kernels=kernels, reaches=(Reach("L1"), Reach("WMEM", roles)))
    engines = tuple(changed if e is npu else e for e in target.engines)
    return replace(target, engines=engines)


def memories(target: Target) -> tuple[str, ...]:
    """Where weights and the bias, multiplier and shift of one convolution lie."""
    net = Network()
    x = net.input(1, 6, 6, 8)
    op = QConv2d(Window2d((3, 3)), output=Requantise(Rounding.HALF_UP))
    arrays = (
        np.ones((16, 3, 3, 8), np.int8), np.zeros(16, np.int32), np.ones(16, np.int32),
        np.full(16, 4, np.int8),
    )  # fmt: skip
    graph = net.build(net.node(op, x, *(net.builder.constant("c", array) for array in arrays)))
    assignment = assign(graph, target)
    step = assignment.steps[0]
    assert step.engine is not None
    assert step.engine.name == "npu"
    places = settled(graph, assignment.steps, target, target.memory("L2"))
    assert all(places.serves(step.engine, name) for name in step.node.inputs[1:])
    return tuple(places.lies_in(name) for name in step.node.inputs[1:])


def test_tables_stay_where_the_engine_reaches_them() -> None:
    weights_only = frozenset({Role.WEIGHT})
    lies = memories(with_tables(frozenset({2, 3, 4}), weights_only))
    assert lies[0] == "WMEM"
    assert "WMEM" not in lies[1:]


def test_without_tables_everything_lies_where_weights_do() -> None:
    assert set(memories(with_tables(frozenset(), frozenset({Role.WEIGHT})))) == {"WMEM"}
