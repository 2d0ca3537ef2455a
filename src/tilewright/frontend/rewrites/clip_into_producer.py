"""An activation that only clips becomes the clip that its producer has anyway."""

from dataclasses import replace
from math import inf, isfinite

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch, bypass
from tilewright.ir.graph import Node, ValueName
from tilewright.ir.types import Quantisation
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d
from tilewright.ops.dense import Dense
from tilewright.ops.elementwise import Add, Clip, Mul


def fuse_clip(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """Clip after Conv2d, DepthwiseConv2d, Dense, Add, Mul or Clip becomes the producer's bounds."""
    if not isinstance(node.op, Clip):
        return None
    if (node.op.low, node.op.high) == (-inf, inf) and _same_kind(draft, node):
        return bypass(draft, node, node.inputs[0])
    producer = draft.producer(node.inputs[0])
    op = None if producer is None else producer.op
    if producer is None or not isinstance(op, (Conv2d, DepthwiseConv2d, Dense, Add, Mul, Clip)):
        return NoMatch(f"{producer or 'an input of the network'} has no bounds of its own")
    if not draft.is_only_read_by(node.inputs[0], node):
        return NoMatch(f"the unclipped {node.inputs[0]} has other readers")
    if reason := _rounds_between(draft, node, node.op):
        return NoMatch(reason)
    low, high = node.op.low, node.op.high
    within = (min(max(bound, low), high) for bound in (op.low, op.high))
    bounds = dict(zip(("low", "high"), within, strict=True))
    return Rewrite(draft, node).finish(replace(op, **bounds), producer.inputs, producer.name)


def _same_kind(draft: Draft, node: Node) -> bool:
    x, y = draft.values[node.inputs[0]], draft.values[node.output]
    return x.quantisation == y.quantisation and x.type == y.type


def _rounds_between(draft: Draft, node: Node, clip: Clip) -> str | None:
    """Why the value between producer and Clip is rounded in a way that fusing would skip."""
    name: ValueName = node.inputs[0]
    if draft.is_real(name):
        return None
    quantisation = draft.values[name].quantisation
    if quantisation != draft.values[node.output].quantisation or quantisation is None:
        return f"{name} is stored with a scale of its own, {quantisation}"
    if not _same_kind(draft, node) or not quantisation.is_per_tensor:
        return f"{name} and {node.output} are stored differently"
    for bound in (clip.low, clip.high):
        if isfinite(bound) and _is_tie(bound, quantisation):
            return f"bound {bound} lies halfway between two stored integers of {name}"
    return None


def _is_tie(bound: float, quantisation: Quantisation) -> bool:
    """Whether contracts may round the stored bound differently (up to float32 accuracy)."""
    ratio = abs(bound / quantisation.scale)
    return abs(ratio % 1 - 0.5) < 1e-6 * max(ratio, 1.0)
