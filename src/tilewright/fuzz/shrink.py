"""The smallest model that still shows a finding: tensors become its outputs and its inputs."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import onnx

from tilewright.fuzz.cases import Case, Finding

MOST_TRIES = 150

Again = Callable[[Case], Finding | None]
"""What the same comparisons find in another case."""


def shrunken(case: Case, found: Finding, again: Again) -> tuple[Case, Finding]:
    """A case with as few nodes as tries find, and what is found in it: of the same kind."""
    candidates = _smaller(case)
    for _ in range(MOST_TRIES):
        smaller = next(candidates, None)
        if smaller is None:
            break
        seen = again(smaller)
        if seen is not None and _same(seen, found):
            case, found, candidates = smaller, seen, _smaller(smaller)
    return case, found


def _same(one: Finding, other: Finding) -> bool:
    """Of one kind; crashes also with one error at one place."""
    if one.kind != other.kind:
        return False
    return one.kind != "crash" or _error(one) == _error(other)


def _error(found: Finding) -> tuple[str, str]:
    return found.detail.partition(":")[0], found.detail.rpartition("(")[2]


def _smaller(case: Case) -> Iterator[Case]:
    """Cases with less in them, those first that take most away."""
    model = case.drawn.model
    if case.drawn.states:
        yield replace(case, drawn=replace(case.drawn, states=()))
    if case.memory:
        yield replace(case, memory={})
    size = len(model.graph.node)
    for smaller in _smaller_models(model):
        less = len(smaller.graph.node), len(smaller.graph.output)
        if less < (size, len(model.graph.output)) and smaller.graph.node and not case.drawn.states:
            operators = len(smaller.graph.node)
            yield replace(case, drawn=replace(case.drawn, model=smaller, operators=operators))


def _smaller_models(model: onnx.ModelProto) -> Iterator[onnx.ModelProto]:
    made = [name for node in model.graph.node for name in node.output]
    for output in model.graph.output:
        yield cut(model, [output.name], [])
    for name in made:
        yield cut(model, [name], [])
    outputs = [output.name for output in model.graph.output]
    for name in reversed(made):
        yield cut(model, outputs, [name])


def cut(model: onnx.ModelProto, outputs: list[str], inputs: list[str]) -> onnx.ModelProto:
    """The part of a network that makes ``outputs``, with these tensors given from outside.

    All tensors' types must be in the model.
    """
    graph = model.graph
    types = {item.name: item for item in (*graph.value_info, *graph.output, *graph.input)}
    inputs = [name for name in inputs if name in types and name not in outputs]
    needed = set(outputs)
    nodes: list[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if any(name in needed and name not in inputs for name in node.output):
            nodes.insert(0, node)
            needed.update(node.input)
    made = onnx.ModelProto()
    made.CopyFrom(model)
    for field in ("node", "input", "output", "initializer", "value_info"):
        made.graph.ClearField(field)
    made.graph.node.extend(nodes)
    given = [item.name for item in graph.input]
    made.graph.input.extend(types[name] for name in (*given, *inputs) if name in needed)
    made.graph.output.extend(types[name] for name in outputs if name in types)
    made.graph.initializer.extend(i for i in graph.initializer if i.name in needed)
    kept = {name for node in nodes for name in node.output} - set(outputs)
    made.graph.value_info.extend(item for name, item in types.items() if name in kept)
    return made
