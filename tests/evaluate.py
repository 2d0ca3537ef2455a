"""Runs a graph by its operators' definitions: the judge that every test shares."""

from collections.abc import Mapping

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.types import Array, TensorType


def evaluate_graph(graph: Graph, inputs: Mapping[str, Array]) -> dict[ValueName, Array]:
    """Every value of the graph, by name; asserts that operators make what they infer."""
    known: dict[ValueName, Array] = dict(graph.constants)
    for name in graph.inputs:
        assert TensorType.of(inputs[name]) == graph.type(name), f"input {name}"
        known[name] = inputs[name]
    for node in graph.nodes:
        result = node.op.evaluate(*(known[name] for name in node.inputs))
        made, promised = TensorType.of(result), node.op.infer(*graph.input_types(node))
        assert made == promised, f"{node} makes {made}, infer says {promised}"
        known[node.output] = result
    return known
