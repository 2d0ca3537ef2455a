"""Operators whose inputs are all known are computed now, by their own definition."""

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch
from tilewright.ir.graph import Node
from tilewright.ir.types import TensorType
from tilewright.ops.layout import Concat, Reshape, Transpose


def fold_real_constants(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """Source graphs: real arithmetic and movement; integers wait until the contract is fixed."""
    if any(name not in draft.constants for name in node.inputs):
        return None
    names = (*node.inputs, node.output)
    is_movement = isinstance(node.op, (Concat, Reshape, Transpose))
    scales = {draft.values[name].quantisation for name in names}
    if is_movement and len(scales) == 1 and all(q is None or q.is_per_tensor for q in scales):
        return _folded(draft, node)
    if not all(draft.is_real(name) for name in names):
        return NoMatch("its integers depend on the contract, which is chosen later")
    return _folded(draft, node)


def fold_integer_constants(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """Lowered graphs: operators are exact, so any of them can be computed now."""
    if any(name not in draft.constants for name in node.inputs):
        return None
    return _folded(draft, node)


def _folded(draft: Draft, node: Node) -> Rewrite | NoMatch:
    if node.output in draft.outputs:
        return NoMatch(f"{node.output} is an output of the network")
    constants = [draft.constants[name] for name in node.inputs]
    if any(array.size == 0 for array in constants):
        return NoMatch("a constant without elements")
    array = node.op.evaluate(*constants)
    if TensorType.of(array) != draft.type(node.output):
        return NoMatch(f"{node.output} is declared {draft.type(node.output)}")
    quantisation = draft.values[node.output].quantisation
    rewrite = Rewrite(draft, node)
    rewrite.renames[node.output] = rewrite.constant(f"{node.output}.folded", array, quantisation)
    return rewrite
