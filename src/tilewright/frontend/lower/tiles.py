"""Operators that are exact integers already, whatever the contract."""

from tilewright.frontend.lower.lowering import Lowering
from tilewright.ir.graph import Graph, Node
from tilewright.ir.types import DType
from tilewright.ops.gather import Gather
from tilewright.ops.layout import Concat, Reshape, Transpose
from tilewright.ops.lstm import LstmSequence
from tilewright.ops.tile_norm import TileNormed, TileNormFactors
from tilewright.ops.tiles import TileAttention, TileAttentionMasked, TileProduct, TileProductAdded
from tilewright.ops.wide import WideAdd, WideConv2d, WideMul, WideRescale
from tilewright.ops.wide_softmax import WideSoftmax

_EXACT = (
    TileProduct, TileProductAdded, TileAttention, TileAttentionMasked, TileNormFactors, TileNormed,
    WideConv2d, WideAdd, WideMul, WideRescale, WideSoftmax, LstmSequence,
)  # fmt: skip

_MOVING = (Reshape, Gather, Concat, Transpose)


def is_exact(source: Graph, node: Node) -> bool:
    """Whether a node needs no rule: an operator on exact integers, a reshape of its bytes, or
    16-bit values that move and keep their scale."""
    x = source.values[node.inputs[0]]
    is_bytes = x.quantisation is None and not x.type.dtype.is_float
    if isinstance(node.op, _EXACT):
        return True
    if isinstance(node.op, _MOVING) and x.type.dtype is DType.S16:
        moved = node.inputs[:1] if isinstance(node.op, Gather) else node.inputs
        names = (*moved, node.output)
        return len({source.values[name].quantisation for name in names}) == 1
    return isinstance(node.op, Reshape) and is_bytes and x.type.dtype.nbytes == 1


def lower_exact(lowering: Lowering, node: Node) -> None:
    """The same node; constants as they are, whatever their type."""
    for name in node.inputs:
        if name in lowering.source.constants and name not in lowering.names:
            array = lowering.source.constants[name]
            lowering.names[name] = lowering.builder.constant(name, array, None)
    lowering.emit(node, node.op, tuple(lowering.names[name] for name in node.inputs))
