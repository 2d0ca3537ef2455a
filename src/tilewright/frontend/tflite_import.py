"""The door for .tflite files: bytes of the file → source graph.

Shapes are inferred by the operators themselves; what the file says about them is only compared.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tilewright.errors import ModelError, OptionError, Refusal, UnsupportedError
from tilewright.frontend.sizes import need_plannable_since
from tilewright.frontend.tflite_control import CONTROL, bodies, import_control
from tilewright.frontend.tflite_file import TfliteFile, TfliteOperator, read_tflite
from tilewright.frontend.tflite_folding import fold
from tilewright.frontend.tflite_network import (
    Network,
    check_outputs,
    input_shape,
    is_quantised,
)
from tilewright.frontend.tflite_operators import OPERATORS
from tilewright.frontend.tflite_variables import declare_states
from tilewright.ir.graph import Contract, Graph, GraphBuilder
from tilewright.ir.types import Shape


def import_tflite(path: Path, input_shapes: Mapping[str, Shape], signature: str = "") -> Graph:
    """The network in ``path`` with real-number operators; contract TFLITE, or FLOAT32.

    input_shapes  by input name, for inputs whose file leaves dimensions open
    signature     the one to compile, of a file with several; empty: the first subgraph
    Raises ModelError for a file that is damaged or contradicts itself, UnsupportedError listing
    every operator that is not known, QuantisationError for missing or unusable scales, OptionError
    for an input shape that does not fit, or an unknown signature.
    """
    file = read_tflite(path, signature)
    _check_operators(file)
    builder = GraphBuilder(file.name, Contract.TFLITE)
    if len(file.signatures) > 1 and not signature:
        builder.notes.append(
            f"the file has the signatures {', '.join(file.signatures)}; this is its first "
            "subgraph, --signature NAME takes another"
        )
    network = Network(file, builder, has_given_shapes=bool(input_shapes))
    _declare_inputs(network, input_shapes)
    _import_operators(network)
    check_outputs(network)
    declare_states(network)
    if not is_quantised(builder.nodes, builder):
        builder.contract = Contract.FLOAT32
    return builder.build()


def _import_operators(network: Network) -> None:
    for op in network.file.operators:
        known = len(network.builder.values)
        if op.kind in CONTROL:
            import_control(network, op, _import_operators)
        elif not fold(network, op):
            OPERATORS[op.kind].rule(network, op)
        need_plannable_since(network.builder, known)


def _check_operators(file: TfliteFile) -> None:
    """Refuse all operators that no rule knows at once, then wrong numbers of operands."""
    called = _called(file)
    every = [(part, op) for part in called for op in part.operators if op.kind not in CONTROL]
    unknown = [(part, op) for part, op in every if op.kind not in OPERATORS]
    if unknown:
        kinds = sorted({op.kind for _, op in unknown})
        total = sum(len(part.operators) for part in called)
        raise UnsupportedError(
            f"{file.name}: {len(unknown)} of {total} operators are not supported "
            f"({', '.join(kinds)})",
            tuple(_refusal(part, op) for part, op in unknown),
        )
    for part, op in every:
        _check_operands(part, op)


def _called(file: TfliteFile) -> list[TfliteFile]:
    """The network, and every subgraph that control flow runs."""
    found: list[TfliteFile] = []

    def visit(part: TfliteFile, path: tuple[int, ...]) -> None:
        if id(part) in path:
            raise ModelError(f"{file.name}: a subgraph runs itself")
        if any(part is known for known in found):
            return
        found.append(part)
        whole = replace(part, subgraphs=file.subgraphs)
        for body in (body for op in part.operators for body in bodies(whole, op)):
            visit(body, (*path, id(part)))

    visit(file, ())
    return found


def _check_operands(file: TfliteFile, op: TfliteOperator) -> None:
    known = OPERATORS[op.kind]
    least, most = known.inputs
    fits = known.outputs[0] <= len(op.outputs) <= known.outputs[1]
    if not fits or not least <= len(op.inputs) <= most:
        wish = "1" if known.outputs == (1, 1) else f"at least {known.outputs[0]}"
        raise ModelError(
            f"{file.name}: operator {op.index} ({op.kind}) has {len(op.inputs)} inputs and "
            f"{len(op.outputs)} outputs; {least} to {most} and {wish} are expected"
        )
    sparse = [file.tensors[i] for i in op.inputs if i >= 0 and file.tensors[i].is_sparse]
    if sparse:
        raise UnsupportedError(
            f"{file.name}: operator {op.index} ({op.kind}): {sparse[0]} is stored sparsely; "
            "convert the network with dense weights"
        )


def _refusal(file: TfliteFile, op: TfliteOperator) -> Refusal:
    made = ", ".join(file.tensors[i].name for i in op.outputs) or "nothing"
    return Refusal(f"operator {op.index}", f"{op.kind}, makes {made}")


def _declare_inputs(network: Network, given: Mapping[str, Shape]) -> None:
    tensors = [network.file.tensors[i] for i in network.file.inputs]
    unknown = sorted(given.keys() - {t.name for t in tensors})
    if unknown:
        raise OptionError(
            f"{network.file.name}: has no input {', '.join(unknown)}; its inputs are "
            f"{', '.join(t.name for t in tensors)}"
        )
    for tensor in tensors:
        network.input(tensor, input_shape(tensor, given))
