"""Runs name what the simulated Siracusa is known to do unlike the chip, where it concerns them."""

from dataclasses import replace

import numpy as np
import pytest

from digits import MODEL
from targets.neureka_cases import depthwise_case
from tilewright.ir.graph import Contract, Graph, Node, Value, ValueName
from tilewright.ir.program import Program
from tilewright.ir.target import Memory, Target
from tilewright.ir.types import TensorType
from tilewright.pipeline import Options, compile_model, plan_network
from tilewright.targets.packs.neureka.kernels.conv2d_neureka import DEPTHWISE_NEUREKA
from tilewright.targets.siracusa.gaps import gaps
from tilewright.targets.siracusa.target import NEUREKA_ENGINE, SIRACUSA


def depthwise_program(weight_memory: int) -> Program:
    """One layer of the engine, every channel on its own, with so much weight memory."""

    def resized(memory: Memory) -> Memory:
        return replace(memory, size=weight_memory) if memory.name == "WMEM" else memory

    case = depthwise_case(np.random.default_rng(3))
    names = tuple(map(ValueName, ("x", "w", "bias", "multiplier", "shift")))
    values = {
        name: Value(name, TensorType.of(array))
        for name, array in zip(names, case.inputs, strict=True)
    }
    signature_output = case.op.infer(*(value.type for value in values.values()))
    y = ValueName("y")
    graph = Graph(
        "layer", Contract.PULP, (Node("filter", case.op, names, y),),
        values | {y: Value(y, signature_output)},
        dict(zip(names[1:], case.inputs[1:], strict=True)), (names[0],), (y,),
    )  # fmt: skip
    engine = replace(NEUREKA_ENGINE, kernels=(DEPTHWISE_NEUREKA,))
    machine: Target = replace(
        SIRACUSA, engines=(engine,), memories=tuple(map(resized, SIRACUSA.memories))
    )
    return plan_network(graph, machine, Options(effort="quick", name="layer")).program


@pytest.mark.parametrize(
    ("weight_memory", "first"),
    [(0, "depthwise weights in L1 (filter): "), (1 << 20, "weights in weight memory (filter): ")],
)
def test_where_weights_of_the_engine_lie_makes_the_difference(
    weight_memory: int, first: str
) -> None:
    said = gaps(depthwise_program(weight_memory))
    assert said[0].startswith(first)
    assert sum("weights" in sentence for sentence in said) == 1
    assert any(sentence.startswith("N-EUREKA, cores and DMA share L1") for sentence in said)


def test_without_the_engine_nothing_is_said_of_it() -> None:
    said = gaps(compile_model(MODEL, "siracusa").program)
    assert not any("N-EUREKA" in sentence or "weights" in sentence for sentence in said)
    assert said[-1].startswith("core instructions: ")
    assert any(sentence.startswith("transfers (") for sentence in said)
