"""Variables of .tflite files as states: VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE, CALL_ONCE.

A variable is an input of the network that is its own output in the run before. What the subgraph
of CALL_ONCE assigns to it is what it holds before the first run and after a reset.
"""

from collections.abc import Mapping
from dataclasses import replace

from tilewright.errors import ModelError, QuantisationError, UnsupportedError
from tilewright.frontend.tflite_file import TfliteFile, TfliteOperator
from tilewright.frontend.tflite_network import Network, Variable
from tilewright.frontend.tflite_steps import Operator
from tilewright.ir.graph import State, Value, ValueName
from tilewright.ir.types import Array
from tilewright.ops.layout import Reshape

NAME_SLOT = 1
"""shared_name among the options of VAR_HANDLE."""


def _name(file: TfliteFile, op: TfliteOperator) -> str:
    """A variable's name: what it shares among subgraphs."""
    shared = "" if op.options is None else op.options.text(NAME_SLOT)
    return shared or file.tensors[op.outputs[0]].name


def import_handle(network: Network, op: TfliteOperator) -> None:
    """VAR_HANDLE: which variable a tensor of type resource means."""
    network.handles[op.outputs[0]] = _name(network.file, op)


def _variable(network: Network, op: TfliteOperator) -> str:
    handle = op.inputs[0]
    if handle not in network.handles:
        raise ModelError(f"{network.label(op)}: input 0 is no variable that VAR_HANDLE names")
    return network.handles[handle]


def import_read(network: Network, op: TfliteOperator) -> None:
    """READ_VARIABLE: what the last run left, or what this one has assigned already."""
    name, tensor = _variable(network, op), network.result(op)
    if name not in network.variables:
        wish = network.builder.fresh(name)
        before = network.declare(wish, replace(tensor, name=name), tensor.shape)
        network.variables[name] = Variable(before, before)
    network.names[tensor.index] = network.variables[name].now


def import_assign(network: Network, op: TfliteOperator) -> None:
    """ASSIGN_VARIABLE: what the next run reads."""
    name, value = _variable(network, op), network.operand(op, 1)
    known = network.variables.get(name)
    if known is None:
        # Nothing has read it yet: it lives on, though only later runs may look.
        tensor = replace(network.tensor(op, 1), name=name, data=None)
        shape = network.type(value).shape
        before = network.declare(network.builder.fresh(name), tensor, shape)
        known = Variable(before, before)
    held, made = (network.builder.values[n] for n in (known.before, value))
    if held.type != made.type:
        raise ModelError(f"{network.label(op)}: assigns {made.type} to {name}, read as {held.type}")
    if held.quantisation != made.quantisation:
        raise QuantisationError(
            f"{network.label(op)}: assigns {made.quantisation} to variable {name}, which is read "
            f"with {held.quantisation}; quantise both alike"
        )
    network.variables[name] = Variable(known.before, value)


def import_call_once(network: Network, op: TfliteOperator) -> None:
    """CALL_ONCE: a subgraph that gives variables their first values."""
    index = 0 if op.options is None else op.options.integer(0, "int32")
    others = network.file.subgraphs
    if not 0 <= index < len(others):
        raise ModelError(f"{network.label(op)}: calls subgraph {index} of {len(others)}")
    network.initial.update(_initial(others[index]))


def _initial(file: TfliteFile) -> Mapping[str, Array]:
    """Variables → constants that a subgraph assigns. Raises UnsupportedError for anything else."""
    handles: dict[int, str] = {}
    found: dict[str, Array] = {}
    for op in file.operators:
        if op.kind == "VAR_HANDLE":
            handles[op.outputs[0]] = _name(file, op)
            continue
        handle, place = op.inputs if len(op.inputs) == 2 else (-1, -1)
        value = file.tensors[place] if place >= 0 else None
        known = op.kind == "ASSIGN_VARIABLE" and handle in handles
        if not known or value is None or value.data is None:
            raise UnsupportedError(
                f"{file.name}: operator {op.index} ({op.kind}) of the subgraph that CALL_ONCE "
                "calls; only constants that are assigned to variables are supported"
            )
        found[handles[handle]] = value.array()
    return found


def declare_states(network: Network) -> None:
    """One state per variable of the network; to be called when everything else is imported."""
    builder = network.builder
    for name, variable in network.variables.items():
        before, after = variable.before, variable.now
        if after != before:
            source = builder.values[after]
            kept = Value(builder.fresh(f"{name}.next"), source.type, source.quantisation)
            after = builder.node(f"{name}.keep", Reshape(source.type.shape), (after,), kept)
            builder.outputs.append(after)
        else:
            builder.outputs.append(before)
        builder.states.append(State(name, before, after, _first(network, name, before)))


def _first(network: Network, name: str, before: ValueName) -> Array | None:
    array = network.initial.get(name)
    type_ = network.type(before)
    if array is None:
        return None
    if array.size != type_.size:
        raise ModelError(
            f"{network.file.name}: variable {name} starts with {array.size} elements, it is {type_}"
        )
    return array.reshape(type_.shape).astype(type_.dtype.numpy)


VARIABLES: Mapping[str, Operator] = {
    "ASSIGN_VARIABLE": Operator(import_assign, (2, 2), (0, 0)),
    "CALL_ONCE": Operator(import_call_once, (0, 0), (0, 0)),
    "READ_VARIABLE": Operator(import_read, (1, 1)),
    "VAR_HANDLE": Operator(import_handle, (0, 0)),
}
