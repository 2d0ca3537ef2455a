"""Reductions that no near memory holds become sums and a finish, which can be tiled in parts.

A dense layer over 16,384 inputs needs a row of weights and the inputs beside it, whatever its tile;
its sums need only some elements of both at a time. Sums cost four bytes per output and a second
pass, so only nodes are split that fit in no other way.
"""

from collections.abc import Iterable, Iterator, Mapping

from tilewright.ir.graph import Graph, GraphBuilder, Node, Value, ValueName
from tilewright.ir.op import Split
from tilewright.ir.target import Signature, Target

SUMS = "sums"
"""What is appended to the names of nodes and values."""


def split_nodes(graph: Graph, names: Iterable[str]) -> Graph:
    """The same network with the named nodes in two steps each."""
    chosen = frozenset(names)
    builder = GraphBuilder.of(graph)
    builder.nodes.clear()
    for node in graph.nodes:
        split = node.op.split() if node.name in chosen else None
        if split is None:
            builder.nodes.append(node)
        else:
            _append(builder, node, split)
    return builder.build()


def splits(graph: Graph, target: Target) -> Mapping[str, Split]:
    """The nodes that can be computed in two steps on this target."""
    found = ((node.name, node.op.split()) for node in graph.nodes)
    return {
        name: split
        for name, split in found
        if split is not None and _has_kernels(graph, name, target)
    }


def _has_kernels(graph: Graph, name: str, target: Target) -> bool:
    """Whether one engine computes both steps."""
    parts = split_nodes(graph, (name,))
    new = [node for node in parts.nodes if node not in graph.nodes]
    signatures = [Signature(parts.input_types(n), parts.type(n.output)) for n in new]
    return any(
        all(
            any(kernel.objection(n.op, s) is None for kernel in engine.kernels)
            for n, s in zip(new, signatures, strict=True)
        )
        for engine in target.engines
    )


def _append(builder: GraphBuilder, node: Node, split: Split) -> None:
    """Sums under a name of their own; the finish keeps the node's."""
    summed = tuple(node.inputs[i] for i in split.summed)
    type_ = split.sums.infer(*(builder.values[name].type for name in summed))
    value = Value(builder.fresh(f"{node.output}.{SUMS}"), type_)
    made = builder.node(f"{node.name}.{SUMS}", split.sums, summed, value)
    tables = tuple(_tables(builder, node, split))
    finishing = tuple(node.inputs[i] for i in split.finishing)
    builder.nodes.append(Node(node.name, split.finish, (made, *finishing, *tables), node.output))


def _tables(builder: GraphBuilder, node: Node, split: Split) -> Iterator[ValueName]:
    for name, array in zip(("multiplier", "shift"), split.tables, strict=False):
        yield builder.constant(f"{node.output}.{name}", array)
