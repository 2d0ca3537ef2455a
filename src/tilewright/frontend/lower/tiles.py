"""Operators on matrices in tiles: exact integers already, whatever the contract."""

from tilewright.frontend.lower.lowering import Lowering
from tilewright.ir.graph import Graph, Node
from tilewright.ops.layout import Reshape
from tilewright.ops.tile_norm import TileNormed, TileNormFactors
from tilewright.ops.tiles import TileAttention, TileAttentionMasked, TileProduct, TileProductAdded

_EXACT = (
    TileProduct, TileProductAdded, TileAttention, TileAttentionMasked, TileNormFactors, TileNormed,
)  # fmt: skip


def is_exact(source: Graph, node: Node) -> bool:
    """Whether a node needs no rule: an operator in tiles, or a reshape of their bytes."""
    x = source.values[node.inputs[0]]
    is_bytes = x.quantisation is None and not x.type.dtype.is_float
    return isinstance(node.op, _EXACT) or (
        isinstance(node.op, Reshape) and is_bytes and x.type.dtype.nbytes == 1
    )


def lower_exact(lowering: Lowering, node: Node) -> None:
    """The same node; constants as they are, whatever their type."""
    for name in node.inputs:
        if name in lowering.source.constants and name not in lowering.names:
            array = lowering.source.constants[name]
            lowering.names[name] = lowering.builder.constant(name, array, None)
    lowering.emit(node, node.op, tuple(lowering.names[name] for name in node.inputs))
