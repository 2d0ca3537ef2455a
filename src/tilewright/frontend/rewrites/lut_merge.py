"""Tables that follow a table, or do what the layer before them does anyway."""

from dataclasses import replace

import numpy as np

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch, bypass
from tilewright.ir.graph import Node
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.lut import Lut


def merge_luts(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """A table of a table is one table; a table that changes nothing vanishes."""
    second = _table(draft, node)
    if second is None:
        return None
    if np.array_equal(second, np.arange(-128, 128)) and second.dtype == np.int8:
        outcome = bypass(draft, node, node.inputs[0])
        if isinstance(outcome, Rewrite):
            return outcome
    producer = draft.producer(node.inputs[0])
    first = None if producer is None else _table(draft, producer)
    if producer is None or first is None:
        return None
    if not draft.is_only_read_by(node.inputs[0], node):
        return NoMatch(f"{node.inputs[0]} has other readers")
    rewrite = Rewrite(draft, node)
    both = rewrite.constant(f"{node.output}.table", second[first.astype(np.int32) + 128])
    return rewrite.finish(Lut(), (producer.inputs[0], both))


def fuse_lut_clip(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """A table that only clips what its producer can make tightens the producer's clip."""
    table = _table(draft, node)
    producer = draft.producer(node.inputs[0])
    if table is None or producer is None or table.dtype != np.int8:
        return None
    op = producer.op
    if not isinstance(op, (QConv2d, QDepthwiseConv2d, QDense)):
        return None
    reachable = np.arange(op.output.low, op.output.high + 1)
    made = table[reachable + 128]
    low, high = int(made.min()), int(made.max())
    if not np.array_equal(made, np.clip(reachable, low, high)):
        return NoMatch("its table does more than clip")
    if not draft.is_only_read_by(node.inputs[0], node):
        return NoMatch(f"{node.inputs[0]} has other readers")
    fused = replace(op, output=replace(op.output, low=low, high=high))
    return Rewrite(draft, node).finish(fused, producer.inputs, producer.name)


def _table(draft: Draft, node: Node) -> Array | None:
    return draft.constant(node.inputs[1]) if isinstance(node.op, Lut) else None
