"""Quantisation parameters on one side of an operator that only moves elements."""

from dataclasses import replace

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch
from tilewright.ir.graph import Node, ValueName
from tilewright.ops.layout import Concat, Reshape, Transpose


def _is_joined_to_reals(draft: Draft, name: ValueName) -> bool:
    """Whether a Concat has the value beside one that is no stored integer."""
    joined = [n for r in draft.readers(name) if isinstance(r.op, Concat) for n in r.inputs]
    return any(draft.type(n).dtype.is_float for n in joined if n != name)


def share_quantisation(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """Reshape and Transpose move stored integers as well as real numbers: both sides share a scale.

    Files often give parameters to one side only; moving and quantising can change places, because
    neither looks at the place of an element (per-tensor parameters).
    """
    x, y = draft.values[node.inputs[0]], draft.values[node.output]
    given, open_ = (y, x) if x.quantisation is None else (x, y)
    is_moved = isinstance(node.op, (Reshape, Transpose))
    if not is_moved or given.quantisation is None or open_.quantisation is not None:
        return None
    if not given.quantisation.is_per_tensor:
        return NoMatch(f"{given.name} has one scale per channel")
    if open_ is x and not draft.is_only_read_by(x.name, node):
        return NoMatch(f"{x.name} has other readers, which want real numbers")
    if open_.name in draft.outputs or draft.producer(open_.name) is None:
        return NoMatch(f"{open_.name} is an input, output or constant in real numbers")
    if open_ is y and _is_joined_to_reals(draft, y.name):
        return None
    typed = replace(open_.type, dtype=given.type.dtype)
    value = replace(open_, type=typed, quantisation=given.quantisation)
    return Rewrite(draft, node, values=[value])
