"""Runs drawn calls of kernels on the simulated Siracusa, all of them in one program."""

import shutil
import zlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest
from chosen import Call, Draw
from draws import CALLS

from tilewright.backend.print_bundle import print_bundle
from tilewright.ir.graph import Contract, Graph, Node, Value, ValueName
from tilewright.ir.target import Kernel, Target
from tilewright.ir.types import Array, TensorType
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding
from tilewright.pipeline import Options, plan_network
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.runners import run_bundle
from tilewright.targets.packs.portable.kernels.contract_variants import ROUNDINGS

COMPILER = "riscv64-unknown-elf-gcc"

needs_compiler = pytest.mark.skipif(
    shutil.which(COMPILER) is None, reason=f"{COMPILER} builds programs for Siracusa"
)


def drawn(kernel: Kernel, wanted: int) -> list[Call]:
    """The first calls that the kernel computes, always the same ones."""
    draw = Draw(zlib.crc32(kernel.symbol.encode()))
    found: list[Call] = []
    for _, rounding in zip(range(1000), cycle(ROUNDINGS), strict=False):
        call = CALLS[kernel.op](draw, rounding)
        if rounding is Rounding.HALF_UP and len(found) % 2:
            call = _wrapping(call, draw, kernel)
        if kernel.objection(call.op, call.signature) is None:
            found.append(call)
            if len(found) == wanted:
                break
    return found


def _wrapping(call: Call, draw: Draw, kernel: Kernel) -> Call:
    """The same call modulo 2**32, with any biases and multipliers, where the kernel takes it."""
    output = getattr(call.op, "output", None)
    if not isinstance(output, Requantise) or len(call.inputs) != 5:
        return call
    op = replace(call.op, output=replace(output, rounding=Rounding.WRAPPING))
    x, w, *tables, shift = call.inputs
    lows = -(2**31), 0
    tables = [
        draw.rng.integers(low, 2**31, t.shape).astype(np.int32)
        for low, t in zip(lows, tables, strict=True)
    ]
    made = replace(call, op=op, inputs=(x, w, *tables, shift))
    return call if kernel.objection(op, made.signature) is not None else made


def outputs_of(target: Target, kernels: Sequence[Kernel], calls: Sequence[Call]) -> list[Array]:
    """What each call gives where the target has no other kernels; two inferences in one run."""
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
    engine = replace(target.engines[0], kernels=tuple(kernels))
    machine = replace(target, engines=(engine,))
    planned = plan_network(graph, machine, Options(effort="quick", name="calls"))
    program = planned.program
    bundle = print_bundle(program, planned.plan, planned.graph, "")
    batch = Batch({name: array[np.newaxis] for name, array in fed.items()}, 1, is_batched=False)
    result = run_bundle(bundle, program, machine.toolchain, batch, HostOptions(repeat=2))
    assert result.runs_identical
    return [result.outputs[ValueName(f"y{number}")][0] for number in range(len(calls))]
