"""uint8 to int8 and back again is nothing."""

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch, bypass
from tilewright.ir.graph import Node
from tilewright.ops.quantise import Recentre


def cancel_recentres(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """Recentre after Recentre gives the first one's input."""
    if not isinstance(node.op, Recentre):
        return None
    first = draft.producer(node.inputs[0])
    if first is None or not isinstance(first.op, Recentre):
        return None
    return bypass(draft, node, first.inputs[0])
