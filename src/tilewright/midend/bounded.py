"""What depends on the caller's arguments, and one plan for all their values.

A plan is made for the largest values. For smaller ones the same steps run on shorter tensors at the
same places, in fewer tiles of which the last may be shorter. They share no memory with what they
read: how close that may come depends on the length.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

from tilewright.errors import UnsupportedError
from tilewright.ir.graph import Graph, Node, ValueName
from tilewright.ir.index import Affine
from tilewright.ir.plan import Axes, Plan, Step
from tilewright.ir.target import Signature
from tilewright.ir.tiling import Group
from tilewright.midend.tiling.tiles import tiles_of_run
from tilewright.ops.state import Put, Valid

Range = tuple[Affine, int, int]
"""A number, and the least and the most that it may be."""


def growing_axes(graph: Graph) -> dict[ValueName, Axes]:
    """Every value that is shorter where some argument is smaller → the axes along which it is."""
    if not graph.arguments:
        return {}
    names = [argument.name for argument in graph.arguments]
    ends = product(*((1, argument.most) for argument in graph.arguments))
    most = {argument.name: argument.most for argument in graph.arguments}
    shapes = {name: value.type.shape for name, value in graph_at(graph, most).values.items()}
    found: dict[ValueName, Axes] = {}
    for values in (dict(zip(names, corner, strict=True)) for corner in ends):
        if not is_allowed(graph, values):
            continue
        for name, value in graph_at(graph, values).values.items():
            pairs = enumerate(zip(shapes[name], value.type.shape, strict=True))
            axes = Axes(axis for axis, (one, other) in pairs if one != other)
            if axes:
                found[name] = found.get(name, Axes()) | axes
    return found


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
    steps = tuple(_step_at(step, graph) for step in plan.steps)
    for group in plan.groups:
        members = steps[group.steps.start : group.steps.stop]
        if group.order and any(step.growing for step in members):
            _check_tiles(members, group)
    return replace(plan, steps=steps)


def _check_tiles(members: Sequence[Step], group: Group) -> None:
    """The last tile may have any length, which kernels have to take."""
    for tile in tiles_of_run(members, group):
        for step, call in zip(members, tile.calls, strict=True):
            assert step.kernel is not None, "a view is not cut"
            if call is not None and (why := step.kernel.objection(call.op, call.signature)):
                raise UnsupportedError(
                    f"{step.node}: kernel {step.kernel.symbol} computes tiles of the longest "
                    f"{step.signature.output}, but not {call.signature.output}: {why}; leave the "
                    f"length fixed, or compute it at once (--whole {step.node.name})"
                )


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
