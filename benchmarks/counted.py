"""Counts what calls of one kernel execute: many in one generated network, each a layer of its own.

A layer's count has its C function in it, which fills the arguments in and calls the kernel: what a
call costs in a network.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from chosen import Call

from tilewright.backend.print_bundle import print_bundle
from tilewright.backend.stage import stage
from tilewright.ir.graph import Contract, Graph, Node, Value, ValueName
from tilewright.ir.target import Kernel, Target, rough_cycles
from tilewright.ir.types import Array, TensorType
from tilewright.pipeline import Options, plan_network
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.runners import run_bundle


def count(kernel: Kernel, target: Target, calls: Sequence[Call]) -> list[int]:
    """Instructions of each call on the target's machine, warm."""
    graph, fed = _network(calls)
    unpriced = replace(kernel, cycles=rough_cycles)  # its table may be older than its terms
    engine = replace(target.engines[0], kernels=(unpriced,))
    machine = replace(target, engines=(engine,), alternatives=())
    graph, _, plan, _ = plan_network(graph, machine, Options(effort="quick"))
    program = stage(graph, plan, machine, "calls")
    bundle = print_bundle(program, plan, graph, "")
    batch = Batch({name: array[np.newaxis] for name, array in fed.items()}, 1, is_batched=False)
    options = HostOptions(repeat=3, counts=True)
    counted = run_bundle(bundle, program, target.toolchain, batch, options).count
    assert counted is not None
    by_node = dict(
        zip((layer.calls[-1].node.name for layer in program.layers), counted.layers, strict=True)
    )
    return [by_node[f"call{i}"] for i in range(len(calls))]


def _network(calls: Sequence[Call]) -> tuple[Graph, dict[ValueName, Array]]:
    """Calls side by side, none of which reads what another makes."""
    nodes: list[Node] = []
    values: dict[ValueName, Value] = {}
    constants: dict[ValueName, Array] = {}
    fed: dict[ValueName, Array] = {}
    for number, call in enumerate(calls):
        names = [ValueName(f"x{number}_{i}") for i in range(len(call.inputs))]
        output = ValueName(f"y{number}")
        for i, (name, array) in enumerate(zip(names, call.inputs, strict=True)):
            (fed if i < call.varying else constants)[name] = array
            values[name] = Value(name, TensorType.of(array))
        values[output] = Value(output, call.signature.output)
        nodes.append(Node(f"call{number}", call.op, tuple(names), output))
    graph = Graph(
        "calls", Contract.TFLITE, tuple(nodes), values, constants, tuple(fed),
        tuple(node.output for node in nodes),
    )  # fmt: skip
    return graph, fed
