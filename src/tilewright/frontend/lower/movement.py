"""Operators that move or select stored values: the same integers for every contract."""

from dataclasses import replace

from tilewright.errors import QuantisationError
from tilewright.frontend.lower.lowering import Lowering, LowerRules
from tilewright.ir.graph import Node
from tilewright.ops.layout import Pad, Reshape, Transpose
from tilewright.ops.pool2d import MaxPool2d


def lower_same_scale(lowering: Lowering, node: Node) -> None:
    """Reshape, Transpose, MaxPool2d: stored values are kept, so both sides share one scale."""
    x = lowering.quantisation(node, node.inputs[0])
    y = lowering.quantisation(node, node.output)
    if x != y:
        inner = lowering.rescaled(node, node.inputs[0], y)
        lowering.emit(node, node.op, (inner,))
        return
    lowering.emit(node, node.op, (lowering.value(node.inputs[0]),))


def lower_pad(lowering: Lowering, node: Node) -> None:
    """Pad: the border becomes the stored form of its real value."""
    op = node.op
    assert isinstance(op, Pad)
    y = lowering.quantisation(node, node.output)
    if lowering.quantisation(node, node.inputs[0]) != y:
        raise QuantisationError(
            f"{node}: input and output of a Pad need one scale, they have "
            f"{lowering.quantisation(node, node.inputs[0])} and {y}"
        )
    stored = min(max(round(op.value / y.scale) + y.zero_point, -128), 127)
    lowering.emit(node, replace(op, value=stored), (lowering.value(node.inputs[0]),))


MOVEMENT_RULES: LowerRules = {
    Reshape: lower_same_scale,
    Transpose: lower_same_scale,
    MaxPool2d: lower_same_scale,
    Pad: lower_pad,
}
