"""Transposes that cancel, merge, or turn out to move nothing."""

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch, bypass
from tilewright.frontend.rewrites.permutation import moves_nothing, then
from tilewright.ir.graph import Node
from tilewright.ops.layout import Reshape, Transpose


def merge_transposes(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """Transpose after Transpose becomes one, or none where the second undoes the first."""
    if not isinstance(node.op, Transpose):
        return None
    if node.op.perm == tuple(range(len(node.op.perm))):
        return bypass(draft, node, node.inputs[0])
    first = draft.producer(node.inputs[0])
    if first is None or not isinstance(first.op, Transpose):
        return None
    source, between = (draft.values[n.inputs[0]].quantisation for n in (first, node))
    if source != between:
        return NoMatch(f"{first} also changes the scale")
    perm = then(first.op.perm, node.op.perm)
    if perm == tuple(range(len(perm))):
        return bypass(draft, node, first.inputs[0])
    return Rewrite(draft, node).finish(Transpose(perm), first.inputs)


def transpose_to_reshape(draft: Draft, node: Node) -> Rewrite | None:
    """A Transpose that only moves dimensions of extent 1 is a Reshape, which costs nothing."""
    if not isinstance(node.op, Transpose):
        return None
    if not moves_nothing(node.op.perm, draft.type(node.inputs[0]).shape):
        return None
    shape = draft.type(node.output).shape
    return Rewrite(draft, node).finish(Reshape(shape), node.inputs)
