"""What is computed twice is computed once."""

import numpy as np

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch, bypass
from tilewright.ir.graph import Node, ValueName


def merge_equal(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """A node that does to the same tensors what another one does reads that one's output.

    The first of equal nodes stays, so that rules do not undo each other. Views cost nothing.
    """
    if node.op.is_view or not node.inputs:
        return None
    for other in draft.readers(node.inputs[0]):
        if other.output == node.output:
            return None
        if other.op == node.op and _are_equal(draft, node.inputs, other.inputs):
            return bypass(draft, node, other.output)
    return None


def _are_equal(draft: Draft, a: tuple[ValueName, ...], b: tuple[ValueName, ...]) -> bool:
    return len(a) == len(b) and all(
        one == other or _are_same_constant(draft, one, other)
        for one, other in zip(a, b, strict=True)
    )


def _are_same_constant(draft: Draft, a: ValueName, b: ValueName) -> bool:
    one, other = draft.constant(a), draft.constant(b)
    if one is None or other is None or one.dtype != other.dtype:
        return False
    return np.array_equal(one, other) and draft.values[a].type == draft.values[b].type
