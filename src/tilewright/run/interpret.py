"""Runs a Program on numpy byte arenas, by the operators' definitions, at the planned offsets.

Arenas start full of a poison byte and every result is written where the plan puts it, so a plan
that lets two live tensors touch shows as a wrong number: this is the judge of plans, and of the
generated C, that needs no C toolchain.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tilewright.ir.graph import Graph, Value, ValueName
from tilewright.ir.program import Call, InArena, InConstant, Operand, Program
from tilewright.ir.types import Array, TensorType

POISON = 0xA5


@dataclass(frozen=True, slots=True)
class Interpretation:
    """What one inference computed.

    values   every action's output, as it was right after its action
    outputs  the network's outputs, as they were after the last action
    """

    values: Mapping[ValueName, Array]
    outputs: Mapping[ValueName, Array]


def interpret(program: Program, graph: Graph, inputs: Mapping[ValueName, Array]) -> Interpretation:
    """One inference. ``graph`` holds the constants in the layout that the definitions want.

    inputs  one array per program input, of its type
    """
    arenas = {
        memory: np.full(size, POISON, np.uint8) for memory, size in program.arena_bytes.items()
    }
    for operand in program.inputs:
        _store(arenas, operand, inputs[operand.value.name])
    values: dict[ValueName, Array] = {}
    for call in program.actions:
        values[call.output.value.name] = _execute(arenas, graph, call)
    outputs = {o.value.name: _load(arenas, graph, o) for o in program.outputs}
    return Interpretation(values, outputs)


def _execute(arenas: Mapping[str, Array], graph: Graph, call: Call) -> Array:
    """Scratch is poisoned before and after: a plan that lets it touch an operand shows."""
    _poison_scratch(arenas, call)
    operands = [_load(arenas, graph, operand) for operand in call.inputs]
    result = call.node.op.evaluate(*operands)
    assert TensorType.of(result) == call.output.value.type, (
        f"{call.node} makes {TensorType.of(result)}, the program says {call.output.value.type}"
    )
    _store(arenas, call.output, result)
    _poison_scratch(arenas, call)
    return _load(arenas, graph, call.output)


def _poison_scratch(arenas: Mapping[str, Array], call: Call) -> None:
    if call.scratch is not None:
        start = call.scratch.offset
        arenas[call.scratch.memory][start : start + call.scratch_bytes] = POISON


def _load(arenas: Mapping[str, Array], graph: Graph, operand: Operand) -> Array:
    match operand.place:
        case InConstant():
            return graph.constants[operand.value.name]
        case InArena() as place:
            stored = _bytes_at(arenas, place, operand.value).copy()
            type_ = operand.value.type
            return stored.view(type_.dtype.numpy).reshape(type_.shape)


def _store(arenas: Mapping[str, Array], operand: Operand, array: Array) -> None:
    assert isinstance(operand.place, InArena), f"{operand.value} is written but has no place"
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    _bytes_at(arenas, operand.place, operand.value)[:] = flat


def _bytes_at(arenas: Mapping[str, Array], place: InArena, value: Value) -> Array:
    arena = arenas[place.memory]
    stop = place.offset + value.type.nbytes
    assert stop <= arena.size, f"{value} ends at {stop}, {place.memory} has {arena.size} bytes"
    return arena[place.offset : stop]
