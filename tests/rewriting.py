"""Small networks written down in a few lines, and the comparison before and after rewriting."""

from dataclasses import dataclass, field

import numpy as np

from evaluate import evaluate_graph
from tilewright.frontend.rewrites.engine import Rewritten
from tilewright.ir.graph import Contract, Graph, GraphBuilder, Node, Origin, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Array, DType, Quantisation, Shape, TensorType

HALVES = Quantisation((0.5,), (3,))
"""A scale that floats hold exactly, with a zero point that is not zero."""


@dataclass
class Net:
    """A graph being written: operands are value names, or arrays that become constants."""

    contract: Contract = Contract.FLOAT32
    builder: GraphBuilder = field(init=False)

    def __post_init__(self) -> None:
        self.builder = GraphBuilder("net", self.contract)

    def input(
        self, name: str, *shape: int, dtype: DType = DType.F32, q: Quantisation | None = None
    ) -> str:
        value = Value(ValueName(name), TensorType(dtype, shape), q, Origin(name))
        return self.builder.input(value)

    def constant(self, name: str, array: Array, q: Quantisation | None = None) -> str:
        return self.builder.constant(name, array, q)

    def do(self, name: str, op: Op, *operands: str | Array, q: Quantisation | None = None) -> str:
        """Append ``op``; its output is called ``name`` and stored as int8 where ``q`` is given."""
        names = tuple(
            ValueName(o) if isinstance(o, str) else self.builder.constant(f"{name}.{i}", o)
            for i, o in enumerate(operands)
        )
        inferred = op.infer(*(self.builder.values[n].type for n in names))
        type_ = inferred if q is None else TensorType(DType.S8, inferred.shape)
        value = Value(ValueName(name), type_, q, Origin(name))
        return self.builder.node(name, op, names, value)

    def graph(self, *outputs: str) -> Graph:
        self.builder.outputs.extend(map(ValueName, outputs))
        return self.builder.build()


def operators(graph: Graph) -> list[str]:
    """Operator names in issue order."""
    return [type(node.op).__name__ for node in graph.nodes]


def node_of(graph: Graph, operator: type[Op]) -> Node:
    """The only node with that operator."""
    (node,) = (n for n in graph.nodes if isinstance(n.op, operator))
    return node


def refusals(rewritten: Rewritten, rule: str) -> list[str]:
    """Why a rule refused, one reason per node."""
    return [note.text for note in rewritten.refused if note.rule == rule]


def drawn_inputs(graph: Graph, rng: np.random.Generator) -> dict[str, Array]:
    """Whole numbers for real inputs, any integers for stored ones."""
    arrays: dict[str, Array] = {}
    for name in graph.inputs:
        type_ = graph.type(name)
        low, high = (-9, 10) if type_.dtype.is_float else (type_.dtype.low, type_.dtype.high + 1)
        arrays[name] = rng.integers(low, high, type_.shape).astype(type_.dtype.numpy)
    return arrays


def assert_same_outputs(before: Graph, after: Graph, seed: int = 1) -> None:
    """Names, types and values of all outputs; integers bit for bit."""
    assert after.inputs == before.inputs
    assert after.outputs == before.outputs
    inputs = drawn_inputs(before, np.random.default_rng(seed))
    expected, got = (evaluate_graph(graph, inputs) for graph in (before, after))
    for name in before.outputs:
        assert before.values[name].quantisation == after.values[name].quantisation
        if expected[name].dtype == np.float32:
            np.testing.assert_allclose(got[name], expected[name], rtol=1e-5, atol=1e-4)
        else:
            np.testing.assert_array_equal(got[name], expected[name])


def assert_origins_are_true(before: Graph, after: Graph, seed: int = 1) -> None:
    """Every value of ``after`` holds the tensor that its origin names, in the order it says."""
    inputs = drawn_inputs(before, np.random.default_rng(seed))
    full, left = (evaluate_graph(graph, inputs) for graph in (before, after))
    for node in after.nodes:
        origin = after.values[node.output].origin
        if origin is None:
            continue
        expected = full[ValueName(origin.name)]
        if origin.perm is not None:
            expected = expected.transpose(origin.perm)
        if origin.kept is not None:
            expected = expected[..., list(origin.kept)]
        assert left[node.output].shape == expected.shape
        np.testing.assert_allclose(left[node.output], expected, rtol=1e-5, atol=1e-4)


def random_reals(rng: np.random.Generator, *shape: int) -> Array:
    """Small whole numbers as float32, so that sums are exact."""
    return rng.integers(-3, 4, shape).astype(np.float32)


def shape_of(graph: Graph, name: str) -> Shape:
    return graph.type(ValueName(name)).shape
