"""Operators that move or select stored values: the same integers for every contract."""

from dataclasses import replace

from tilewright.frontend.lower.lowering import Lowering, LowerRules
from tilewright.ir.graph import Node
from tilewright.ops.gather import Gather
from tilewright.ops.layout import Concat, Pad, Reshape, Transpose
from tilewright.ops.pool2d import MaxPool2d

FAR = 1024.0
"""Steps from zero that no stored number reaches."""


def lower_same_scale(lowering: Lowering, node: Node) -> None:
    """Reshape, Transpose, MaxPool2d keep stored values; another output scale is applied first."""
    y = lowering.quantisation(node, node.output)
    lowering.emit(node, node.op, (lowering.rescaled(node, node.inputs[0], y),))


def lower_concat(lowering: Lowering, node: Node) -> None:
    """Concat; inputs under another scale than the output's are rescaled first."""
    assert isinstance(node.op, Concat)
    y = lowering.quantisation(node, node.output)
    lowering.emit(node, node.op, [lowering.rescaled(node, name, y) for name in node.inputs])


def lower_pad(lowering: Lowering, node: Node) -> None:
    """Pad: the border becomes the stored form of its real value."""
    op = node.op
    assert isinstance(op, Pad)
    y = lowering.quantisation(node, node.output)
    steps = min(max(op.value / y.scale, -FAR), FAR)  # it may be infinite
    stored = min(max(round(steps) + y.zero_point, -128), 127)
    inner = lowering.rescaled(node, node.inputs[0], y)
    lowering.emit(node, replace(op, value=stored), (inner,))


def lower_gather(lowering: Lowering, node: Node) -> None:
    """Gather: rows keep their stored values, indices are integers of their own."""
    x, index = node.inputs
    y = lowering.quantisation(node, node.output)
    lowering.emit(node, node.op, (lowering.rescaled(node, x, y), lowering.value(index)))


MOVEMENT_RULES: LowerRules = {
    Gather: lower_gather,
    Reshape: lower_same_scale,
    Transpose: lower_same_scale,
    MaxPool2d: lower_same_scale,
    Concat: lower_concat,
    Pad: lower_pad,
}
