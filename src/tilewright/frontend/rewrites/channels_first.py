"""The first convolution reads the network's input in the layout of the file."""

from dataclasses import replace

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch, obstacle
from tilewright.frontend.rewrites.permutation import TO_CHANNELS_LAST
from tilewright.ir.graph import Node
from tilewright.ops.conv2d import Conv2d
from tilewright.ops.layout import Reshape, Transpose
from tilewright.ops.quantise import Quantize


def absorb_input_transpose(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """Conv2d on a transposed network input becomes a Conv2d that is_channels_first."""
    if not isinstance(node.op, Conv2d) or node.op.is_channels_first:
        return None
    transpose = draft.producer(node.inputs[0])
    if transpose is None or not isinstance(transpose.op, Transpose):
        return None
    source, x = (draft.values[name] for name in (transpose.inputs[0], node.inputs[0]))
    others = [str(r) for r in draft.readers(x.name) if not isinstance(r.op, Conv2d)]
    perm = transpose.op.perm
    if no := obstacle(
        (perm != TO_CHANNELS_LAST, f"{transpose} does not turn NCHW into NHWC but is {perm}"),
        (not _comes_from_input(draft, transpose), f"{source.name} is no input of the network"),
        (source.quantisation != x.quantisation, f"{transpose} also changes the scale"),
        (bool(others), f"{', '.join(others)} reads the transposed input as well"),
        (node.op.groups > 1, "a grouped convolution reads its input channels last"),
    ):
        return no
    op = replace(node.op, is_channels_first=True)
    return Rewrite(draft, node).finish(op, (transpose.inputs[0], *node.inputs[1:]))


def _comes_from_input(draft: Draft, transpose: Node) -> bool:
    """Whether the Transpose reads a graph input: as it comes, reshaped, quantised at the border."""
    name = transpose.inputs[0]
    while (producer := draft.producer(name)) and isinstance(producer.op, (Quantize, Reshape)):
        name = producer.inputs[0]
    return name in draft.inputs
