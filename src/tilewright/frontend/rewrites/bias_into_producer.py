"""A constant that is added to every pixel is a bias."""

from dataclasses import replace
from math import inf

import numpy as np

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch, obstacle
from tilewright.frontend.rewrites.real_constants import real_constant
from tilewright.ir.graph import Node
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d
from tilewright.ops.dense import Dense
from tilewright.ops.elementwise import Add


def fuse_bias(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """Add of a constant after Conv2d, DepthwiseConv2d or Dense becomes their bias."""
    constants = [name for name in node.inputs if name in draft.constants]
    if not isinstance(node.op, Add) or len(constants) != 1:
        return None
    (name,) = (name for name in node.inputs if name not in draft.constants)
    producer = draft.producer(name)
    if producer is None or not isinstance(producer.op, (Conv2d, DepthwiseConv2d, Dense)):
        return NoMatch(f"{name} does not come from a convolution or dense layer")
    is_clipped = (producer.op.low, producer.op.high) != (-inf, inf)
    grows = draft.type(name).shape != draft.type(node.output).shape
    if no := obstacle(
        (not draft.is_real(name), f"{name} is quantised before the addition"),
        (not draft.is_only_read_by(name, node), f"{name} has other readers"),
        (is_clipped, f"{producer} is clipped before the addition"),
        (grows, f"the addition broadcasts {name}"),
    ):
        return no
    addend, bias = (real_constant(draft, n) for n in (constants[0], producer.inputs[2]))
    channels = draft.type(name).shape[-1]
    if addend is None or addend.size not in (1, (addend.shape or (1,))[-1]):
        return NoMatch(f"{constants[0]} is not one number per channel")
    if bias is None:
        return NoMatch(f"the bias of {producer} is stored as integers or not constant")
    total = bias.astype(np.float64) + np.broadcast_to(addend.ravel(), (channels,))
    rewrite = Rewrite(draft, node)
    fused = rewrite.constant(f"{node.output}.bias", total.astype(np.float32))
    op = replace(producer.op, low=node.op.low, high=node.op.high)
    return rewrite.finish(op, (*producer.inputs[:2], fused), producer.name)
