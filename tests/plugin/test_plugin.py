"""A target from another package: found by its entry point, staged, interpreted, built and run."""

from dataclasses import replace

import numpy as np
import pytest

from tiled import Tiled, assert_outputs, evaluate, steps_of, tiled
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Value, ValueName
from tilewright.ir.program import Join, Loop, Offload, Store, called
from tilewright.ir.target import AtMost, MultipleOf, Target
from tilewright.ir.tiling import Group, Hold
from tilewright.ir.types import Array, DType, Span, TensorType
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding
from tilewright.ops.window2d import Window2d
from tilewright.run.clock import call_cycles, transfer_cycles
from tilewright.run.hazards import HazardError
from tilewright.run.host import HostOptions, run_on_host
from tilewright.run.inputs import Batch
from tilewright.run.interpret import interpret


def network() -> Graph:
    """x -> conv 3x3 -> depthwise -> conv 1x1, twelve rows."""
    builder = GraphBuilder("net", Contract.TFLITE)
    rng = np.random.default_rng(3)
    name = builder.input(Value(ValueName("x"), TensorType(DType.S8, (1, 12, 6, 4))))
    output = Requantise(Rounding.DOUBLE, 0, -128, 127)
    same, point = Window2d((3, 3), (1, 1), (1, 1, 1, 1)), Window2d((1, 1))
    layers = (
        (QConv2d(same, output=output), (8, 3, 3, 4), 8),
        (QDepthwiseConv2d(same, output=output), (3, 3, 8), 8),
        (QConv2d(point, output=output), (12, 1, 1, 8), 12),
    )
    for i, (op, shape, channels) in enumerate(layers):
        constants = (
            rng.integers(-128, 128, shape).astype(np.int8),
            rng.integers(-999, 999, channels).astype(np.int32),
            np.full(channels, 1 << 30, np.int32),
            np.full(channels, -6, np.int8),
        )
        inputs = (name, *(builder.constant(f"c{i}{j}", c) for j, c in enumerate(constants)))
        type_ = op.infer(*(builder.values[n].type for n in inputs))
        name = builder.node(f"n{i}", op, inputs, Value(ValueName(f"y{i}"), type_))
    builder.outputs.append(name)
    return builder.build()


def three_layers(target: Target) -> Tiled:
    """Layer by layer in tiles, weights of the next layer early, one tensor stays near."""
    graph = network()
    steps = steps_of(graph, target)
    assert steps is not None
    groups: list[Group] = []
    for time, step in enumerate(steps):
        names = (*step.node.inputs, step.node.output)
        holds = {n: Hold.SINGLE if n in graph.constants else Hold.DOUBLE for n in names}
        holds |= {n: Hold.DIRECT for n in names if n == "y1"}
        tile = (1, 5, *step.signature.output.shape[2:])
        early = frozenset({f"c{time}0"} if time else ())
        groups.append(Group(Span(time, 1), tile, (1,), holds, frozenset(map(ValueName, early))))
    return tiled(graph, steps, groups, target)


def an_input(graph: Graph) -> dict[ValueName, Array]:
    (name,) = graph.inputs
    x = np.random.default_rng(5).integers(-128, 128, graph.type(name).shape)
    return {name: x.astype(np.int8)}


def test_both_engines_compute_the_network(gadget: Target) -> None:
    net = three_layers(gadget)
    assert [call.engine.name for call in net.program.calls] == ["npu", "cluster", "npu"]
    inputs = an_input(net.graph)
    result = interpret(net.program, net.graph, inputs)
    wanted = evaluate(net.graph, inputs)
    assert len({*wanted["y2"].reshape(-1).tolist()}) > 20  # not all saturated
    assert_outputs(net.graph, inputs, result.outputs)
    for name, array in result.values.items():
        np.testing.assert_array_equal(array, wanted[name])


def test_calls_keep_to_the_limits_of_the_npu(gadget: Target) -> None:
    for call in three_layers(gadget).program.calls:
        for piece in call.filled:
            for limit in call.kernel.limits:
                match limit:
                    case MultipleOf(axis, n):
                        assert piece.signature.output.shape[axis] % n == 0
                    case AtMost(axis, n):
                        assert piece.signature.output.shape[axis] <= n


def test_the_network_runs_as_c(gadget: Target) -> None:
    net = three_layers(gadget)
    inputs = an_input(net.graph)
    batch = Batch({n: np.stack([a, a]) for n, a in inputs.items()}, 2, is_batched=True)
    options = HostOptions(observes=True, sanitizes=True)
    result = run_on_host(net.bundle, net.program, gadget.toolchain, batch, options)
    assert "warning" not in result.log, result.log
    assert "tw_offload(jobs + 0, net_conv2d_s8" in net.bundle.files["net.c"]
    for index in range(2):
        assert_outputs(net.graph, inputs, {n: a[index] for n, a in result.outputs.items()})


def test_an_engine_that_nobody_waits_for_is_a_hazard(gadget: Target) -> None:
    net = three_layers(gadget)
    for number, layer in enumerate(net.program.layers):
        for action in layer.actions:
            if isinstance(action, Loop) and any(isinstance(b.action, Join) for b in action.body):
                body = tuple(b for b in action.body if not isinstance(b.action, Join))
                actions = tuple(replace(a, body=body) if a is action else a for a in layer.actions)
                layers = list(net.program.layers)
                layers[number] = replace(layer, actions=actions)
                broken = replace(net.program, layers=tuple(layers))
                with pytest.raises(HazardError):
                    interpret(broken, net.graph, an_input(net.graph))


def test_the_clock_adds_up_what_the_description_says(gadget: Target) -> None:
    net = three_layers(gadget)
    timing = interpret(net.program, net.graph, an_input(net.graph)).timing
    calls = {"npu": 0, "cluster": 0}
    transfers = around = 0
    for layer in net.program.layers:
        for action, tile in layer.issue():
            call = called(action)
            if call is not None:
                calls[call.engine.name] += call_cycles(call, tile)
                around += call.engine.fork_cycles + call.engine.join_cycles
                assert isinstance(action, Offload) is call.engine.is_asynchronous
            elif hasattr(action, "transfer"):
                is_stored = isinstance(action, Store)
                transfers += transfer_cycles(action.transfer, tile, is_stored=is_stored)
    assert (timing.compute, timing.transfer) == (max(calls.values()), transfers)
    assert timing.bound <= timing.cycles < sum(calls.values()) + around + transfers
