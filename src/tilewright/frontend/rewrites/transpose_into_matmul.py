"""A transpose of a product's second operand becomes the product's own flag."""

from dataclasses import replace

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch
from tilewright.frontend.rewrites.permutation import permuted
from tilewright.ir.graph import Node
from tilewright.ops.layout import Transpose
from tilewright.ops.matmul import MatMul


def absorb_matrix_transpose(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """MatMul(a, Transpose(x)) reads x with the other order of its last two dimensions.

    Where the transpose moves other dimensions too, as it does for the heads of an attention, it
    then leaves the innermost one in place and copies whole runs of elements.
    """
    if not isinstance(node.op, MatMul):
        return None
    transpose = draft.producer(node.inputs[1])
    if transpose is None or not isinstance(transpose.op, Transpose):
        return None
    perm = transpose.op.perm
    swapped = (*perm[:-2], perm[-1], perm[-2])
    if swapped[-1] != len(perm) - 1:
        return NoMatch(f"{transpose} does not move the innermost dimension to the one before it")
    source = draft.values[transpose.inputs[0]]
    if source.quantisation != draft.values[transpose.output].quantisation:
        return NoMatch(f"{transpose} also changes the scale")
    rewrite = Rewrite(draft, node)
    b = source.name
    if swapped != tuple(range(len(perm))):
        value = permuted(source, swapped, f"{b}.rows")
        b = rewrite.insert(f"{transpose.name}.rows", Transpose(swapped), (b,), value)
    op = replace(node.op, transposes_b=not node.op.transposes_b)
    return rewrite.finish(op, (node.inputs[0], b))
