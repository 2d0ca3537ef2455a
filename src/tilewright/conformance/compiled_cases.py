"""Cases compiled: importer, rewrites, planner and C; and their definitions evaluated."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from tilewright.conformance.cases import NodeCase, bindings, bound
from tilewright.conformance.outcome import Outcome, Result, difference, stored_input
from tilewright.errors import CompileError
from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.target import Target
from tilewright.ir.types import Array
from tilewright.pipeline import Compilation, Options, compile_model

STORING = frozenset({"QuantizeLinear", "DequantizeLinear"})
"""What int8 versions have around the operator that they are about."""

CONSTANT_RESULT = "does not depend on any input"


@dataclass(frozen=True, slots=True)
class CompiledCase:
    """A case that compiles, and whose definition gives what the standard demands.

    inputs  of the network, in its order
    at      which of the case's outputs each output of the network is
    """

    case: NodeCase
    outcome: Outcome
    compilation: Compilation
    inputs: tuple[Array, ...]
    at: tuple[int, ...]


def compiled_case(case: NodeCase, kind: str, number: int, target: Target) -> CompiledCase | Outcome:
    """The case as C; or its outcome, where it is refused or its definition is wrong.

    kind    "float" or "int8"
    number  of the case's file
    """
    operators = tuple(
        node.op_type
        for node in case.model.graph.node
        if kind == "float" or node.op_type not in STORING
    )
    outcome = Outcome(case.name, kind, target.name, operators, Result.REFUSED)
    if any(array is None for array in (*case.inputs, *case.outputs)):
        return outcome.but(Result.REFUSED, "sequences and optionals are no tensors")
    reason = ""
    for constant in bindings(case):
        try:
            made = _compiled(bound(case, constant), number, target)
        except CompileError as error:
            said = _one_line(str(error), case)
            reason = said if not reason or CONSTANT_RESULT not in said else reason
            continue
        except Exception as error:
            return outcome.but(Result.WRONG, f"crash: {type(error).__name__}: {error}")
        names = [case.model.graph.input[i].name for i in constant]
        note = f"constant: {', '.join(names)}" if names else ""
        return _defined(case, outcome.but(Result.PASSED, note), made)
    return outcome.but(Result.REFUSED, reason)


def _one_line(text: str, case: NodeCase) -> str:
    del case
    return " ".join(text.split())


def _compiled(model: onnx.ModelProto, number: int, target: Target) -> Compilation:
    with tempfile.TemporaryDirectory(prefix="tilewright-") as folder:
        path = Path(folder) / f"case_{number:04d}.onnx"
        path.write_bytes(model.SerializeToString())
        return compile_model(path, target, Options(effort="quick"))


def _defined(case: NodeCase, outcome: Outcome, made: Compilation) -> CompiledCase | Outcome:
    arrays = {
        item.name: array
        for item, array in zip(case.model.graph.input, case.inputs, strict=True)
        if array is not None
    }
    inputs: list[Array] = []
    for name in made.graph.inputs:
        stored = stored_input(arrays[name], made.graph.type(name))
        if stored is None:
            return outcome.but(
                Result.REFUSED, f"input {name} has values that {made.graph.type(name)} cannot hold"
            )
        inputs.append(stored)
    wanted = [item.name for item in case.model.graph.output]
    at = tuple(wanted.index(name) for name in made.graph.outputs)
    values = evaluated(made.graph, inputs)
    for index, name in zip(at, made.graph.outputs, strict=True):
        if text := difference(case, index, values[name]):
            return outcome.but(Result.WRONG, f"definition: {text}")
    return CompiledCase(case, outcome, made, tuple(inputs), at)


def evaluated(graph: Graph, inputs: Sequence[Array]) -> dict[ValueName, Array]:
    """Every value of a graph, by the definitions of its operators."""
    known: dict[ValueName, Array] = dict(graph.constants)
    known.update(zip(graph.inputs, inputs, strict=True))
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            known[node.output] = node.op.evaluate(*(known[name] for name in node.inputs))
    return known
