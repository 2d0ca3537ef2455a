"""What depends on the caller's arguments, and one plan for all their values.

A plan is made for the largest values. For smaller ones the same steps run on shorter tensors at the
same places, so bounded steps are computed whole, and share no memory with what they read: how close
that may come depends on the length.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

from tilewright.errors import UnsupportedError
from tilewright.ir.graph import Graph, Node, ValueName
from tilewright.ir.index import Affine
from tilewright.ir.plan import Plan, Step
from tilewright.ir.target import Signature
from tilewright.ops.state import Put, Valid

Range = tuple[Affine, int, int]
"""A number, and the least and the most that it may be."""


def bounded_outputs(graph: Graph) -> frozenset[ValueName]:
    """Outputs of the nodes that see other types where arguments are smaller."""
    if not graph.arguments:
        return frozenset()
    least = graph_at(graph, {argument.name: 1 for argument in graph.arguments})
    most = graph_at(graph, {argument.name: argument.most for argument in graph.arguments})
    return frozenset(
        node.output
        for node in graph.nodes
        if least.input_types(node) != most.input_types(node)
        or least.type(node.output) != most.type(node.output)
    )


def graph_at(graph: Graph, values: Mapping[str, int]) -> Graph:
    """The graph for given arguments. Raises UnsupportedError naming a node that has none."""
    try:
        return graph.at(values)
    except ValueError as error:
        raise UnsupportedError(f"{graph.name}: {error}") from None


def plan_at(plan: Plan, graph: Graph) -> Plan:
    """The plan for a graph with smaller arguments. Raises UnsupportedError for kernels that refuse.

    graph  as ``graph_at`` makes it
    """
    return replace(plan, steps=tuple(_step_at(step, graph) for step in plan.steps))


def _step_at(step: Step, graph: Graph) -> Step:
    node = graph.producer(step.node.output)
    assert node is not None, f"{step.node} is not in the graph"
    signature = Signature(graph.input_types(node), graph.type(node.output))
    if step.kernel is not None and (why := step.kernel.objection(node.op, signature)) is not None:
        raise UnsupportedError(
            f"{node}: kernel {step.kernel.symbol} computes {step.signature.output}, but not "
            f"{signature.output}: {why}; leave the length fixed, or pin another engine"
        )
    return replace(step, node=node, signature=signature)


def ranges_of(graph: Graph) -> tuple[Range, ...]:
    """(number, least, most): what arguments have to keep to together, besides their own ranges.

    Raises UnsupportedError where one argument alone breaks a range.
    """
    found: dict[Affine, Range] = {}
    for node in graph.nodes:
        for number, least, most in _ranges(graph, node):
            corners = product(*((1, argument.most) for argument in number.arguments))
            names = [argument.name for argument in number.arguments]
            values = [number.at(dict(zip(names, corner, strict=True))) for corner in corners]
            if least <= min(values) and max(values) <= most:
                continue
            if len(names) == 1:
                raise UnsupportedError(
                    f"{node}: {number} is {min(values)} .. {max(values)} where {names[0]} is 1 .. "
                    f"{number.arguments[0].most}; it must be {least} .. {most}"
                )
            found[number] = number, least, most
    return tuple(found.values())


def is_allowed(graph: Graph, values: Mapping[str, int]) -> bool:
    """Whether arguments keep to what they have to keep to together."""
    ranges = (one for node in graph.nodes for one in _ranges(graph, node))
    return all(least <= number.at(values) <= most for number, least, most in ranges)


def _ranges(graph: Graph, node: Node) -> list[Range]:
    extents = [graph.type(name).shape for name in node.inputs]
    match node.op:
        case Put(axis, Affine() as index):
            return [(index, 0, extents[0][axis] - 1)]
        case Valid(axis, Affine() as count):
            return [(count, 1, extents[0][axis])]
        case _:
            return []
