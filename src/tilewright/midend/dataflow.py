"""What must come before what: data flow, and the order in which bytes of a state change.

A value that lives in a state is written where an older one lies, so whoever reads the older one
comes first. ``Put`` says which value that is.
"""

from collections.abc import Mapping, Sequence

from tilewright.errors import UnsupportedError
from tilewright.ir.graph import Graph, Node, ValueName
from tilewright.ops.state import Put


def shown_by(nodes: Sequence[Node]) -> dict[ValueName, ValueName]:
    """View → the value whose bytes it shows, through chains of views; and part → the value that it
    is made in. ``nodes`` in an order that respects data flow."""
    shown: dict[ValueName, ValueName] = {}
    for node in nodes:
        if isinstance(node.op, Put):
            whole, part = node.inputs
            shown[node.output] = shown[part] = shown.get(whole, whole)
    for node in nodes:
        if node.op.is_view:
            source = node.inputs[0]
            shown[node.output] = shown.get(source, source)
    return shown


def is_part(graph: Graph, name: ValueName) -> bool:
    """Whether a value is made in the bytes of another one."""
    return any(isinstance(n.op, Put) and name in n.inputs[1:] for n in graph.readers(name))


def predecessors(nodes: Sequence[Node]) -> dict[ValueName, frozenset[ValueName]]:
    """Output → outputs of all nodes that must come directly before the node that makes it."""
    made = {node.output: node for node in nodes}
    before = {n.output: {name for name in n.inputs if name in made} for n in nodes}
    for node in nodes:
        if isinstance(node.op, Put):
            whole, part = node.inputs
            if part in before:
                before[part] |= _readers_of_bytes(nodes, whole) - {part}
    return {output: frozenset(names) for output, names in before.items()}


def working_predecessors(nodes: Sequence[Node]) -> dict[ValueName, frozenset[ValueName]]:
    """The same among nodes that are no views: what a view reads counts for its readers."""
    before = predecessors(nodes)
    views = {node.output for node in nodes if node.op.is_view}

    def beyond(names: frozenset[ValueName]) -> frozenset[ValueName]:
        found: set[ValueName] = set()
        for name in names:
            found |= beyond(before[name]) if name in views else {name}
        return frozenset(found)

    return {name: beyond(names) for name, names in before.items() if name not in views}


def _readers_of_bytes(nodes: Sequence[Node], whole: ValueName) -> set[ValueName]:
    """Outputs of the nodes that read a value or a view of it, before anything is put into it."""
    family, readers = {whole}, set[ValueName]()
    for node in nodes:
        if isinstance(node.op, Put):
            if node.output == whole:
                family.add(node.inputs[1])
        elif node.op.is_view and node.inputs[0] in family:
            family.add(node.output)
    for node in nodes:
        if not node.op.is_view and family & {*node.inputs}:
            readers.add(node.output)
    return readers


def in_order(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes, moved only as far as their order asks for. Raises UnsupportedError on a circle."""
    before = predecessors(nodes)
    done: set[ValueName] = set()
    waiting, ordered = [*nodes], list[Node]()
    while waiting:
        ready = next((node for node in waiting if before[node.output] <= done), None)
        if ready is None:
            names = ", ".join(node.name for node in waiting[:4])
            raise UnsupportedError(
                f"{names}: each needs what a state was before another one changes it; copy one of "
                "the states first"
            )
        waiting.remove(ready)
        ordered.append(ready)
        done.add(ready.output)
    return tuple(ordered)


def reached_from(
    before: Mapping[ValueName, frozenset[ValueName]], name: ValueName
) -> frozenset[ValueName]:
    """Everything that must come before a node, itself included."""
    found, waiting = set[ValueName](), [name]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += before.get(here, ())
    return frozenset(found)
