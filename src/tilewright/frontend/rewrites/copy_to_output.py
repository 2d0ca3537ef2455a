"""A network output that is another input or output, in its shape or another, needs a copy."""

from dataclasses import replace

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.permutation import reshaped_value
from tilewright.ir.graph import Graph, GraphBuilder, Node, ValueName
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


def with_outputs_of_their_own(graph: Graph) -> Graph:
    """The graph, with a copy where an output is an input, or an output that was before: whoever
    calls the C may give every output a buffer of its own. What a state becomes stays as it is."""
    kept = {state.after for state in graph.states}
    builder = GraphBuilder.of(graph)
    found: list[ValueName] = []
    for name in graph.outputs:
        is_fixed = name in graph.inputs or name in found
        found.append(_copied(builder, name) if is_fixed and name not in kept else name)
    if found == list(graph.outputs):
        return graph
    builder.outputs = found
    return builder.build()


def _copied(builder: GraphBuilder, name: ValueName) -> ValueName:
    value = replace(builder.values[name], name=builder.fresh(f"{name}.copy"))
    return builder.node(f"{name}.copy", Copy(), (name,), value)
