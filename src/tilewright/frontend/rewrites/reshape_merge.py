"""Reshapes that merge, vanish, or move below the operator that reads them."""

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch, bypass
from tilewright.frontend.rewrites.permutation import reshaped_value
from tilewright.ir.graph import Node
from tilewright.ops.elementwise import Activation, Add, Clip, Mul
from tilewright.ops.layout import Reshape
from tilewright.ops.quantise import Dequantize, Quantize


def merge_reshapes(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """Reshape after Reshape becomes one; a Reshape to the same shape vanishes."""
    if not isinstance(node.op, Reshape):
        return None
    if draft.type(node.inputs[0]) == draft.type(node.output):
        return bypass(draft, node, node.inputs[0])
    first = draft.producer(node.inputs[0])
    if first is None or not isinstance(first.op, Reshape):
        return None
    source, between = (draft.values[n.inputs[0]].quantisation for n in (first, node))
    if source != between:
        return NoMatch(f"{first} also changes the scale")
    return Rewrite(draft, node).finish(node.op, first.inputs)


def sink_reshape(draft: Draft, node: Node) -> Rewrite | None:
    """An elementwise operator on reshaped values works on the original shape, reshaped after."""
    match node.op:
        case Clip() | Activation() | Quantize() | Dequantize() | Add() | Mul():
            pass
        case _:
            return None
    reshapes = [draft.producer(name) for name in node.inputs]
    sources = [r.inputs[0] for r in reshapes if r is not None and isinstance(r.op, Reshape)]
    shapes = {draft.type(name).shape for name in sources}
    if len(sources) != len(node.inputs) or len(shapes) != 1:
        return None
    if any(draft.type(name).shape != draft.type(node.output).shape for name in node.inputs):
        return None
    if any(
        draft.values[source].quantisation != draft.values[name].quantisation
        for source, name in zip(sources, node.inputs, strict=True)
    ):
        return None
    rewrite = Rewrite(draft, node)
    value = reshaped_value(draft.values[node.output], shapes.pop(), f"{node.output}.flat")
    inner = rewrite.insert(node.name, node.op, sources, value)
    return rewrite.finish(Reshape(draft.type(node.output).shape), (inner,), f"{node.name}.reshape")
