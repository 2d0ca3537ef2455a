"""A network output that is another input or output in a different shape needs its own memory."""

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.permutation import reshaped_value
from tilewright.ir.graph import Node
from tilewright.ops.layout import Copy, Reshape


def copy_to_output(draft: Draft, node: Node) -> Rewrite | None:
    """Reshape to a network output becomes Reshape and Copy, where a view would be shared."""
    if not isinstance(node.op, Reshape) or node.output not in draft.outputs:
        return None
    x = node.inputs[0]
    views = [
        r.output
        for r in draft.readers(x)
        if isinstance(r.op, Reshape) and r.output in draft.outputs
    ]
    is_fixed = x in draft.inputs or x in draft.constants or x in draft.outputs
    if not is_fixed and views[0] == node.output:
        return None
    shape = draft.type(node.output).shape
    view = reshaped_value(draft.values[x], shape, f"{node.output}.view")
    rewrite = Rewrite(draft, node)
    inner = rewrite.insert(f"{node.name}.view", node.op, (x,), view)
    return rewrite.finish(Copy(), (inner,))
