"""States get their bytes: what a state is after a run is made where it was before the run.

An importer gives pairs of an input and an output. Here each output becomes a ``Put`` into its
input: by the node that makes it, where that reads nothing of the state and nobody needs the old
content later; else by a copy behind everything that reads it.
"""

from collections.abc import Sequence
from dataclasses import replace

from tilewright.errors import UnsupportedError
from tilewright.ir.graph import Graph, GraphBuilder, Node, State, Value, ValueName
from tilewright.midend.dataflow import in_order, predecessors, reached_from, shown_by
from tilewright.ops.layout import Copy
from tilewright.ops.state import Put


def with_states_in_place(graph: Graph) -> Graph:
    """The same network, whose states are updated in place. Raises UnsupportedError in words."""
    if not graph.states:
        return graph
    try:
        return _in_place(graph)
    except UnsupportedError:  # two states change places: the old contents are saved first
        return _in_place(_with_old_contents_saved(graph))


SAVED = "saved"
"""What is appended to the names of values that are not made in a state's bytes."""


def _with_old_contents_saved(graph: Graph) -> Graph:
    """A copy wherever what one state becomes is what another one was."""
    builder = GraphBuilder.of(graph)
    inputs = {state.before for state in graph.states}
    states: list[State] = []
    for state in graph.states:
        owner = shown_by(builder.nodes).get(state.after, state.after)
        if owner in inputs and owner != state.before:
            value = builder.values[state.after]
            copy = replace(value, name=builder.fresh(f"{state.before}.{SAVED}"))
            name = builder.node(f"{state.name}.save", Copy(), (state.after,), copy)
            builder.outputs[graph.outputs.index(state.after)] = name
            states.append(replace(state, after=name))
        else:
            states.append(state)
    builder.states = states
    return builder.build()


def _in_place(graph: Graph) -> Graph:
    builder = GraphBuilder.of(graph)
    states = [_updated(builder, state) for state in graph.states]
    _give_parts_bytes(builder)
    _give_results_bytes(builder, states)
    nodes = in_order(builder.nodes)
    _check_parts(builder, nodes)
    builder.nodes = [*nodes]
    builder.states = states
    return builder.build()


def _updated(builder: GraphBuilder, state: State) -> State:
    """The state with an output that is a Put into its input, or its input itself."""
    if state.after == state.before or _is_put_into(builder.nodes, state.after, state.before):
        return state
    position = builder.outputs.index(state.after)
    value = builder.values[state.after]
    kept = replace(value, name=builder.fresh(f"{state.before}.kept"))
    builder.outputs[position] = builder.node(
        f"{state.name}.keep", Put(), (state.before, state.after), kept
    )
    return replace(state, after=kept.name)


def _is_put_into(nodes: Sequence[Node], name: ValueName, whole: ValueName) -> bool:
    made = {node.output: node for node in nodes}
    while name in made and isinstance(made[name].op, Put):
        name = made[name].inputs[0]
        if name == whole:
            return True
    return False


def _give_parts_bytes(builder: GraphBuilder) -> None:
    """A copy before every Put whose part cannot be made in place."""
    for put in [node for node in builder.nodes if isinstance(node.op, Put)]:
        if not _is_made_in_place(builder, put):
            part = builder.values[put.inputs[1]]
            copy = Value(builder.fresh(f"{part.name}.copy"), part.type, part.quantisation)
            at = builder.nodes.index(put)
            builder.node(f"{put.name}.copy", Copy(), (part.name,), copy)
            builder.nodes.insert(at, builder.nodes.pop())
            builder.nodes[at + 1] = replace(put, inputs=(put.inputs[0], copy.name))


def _give_results_bytes(builder: GraphBuilder, states: Sequence[State]) -> None:
    """A copy before every output for the caller that shows bytes of a state."""
    shown = shown_by(builder.nodes)
    own, ends = {state.before for state in states}, {state.after for state in states}
    for position, name in enumerate(builder.outputs):
        if name not in ends and shown.get(name, name) in own:
            value = builder.values[name]
            copy = replace(value, name=builder.fresh(f"{name}.copy"))
            builder.outputs[position] = builder.node(f"{name}.copy", Copy(), (name,), copy)


def _is_made_in_place(builder: GraphBuilder, put: Node) -> bool:
    """Whether the node that makes a part may write it into the state."""
    part = put.inputs[1]
    made = {node.output: node for node in builder.nodes}
    users = [node for node in builder.nodes if isinstance(node.op, Put) and part in node.inputs[1:]]
    maker = made.get(part)
    if maker is None or maker.op.is_view or part in builder.outputs or len(users) > 1:
        return False
    if part.endswith(f".{SAVED}"):
        return False
    shown = shown_by(builder.nodes)
    bytes_of = shown[put.output]
    if any(shown.get(name, name) == bytes_of for name in maker.inputs):
        return False
    before = predecessors(builder.nodes)
    return all(part not in reached_from(before, name) - {part} for name in before[part])


def _check_parts(builder: GraphBuilder, nodes: Sequence[Node]) -> None:
    """Every part is a run of bytes of its state."""
    for node in nodes:
        if not isinstance(node.op, Put):
            continue
        whole, part = (builder.values[name].type for name in node.inputs)
        if any(n != 1 for n in part.shape[: node.op.axis]):
            raise UnsupportedError(
                f"{node}: rows of {part} are no single run of bytes of {whole}; put the dimension "
                f"that grows (axis {node.op.axis}) before all others"
            )
