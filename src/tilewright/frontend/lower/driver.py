"""Walks a source graph once and lowers every node under one contract.

A node whose activations are all quantised goes to a rule of the contract; one whose activations
are all real stays in float32. A node between the two is an incomplete quantisation: an error that
names the tensors, or, with ``allow_float``, computed in float32 between Dequantize and Quantize.
"""

from collections.abc import Mapping
from dataclasses import replace

from tilewright.errors import QuantisationError, UnsupportedError
from tilewright.frontend.lower.convolution import CONVOLUTION_RULES
from tilewright.frontend.lower.lowering import Lowering, LowerRule, LowerRules, dequantised, is_u8
from tilewright.frontend.lower.movement import MOVEMENT_RULES
from tilewright.frontend.lower.norms import NORM_RULES
from tilewright.frontend.lower.onnx import ONNX_RULES
from tilewright.frontend.lower.products import PRODUCT_RULES
from tilewright.frontend.lower.tflite import TFLITE_RULES
from tilewright.frontend.lower.tiles import is_exact, lower_exact
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Node, Value, ValueName
from tilewright.ir.types import DType
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d
from tilewright.ops.dense import Dense
from tilewright.ops.gather import Gather
from tilewright.ops.quantise import Dequantize, Quantize, Recentre
from tilewright.ops.reductions import ArgRow

COMMON_RULES: LowerRules = {**CONVOLUTION_RULES, **MOVEMENT_RULES, **PRODUCT_RULES}

RULES: Mapping[Contract, LowerRules] = {
    Contract.TFLITE: {**COMMON_RULES, **TFLITE_RULES},
    Contract.ONNX: {**COMMON_RULES, **ONNX_RULES, **NORM_RULES},
    Contract.PULP: {**COMMON_RULES, **ONNX_RULES, **NORM_RULES},
    Contract.FLOAT32: {},
}


def lower(graph: Graph, contract: Contract, *, allow_float: bool = False) -> Graph:
    """The same network in exact integers of ``contract`` (and float32 where the file has it).

    Raises QuantisationError for incomplete or unusable quantisation parameters, UnsupportedError
    for an operator that the contract does not define. What a file gives in exact integers already,
    as the integer dialect does, stays as it is.
    """
    if graph.contract is Contract.PULP:
        return graph
    builder = GraphBuilder(graph.name, contract, notes=list(graph.notes))
    lowering = Lowering(graph, contract, builder)
    for name in graph.inputs:
        _lower_input(lowering, graph.values[name])
    for node in graph.nodes:
        _lower_node(lowering, node, allow_float=allow_float)
    for name in graph.outputs:
        builder.outputs.append(_as_stored(lowering, name))
    return builder.build()


def _lower_input(lowering: Lowering, value: Value) -> None:
    name = lowering.builder.input(value)
    lowering.names[value.name] = name
    if not is_u8(value):
        return
    assert value.quantisation is not None
    zeros = tuple(z - 128 for z in value.quantisation.zero_points)
    inner = Value(
        lowering.builder.fresh(f"{name}.s8"),
        replace(value.type, dtype=DType.S8),
        replace(value.quantisation, zero_points=zeros),
        value.origin,
    )
    lowering.names[value.name] = lowering.builder.node(
        f"{name}.recentre", Recentre(), (name,), inner
    )


def _as_stored(lowering: Lowering, name: ValueName) -> ValueName:
    """A graph output as the file stores it."""
    value = lowering.source.values[name]
    lowered = lowering.value(name)
    if not is_u8(value) or lowering.builder.values[lowered].type.dtype is DType.U8:
        return lowered
    stored = replace(value, name=lowering.builder.fresh(name))
    return lowering.builder.node(f"{name}.recentre", Recentre(), (lowered,), stored)


def _lower_node(lowering: Lowering, node: Node, *, allow_float: bool) -> None:
    if isinstance(node.op, (Quantize, Dequantize)):
        lowering.border(node)
        return
    source, contract = lowering.source, lowering.contract
    if is_exact(source, node):
        lower_exact(lowering, node)
        return
    if source.type(node.output).dtype is DType.S32:
        _lower_to_integers(lowering, node)
        return
    real = [n for n in _parts(source, node) if source.values[n].type.dtype.is_float]
    quantised = [n for n in _parts(source, node) if n not in real]
    rules = RULES[contract]
    if contract is not Contract.FLOAT32 and quantised and real and not allow_float:
        raise QuantisationError(
            f"{node}: {', '.join(quantised)} {'is' if len(quantised) == 1 else 'are'} quantised, "
            f"but {', '.join(real)} {'is' if len(real) == 1 else 'are'} not\n"
            f"  try      quantise {real[0]} (a QuantizeLinear/DequantizeLinear pair), or keep this "
            "operator in float32 (without --no-float)"
        )
    if real or contract is Contract.FLOAT32:
        _note_float(lowering, node, quantised)
        _lower_in_float(lowering, node)
    elif any(source.type(n).dtype is DType.S16 for n in quantised):
        _lower_wide(lowering, node, quantised, allow_float=allow_float)
    elif type(node.op) in rules and not allow_float:
        _lower_in_integers(lowering, node, rules[type(node.op)])
    elif type(node.op) in rules and _lowers_in_integers(lowering, node, rules[type(node.op)]):
        return
    elif allow_float:
        _note_float(lowering, node, quantised)
        _lower_in_float(lowering, node)
    else:
        raise UnsupportedError(
            f"{node}: the {contract.value} contract has no integer form of {type(node.op).__name__}"
        )


