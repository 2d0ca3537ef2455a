"""Counts what calls of one kernel execute: many in one generated network, each a layer of its own.

A layer's count has its C function in it, which fills the arguments in and calls the kernel: what a
call costs in a network.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from chosen import Call

from tilewright.backend.print_bundle import print_bundle
from tilewright.ir.graph import Contract, Graph, Node, Value, ValueName
from tilewright.ir.target import Kernel, Target, rough_cycles
from tilewright.ir.types import Array, TensorType
from tilewright.pipeline import Options, plan_network
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.runners import run_bundle


def count(kernel: Kernel, target: Target, calls: Sequence[Call]) -> list[int]:
    """Instructions of each call of this kernel on the target's machine, warm."""
    unpriced = replace(kernel, cycles=rough_cycles)  # its table may be older than its terms
    engine = replace(target.engines[0], kernels=(unpriced,))
    machine = replace(target, engines=(engine,), alternatives=())
    return [instructions for instructions, _ in measure(machine, calls)]


def measure(machine: Target, calls: Sequence[Call]) -> list[tuple[int, str]]:
    """(instructions of each call, warm; the kernel that the machine chose for it)."""
    graph, fed = _network(calls)
    planned = plan_network(
        graph, machine, Options(effort="quick", optimise="fastest", name="calls")
    )
    program = planned.program
    bundle = print_bundle(program, planned.plan, planned.graph, "")
    batch = Batch({name: array[np.newaxis] for name, array in fed.items()}, 1, is_batched=False)
    options = HostOptions(repeat=3, counts=True)
    counted = run_bundle(bundle, program, machine.toolchain, batch, options).count
    assert counted is not None
    last = [layer.calls[-1] for layer in program.layers]
    found = {
        call.node.name: (instructions, call.kernel.symbol)
        for call, instructions in zip(last, counted.layers, strict=True)
    }
    return [found[f"call{i}"] for i in range(len(calls))]


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
