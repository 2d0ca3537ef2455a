"""Control flow without a choice at run time: If, Loop and Scan become the nodes that they run.

Bodies are copied, once per iteration, with names of their own. How often a Loop runs has to be
known at import, and so has whether it goes on; an If whose condition is computed runs both of its
branches and chooses between what they make.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_file import Attribute, OnnxNode, Subgraph
from tilewright.frontend.onnx_tensors import Constant, Importing

CONTROL = frozenset({"If", "Loop", "Scan"})

LARGEST_TRIP = 4096
"""Iterations; more would make a program that no microcontroller holds."""


def renamed(graph: Subgraph, names: Mapping[str, str]) -> Subgraph:
    """A subgraph that reads tensors of the surrounding graph under other names."""
    outer = {name: new for name, new in names.items() if name not in graph.own}
    nodes = tuple(_node(node, outer) for node in graph.nodes)
    return replace(graph, nodes=nodes, outputs=tuple(outer.get(n, n) for n in graph.outputs))


def _node(node: OnnxNode, names: Mapping[str, str], place: str = "") -> OnnxNode:
    attributes: dict[str, Attribute] = {
        key: renamed(value, names) if isinstance(value, Subgraph) else value
        for key, value in node.attributes.items()
    }
    return OnnxNode(
        f"{place}{node.name}",
        node.kind,
        tuple(names.get(n, n) for n in node.inputs),
        tuple(names.get(n, n) for n in node.outputs),
        attributes,
    )


def unrolled(state: Importing, node: OnnxNode) -> Iterator[OnnxNode]:
    """The nodes that do what ``node`` does; each is imported before the next one is asked for.

    Raises UnsupportedError where the number of iterations is computed at run time.
    """
    match node.kind:
        case "If":
            return _if(state, node)
        case "Loop":
            return _loop(state, node)
        case _:
            return _scan(state, node)


def _body(node: OnnxNode, name: str) -> Subgraph:
    body = node.attributes.get(name)
    if not isinstance(body, Subgraph):
        raise ModelError(f"{node}: has no subgraph {name}")
    return body


def _copied(
    state: Importing, node: OnnxNode, body: Subgraph, place: str, given: Mapping[str, str]
) -> tuple[list[OnnxNode], tuple[str, ...]]:
    """The nodes of one copy, and what its outputs are called.

    given  input of the body → tensor that it is
    """
    where = f"{node.output}/{place}"
    names = {name: f"{where}/{name}" for name in body.own if name} | dict(given)
    for name, array in body.initialisers.items():
        state.constants[names[name]] = Constant(array)
    nodes = [_node(inner, names, f"{node.name}/{place}/") for inner in body.nodes]
    return nodes, tuple(names.get(n, n) for n in body.outputs)


def _same(node: OnnxNode, source: str, target: str) -> OnnxNode:
    return OnnxNode(f"{node.name}/{target}", "Identity", (source,), (target,), {})


def _if(state: Importing, node: OnnxNode) -> Iterator[OnnxNode]:
    condition = node.input(0)
    wanted = ["then_branch", "else_branch"]
    if condition in state.constants:
        wanted = [wanted[0 if state.constants[condition].array.all() else 1]]
    made: list[tuple[str, ...]] = []
    for name in wanted:
        nodes, outputs = _copied(state, node, _body(node, name), name, {})
        yield from nodes
        made.append(outputs)
    for index, target in enumerate(node.outputs):
        if not target:
            continue
        if len(made) == 1:
            yield _same(node, made[0][index], target)
            continue
        ours, theirs = made[0][index], made[1][index]
        if state.shape(ours) != state.shape(theirs):
            raise UnsupportedError(
                f"{node}: makes {target} of shape {list(state.shape(ours))} or "
                f"{list(state.shape(theirs))}, by {condition}, which is computed at run time"
            )
        yield OnnxNode(f"{node.name}/{target}", "Where", (condition, ours, theirs), (target,), {})


def _number(state: Importing, node: OnnxNode, index: int, what: str) -> int:
    return int(state.numbers(node, index, what).reshape(-1)[0])


def _loop(state: Importing, node: OnnxNode) -> Iterator[OnnxNode]:
    body = _body(node, "body")
    goes_on = not node.has(1) or bool(_number(state, node, 1, "condition"))
    limit = _number(state, node, 0, "trip count") if node.has(0) else LARGEST_TRIP + 1
    carried = list(node.inputs[2:])
    rows: list[list[str]] = [[] for _ in body.outputs[1 + len(carried) :]]
    trip = 0
    while goes_on and trip < limit:
        if trip >= LARGEST_TRIP:
            raise UnsupportedError(f"{node}: runs more than {LARGEST_TRIP} times")
        counter, always = (f"{node.output}/{trip}//{what}" for what in ("count", "condition"))
        state.constants[counter] = Constant(np.array(trip, np.int64))
        state.constants[always] = Constant(np.array(1, np.bool_))
        given = dict(zip(body.inputs, (counter, always, *carried), strict=False))
        nodes, outputs = _copied(state, node, body, str(trip), given)
        yield from nodes
        if outputs[0] not in state.constants:
            raise UnsupportedError(
                f"{node}: whether it goes on ({body.outputs[0]}) is computed at run time; only a "
                "constant number of iterations is supported"
            )
        goes_on = bool(state.constants[outputs[0]].array.all())
        carried = list(outputs[1 : 1 + len(carried)])
        for row, name in zip(rows, outputs[1 + len(carried) :], strict=True):
            row.append(name)
        trip += 1
    for source, target in zip(carried, node.outputs, strict=False):
        if target:
            yield _same(node, source, target)
    for row, target in zip(rows, node.outputs[len(carried) :], strict=False):
        yield from _stacked(state, node, row, target, 0)


def _stacked(
    state: Importing, node: OnnxNode, row: list[str], target: str, axis: int
) -> Iterator[OnnxNode]:
    """Tensors along a new dimension."""
    if not target:
        return
    if not row:
        raise UnsupportedError(f"{node}: runs not once; {target} would have no elements")
    where = f"{target}//axis"
    state.constants[where] = Constant(np.array([axis], np.int64))
    grown = tuple(f"{target}//{i}" for i in range(len(row)))
    old = state.model.opset < 13
    for source, name in zip(row, grown, strict=True):
        inputs = (source,) if old else (source, where)
        attributes: dict[str, Attribute] = {"axes": (axis,)} if old else {}
        yield OnnxNode(f"{node.name}/{name}", "Unsqueeze", inputs, (name,), attributes)
    yield OnnxNode(f"{node.name}/{target}", "Concat", grown, (target,), {"axis": axis})


def _scan(state: Importing, node: OnnxNode) -> Iterator[OnnxNode]:
    body, count = _body(node, "body"), node.integer("num_scan_inputs", 0)
    if state.model.opset < 9:
        raise UnsupportedError(f"{node}: Scan of opset 8; convert the network to opset 9 or newer")
    carried = list(node.inputs[: len(node.inputs) - count])
    scanned = node.inputs[len(node.inputs) - count :]
    ranks = [len(state.shape(name)) for name in scanned]
    axes = node.integers("scan_input_axes", (0,) * count)
    axes = tuple(a % rank for a, rank in zip(axes, ranks, strict=True))
    length = state.shape(scanned[0])[axes[0]]
    turned = node.integers("scan_input_directions", (0,) * count)
    results = len(body.outputs) - len(carried)
    rows: list[list[str]] = [[] for _ in range(results)]
    if length > LARGEST_TRIP:
        raise UnsupportedError(f"{node}: runs {length} times, more than {LARGEST_TRIP}")
    for trip in range(length):
        parts: list[str] = []
        for name, axis, backward in zip(scanned, axes, turned, strict=True):
            index = f"{node.output}/{trip}//{len(parts)}.index"
            place = length - 1 - trip if backward else trip
            state.constants[index] = Constant(np.array(place, np.int64))
            part = f"{node.output}/{trip}//{len(parts)}"
            attributes: dict[str, Attribute] = {"axis": axis}
            yield OnnxNode(f"{node.name}/{part}", "Gather", (name, index), (part,), attributes)
            parts.append(part)
        given = dict(zip(body.inputs, (*carried, *parts), strict=True))
        nodes, outputs = _copied(state, node, body, str(trip), given)
        yield from nodes
        carried = list(outputs[: len(carried)])
        for row, name in zip(rows, outputs[len(carried) :], strict=True):
            row.append(name)
    for source, target in zip(carried, node.outputs, strict=False):
        if target:
            yield _same(node, source, target)
    yield from _scanned(state, node, rows, node.outputs[len(carried) :])


def _scanned(
    state: Importing, node: OnnxNode, rows: list[list[str]], targets: tuple[str, ...]
) -> Iterator[OnnxNode]:
    """What every iteration makes, along the axes and in the directions of the node."""
    none = (0,) * len(rows)
    axes = node.integers("scan_output_axes", none)
    turned = node.integers("scan_output_directions", none)
    for row, target, axis, backward in zip(rows, targets, axes, turned, strict=False):
        rank = len(state.shape(row[0])) + 1
        yield from _stacked(state, node, row[::-1] if backward else row, target, axis % rank)
