"""Reductions that no near memory holds become sums and a finish, which can be tiled in parts.

A dense layer over 16,384 inputs needs a row of weights and the inputs beside it, whatever its tile;
its sums need only some elements of both at a time. Sums cost four bytes per output and a second
pass, so only nodes are split that fit in no other way.
"""

from collections.abc import Iterable, Iterator
from math import prod

from tilewright.ir.graph import Graph, GraphBuilder, Node, Value, ValueName
from tilewright.ir.op import Split, Whole
from tilewright.ir.plan import Assignment, Step
from tilewright.ir.target import Signature, Target
from tilewright.midend.choice.candidates import Candidates, Effort
from tilewright.midend.places import choices_of_places

SUMS = "sums"
"""What is appended to the names of nodes and values."""


def split_nodes(graph: Graph, names: Iterable[str]) -> Graph:
    """The same network with the named nodes in two steps each."""
    chosen = frozenset(names)
    if not chosen:
        return graph
    builder = GraphBuilder.of(graph)
    builder.nodes.clear()
    for node in graph.nodes:
        split = node.op.split(*graph.input_types(node)) if node.name in chosen else None
        if split is None:
            builder.nodes.append(node)
        else:
            _append(builder, node, split)
    return builder.build()


def unsplit_names(names: Iterable[str]) -> frozenset[str]:
    """Of the nodes of a split network, the names that the split ones had before."""
    ending = f".{SUMS}"
    return frozenset(name.removesuffix(ending) for name in names if name.endswith(ending))


def hopeless(graph: Graph, assignment: Assignment, target: Target) -> frozenset[str]:
    """Nodes of which one element of the output needs more than the near memory has, and which may
    be split. Quick and certain."""
    return frozenset(
        step.node.name
        for step in assignment.steps
        if _least_bytes(step) > _near_bytes(target) and _may_split(graph, step, target)
    )


def oversized(graph: Graph, assignment: Assignment, target: Target) -> frozenset[str]:
    """Nodes that do not fit the near memory alone, in any tiles, and which may be split; none where
    there is one memory: parts lie there as the whole does."""
    if not target.homes:
        return frozenset()
    places = next(choices_of_places(graph, assignment.steps, target))
    alone = Candidates(graph, assignment.steps, places, Effort(1), is_lean=True)
    least: dict[int, int] = {}
    for way in alone.ways:
        if len(way.members) == 1:
            (index,) = way.members
            least[index] = min(least.get(index, way.bytes), way.bytes)
    return frozenset(
        step.node.name
        for index, step in enumerate(alone.net.steps)
        if least.get(index, 0) > _near_bytes(target) and _may_split(graph, step, target)
    )


def _near_bytes(target: Target) -> int:
    """Size of the near memory; without limit where there is no other."""
    near = target.memory(target.near)
    return 1 << 40 if not target.homes or near.size is None else near.size


def _least_bytes(step: Step) -> int:
    """No element of the output needs less of the inputs; 0 for a view."""
    types = step.signature.inputs
    if step.kernel is None:
        return 0
    return sum(
        type_.dtype.nbytes
        * prod(n for how, n in zip(access, type_.shape, strict=True) if isinstance(how, Whole))
        for access, type_ in zip(step.node.op.reads(*types), types, strict=True)
    )


def _may_split(graph: Graph, step: Step, target: Target) -> bool:
    split = step.node.op.split(*step.signature.inputs)
    return split is not None and _has_kernels(graph, step.node.name, target)


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
    builder.notes.append(
        f"{node}: does not fit the near memory at once, its sums are added up in parts"
    )
    finishing = tuple(node.inputs[i] for i in split.finishing)
    builder.nodes.append(Node(node.name, split.finish, (made, *finishing, *tables), node.output))


def _tables(builder: GraphBuilder, node: Node, split: Split) -> Iterator[ValueName]:
    for name, array in zip(("multiplier", "shift"), split.tables, strict=False):
        yield builder.constant(f"{node.output}.{name}", array)