def _lower_wide(
    lowering: Lowering, node: Node, quantised: list[ValueName], *, allow_float: bool
) -> None:
    """16-bit activations of an operator that has no form in integers of that size."""
    if not allow_float:
        raise UnsupportedError(
            f"{node}: {type(node.op).__name__} of 16-bit activations has no integer form; it is "
            "computed in float32 without --no-float"
        )
    _note_float(lowering, node, quantised)
    _lower_in_float(lowering, node)


def _note_float(lowering: Lowering, node: Node, quantised: list[ValueName]) -> None:
    """Says where a quantised network computes with real numbers."""
    if quantised:
        lowering.builder.notes.append(
            f"{node}: in float32, beside {', '.join(quantised)}; a QuantizeLinear and a "
            "DequantizeLinear around it, or an operator with an integer form, would keep it in "
            "integers"
        )


def _is_plain(value: Value) -> bool:
    """Whether integers stand for themselves: indices, truth."""
    return value.type.dtype is DType.S32 and value.quantisation is None


def _lower_to_integers(lowering: Lowering, node: Node) -> None:
    """Plain integers, made of others, or of real numbers; where the greatest of stored integers is,
    the greatest of the reals is, too."""
    is_ordered = isinstance(node.op, ArgRow)
    inputs = tuple(
        lowering.value(name) if is_ordered else _as_real(lowering, node, name)
        for name in node.inputs
    )
    lowering.emit(node, node.op, inputs)


def _parts(source: Graph, node: Node) -> list[ValueName]:
    """The tensors that must all be quantised or all be real.

    Constants may be either, except for the weights of an integer convolution or dense layer; an
    operator whose weights alone are quantised computes with real numbers.
    """
    inputs = node.inputs[:1] if isinstance(node.op, Gather) else node.inputs
    varying = [n for n in inputs if n not in source.constants]
    parts = [n for n in varying if not _is_plain(source.values[n])] + [node.output]
    if not isinstance(node.op, (Conv2d, DepthwiseConv2d, Dense)):
        return parts
    x, weights = node.inputs[:2]
    is_real = source.values[weights].type.dtype.is_float
    return [*parts, weights] if is_real and not source.values[x].type.dtype.is_float else parts


def _lower_in_integers(lowering: Lowering, node: Node, rule: LowerRule) -> None:
    try:
        rule(lowering, node)
    except ValueError as error:
        raise QuantisationError(f"{node}: cannot rescale to {node.output}: {error}") from None


def _lowers_in_integers(lowering: Lowering, node: Node, rule: LowerRule) -> bool:
    """Whether the rule has an integer form of this node; if not, nothing is left of it."""
    builder = lowering.builder
    held = (builder.values, builder.constants, lowering.names)
    nodes, sizes = len(builder.nodes), [len(names) for names in held]
    try:
        _lower_in_integers(lowering, node, rule)
    except (QuantisationError, UnsupportedError) as error:
        if _is_beyond_float(lowering, node):
            raise
        del builder.nodes[nodes:]
        for names, size in zip(held, sizes, strict=True):
            while len(names) > size:
                names.popitem()
        lowering.builder.notes.append(f"{node}: no integer form: {error}".partition("\n")[0])
        return False
    return True


def _is_beyond_float(lowering: Lowering, node: Node) -> bool:
    """Whether float32 could not compute the node either: an activation without one scale."""
    names = [n for n in (*node.inputs, node.output) if n not in lowering.source.constants]
    parameters = [lowering.source.values[n].quantisation for n in names]
    return any(q is not None and not q.is_per_tensor for q in parameters)


def _lower_in_float(lowering: Lowering, node: Node) -> None:
    """Keep the operator; dequantise what it reads, quantise its result where the file does."""
    inputs = tuple(
        lowering.value(name)
        if index and isinstance(node.op, Gather)
        else _as_real(lowering, node, name)
        for index, name in enumerate(node.inputs)
    )
    value = lowering.source.values[node.output]
    if value.type.dtype.is_float:
        lowering.emit(node, node.op, inputs)
        return
    real = lowering.between(node, "unrounded", node.op, inputs)
    lowering.quantisation(node, node.output)
    lowering.emit(node, lowering.quantize_op(node.output), (real,))


def _as_real(lowering: Lowering, node: Node, name: ValueName) -> ValueName:
    """The value as float32: constants at compile time, activations by a Dequantize."""
    value = lowering.source.values[name]
    if value.type.dtype.is_float or _is_plain(value):
        return lowering.value(name)
    if name in lowering.source.constants:
        array, quantisation = lowering.source.constants[name], value.quantisation
        if quantisation is None:
            raise QuantisationError(f"{node}: constant {name} has no quantisation parameters")
        return lowering.constant(node, f"{name}.f32", dequantised(array, quantisation))
    if name not in lowering.reals:
        x = lowering.quantisation(node, name)
        real = Value(
            lowering.builder.fresh(f"{name}.f32"), replace(value.type, dtype=DType.F32),
            origin=value.origin,
        )  # fmt: skip
        lowering.reals[name] = lowering.builder.node(
            f"{node.name}.dequantize", Dequantize(x.scale, x.zero_point), (lowering.value(name),),
            real,
        )  # fmt: skip
    return lowering.reals[name]
