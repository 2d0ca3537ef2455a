"""Networks in tiles: .onnx files with the operators of ``ops/tiles.py``, exact as they stand.

The nodes ``TileProduct`` (with five inputs: ``TileProductAdded``), ``TileAttention`` (with four:
``TileAttentionMasked``), ``TileNormFactors`` and ``TileNormed`` have the inputs of the operators
and their numbers as attributes; ``Reshape`` stands between them. Tensors are int8 matrices in tiles
of 64 by 64, also at the network's inputs and outputs; biases are packed.
"""

from collections.abc import Callable, Mapping

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_file import OnnxModel, OnnxNode, sorted_nodes
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Origin, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import DType, TensorType
from tilewright.ops.layout import Reshape
from tilewright.ops.tile_norm import TileNormed, TileNormFactors
from tilewright.ops.tiles import (
    Activation,
    Curve,
    Scale,
    TileAttention,
    TileAttentionMasked,
    TileProduct,
    TileProductAdded,
)

DOMAIN = "tilewright.tiles"
TILE_KINDS = frozenset({"TileProduct", "TileAttention", "TileNormFactors", "TileNormed"})


def is_in_tiles(model: OnnxModel) -> bool:
    """Whether a file has such operators; it has no others then."""
    return any(node.kind in TILE_KINDS for node in model.nodes)


def import_tiles(model: OnnxModel) -> Graph:
    """The network in integers. Raises ModelError, UnsupportedError."""
    builder = GraphBuilder(model.name, Contract.PULP)
    names: dict[str, ValueName] = {}
    for item in model.inputs:
        if item.dtype.name != "int8" or not all(isinstance(d, int) and d > 0 for d in item.dims):
            raise ModelError(
                f"input {item.name}: is {item.dtype} {item.dims}; a network in tiles wants int8 of "
                "a fixed shape"
            )
        type_ = TensorType(DType.S8, tuple(int(d) for d in item.dims if isinstance(d, int)))
        names[item.name] = builder.input(
            Value(ValueName(item.name), type_, None, Origin(item.name))
        )
    known = (*model.initialisers, *names)
    for node in sorted_nodes(model.nodes, known, model.name):
        try:
            _import(model, builder, names, node)
        except ValueError as error:
            raise ModelError(f"{node}: makes {node.output}: {error}") from None
    builder.outputs.extend(names[name] for name in model.outputs)
    return builder.build()


def _import(
    model: OnnxModel, builder: GraphBuilder, names: dict[str, ValueName], node: OnnxNode
) -> None:
    if node.kind not in _OPERATORS:
        raise UnsupportedError(
            f"{node}: a network in tiles has the operators {', '.join(sorted(_OPERATORS))} only"
        )
    op = _OPERATORS[node.kind](model, node)
    operands = node.inputs[:1] if isinstance(op, Reshape) else node.inputs
    for name in operands:
        if name not in names and name not in model.initialisers:
            raise ModelError(f"{node}: nothing makes its input {name}")
        if name not in names:
            array = np.ascontiguousarray(model.initialisers[name])
            names[name] = builder.constant(name, array, None)
    inputs = tuple(names[name] for name in operands)
    inferred = op.infer(*(builder.values[name].type for name in inputs))
    value = Value(ValueName(node.output), inferred, None, Origin(node.output))
    names[node.output] = builder.node(node.name, op, inputs, value)


def _scale(node: OnnxNode, name: str) -> Scale:
    """Attribute ``name``: multiplier, shift, add."""
    given = node.integers(name, ())
    if len(given) != 3:
        raise ModelError(f"{node}: attribute {name} is {given}, not multiplier, shift and add")
    return Scale(*given)


def _product(model: OnnxModel, node: OnnxNode) -> Op:
    del model
    curve = node.text("curve", "identity").upper()
    if curve not in Curve.__members__:
        raise ModelError(f"{node}: attribute curve is {curve.lower()}, not identity, gelu or relu")
    activation = Activation()
    if curve != "IDENTITY":
        scale = _scale(node, "curve_scale")
        activation = Activation(Curve[curve], scale, *node.integers("curve_constants", (0, 0)))
    kind = TileProductAdded if len(node.inputs) == 5 else TileProduct
    by_row = bool(node.integer("bias_by_row", 0))
    return kind(scale=_scale(node, "scale"), activation=activation, bias_by_row=by_row)


def _attention(model: OnnxModel, node: OnnxNode) -> Op:
    del model
    shift = node.integer("softmax_shift", 0)
    kind = TileAttentionMasked if len(node.inputs) == 4 else TileAttention
    return kind(logits=_scale(node, "logits"), values=_scale(node, "values"), softmax_shift=shift)


def _norm_factors(model: OnnxModel, node: OnnxNode) -> Op:
    del model
    return TileNormFactors(
        channels=node.integer("channels", 0), strength=node.integer("strength", 0)
    )


def _normed(model: OnnxModel, node: OnnxNode) -> Op:
    del model
    return TileNormed(scale=_scale(node, "scale"))


def _reshape(model: OnnxModel, node: OnnxNode) -> Op:
    if node.input(1) not in model.initialisers:
        raise UnsupportedError(f"{node}: its shape is computed at run time")
    return Reshape(tuple(int(n) for n in model.initialisers[node.input(1)]))


_OPERATORS: Mapping[str, Callable[[OnnxModel, OnnxNode], Op]] = {
    "TileProduct": _product, "TileAttention": _attention, "Reshape": _reshape,
    "TileNormFactors": _norm_factors, "TileNormed": _normed,
}  # fmt: skip
