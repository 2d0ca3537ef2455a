"""The graph: what an importer makes, what rewrite rules change, what the planner schedules.

Grammar::

    Graph  = name, contract, inputs: [ValueName], outputs: [ValueName],
             nodes: [Node] in an order that respects data flow,
             values: {ValueName: Value}, constants: {ValueName: array}
    Node   = name, op, inputs: [ValueName], output: ValueName
    Value  = name, type, quantisation?, origin?

A *source* graph holds operators with real-number meaning (``Conv2d``, ``Softmax``); a value that
the file stores as integers says so in its type and quantisation. A *lowered* graph holds operators
with exact integer meaning (``QConv2d``). Both are this class: immutable, cheap to rebuild.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import NewType

import numpy as np

from tilewright.ir.index import Argument
from tilewright.ir.op import Op
from tilewright.ir.types import Array, Quantisation, Shape, TensorType

ValueName = NewType("ValueName", str)


class Contract(Enum):
    """Arithmetic contract: which integers come out. See docs/numerics.md."""

    TFLITE = "tflite"
    ONNX = "onnx"
    PULP = "pulp"
    FLOAT32 = "float32"
    LLM = "llm"


@dataclass(frozen=True, slots=True)
class Origin:
    """Which tensor of the source file a value holds, and how it is laid out here.

    name  tensor name in the file
    perm  value = transpose(source tensor, perm); None for the same order of dimensions
    kept  indices along the last axis of the value that are left after pruning; None for all
    """

    name: str
    perm: tuple[int, ...] | None = None
    kept: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """One tensor: produced once, read any number of times."""

    name: ValueName
    type: TensorType
    quantisation: Quantisation | None = None
    origin: Origin | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.type}"


@dataclass(frozen=True, slots=True)
class Node:
    """One operator applied to values; ``name`` is the source file's, where it has one."""

    name: str
    op: Op
    inputs: tuple[ValueName, ...]
    output: ValueName

    def __str__(self) -> str:
        return f"{self.name} ({type(self.op).__name__})"


@dataclass(frozen=True, slots=True)
class State:
    """A value that lives from one run to the next.

    before   graph input: what it is when a run begins
    after    graph output: what it is when the run is over, and when the next one begins
    initial  what it is before the first run and after a reset; None: real zeros
    """

    name: str
    before: ValueName
    after: ValueName
    initial: Array | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """A network. Rebuilt, never changed: use ``replace`` and ``GraphBuilder``."""

    name: str
    contract: Contract
    nodes: tuple[Node, ...]
    values: Mapping[ValueName, Value]
    constants: Mapping[ValueName, Array]
    inputs: tuple[ValueName, ...]
    outputs: tuple[ValueName, ...]
    notes: tuple[str, ...] = ()
    """What an importer or rule wants the user to know; shown by ``inspect``."""
    states: tuple[State, ...] = ()
    """Pairs of an input and an output that are one value in time; both stay in their lists."""
    _producers: Mapping[ValueName, Node] = field(init=False, repr=False, compare=False)
    _readers: Mapping[ValueName, tuple[Node, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        readers: dict[ValueName, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                readers.setdefault(name, []).append(node)
        object.__setattr__(self, "_producers", {n.output: n for n in self.nodes})
        object.__setattr__(self, "_readers", {k: tuple(v) for k, v in readers.items()})

    def producer(self, name: ValueName) -> Node | None:
        """The node that makes the value; None for graph inputs and constants."""
        return self._producers.get(name)

    def readers(self, name: ValueName) -> tuple[Node, ...]:
        """The nodes that read the value, each once, in issue order."""
        return self._readers.get(name, ())

    def type(self, name: ValueName) -> TensorType:
        """Type of a value."""
        return self.values[name].type

    def input_types(self, node: Node) -> tuple[TensorType, ...]:
        """Types of a node's inputs, in order."""
        return tuple(self.values[name].type for name in node.inputs)

    def is_only_read_by(self, name: ValueName, node: Node) -> bool:
        """Whether the value can vanish when ``node`` does: no other reader, no graph output."""
        return self.readers(name) == (node,) and name not in self.outputs

    @property
    def given(self) -> tuple[ValueName, ...]:
        """The inputs that the caller gives: all but states."""
        states = {state.before for state in self.states}
        return tuple(name for name in self.inputs if name not in states)

    @property
    def results(self) -> tuple[ValueName, ...]:
        """The outputs that the caller is given: all but states."""
        states = {state.after for state in self.states}
        return tuple(name for name in self.outputs if name not in states)

    def with_states_of(self, other: "Graph") -> "Graph":
        """This graph, with the states of one that has the same inputs and outputs in the same order
        under other names."""
        states = tuple(
            replace(
                state,
                before=self.inputs[other.inputs.index(state.before)],
                after=self.outputs[other.outputs.index(state.after)],
            )
            for state in other.states
        )
        return replace(self, states=states)

    def initial(self, state: State) -> Array:
        """What a state is before the first run."""
        if state.initial is not None:
            return state.initial
        value = self.values[state.before]
        zero = value.quantisation.zero_point if value.quantisation is not None else 0
        return np.full(value.type.shape, zero, value.type.dtype.numpy)

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """What the caller says of a run, by name."""
        amounts = (amount for node in self.nodes for amount in node.op.amounts)
        return tuple(sorted({argument for amount in amounts for argument in amount.arguments}))

    def at(self, arguments: Mapping[str, int]) -> "Graph":
        """The graph where the arguments have these values: every length that depends on them is
        what operators make of it. Raises ValueError naming a node that has no such length."""
        values, nodes = dict(self.values), list[Node]()
        for node in self.nodes:
            old = self.input_types(node)
            new = tuple(values[name].type for name in node.inputs)
            try:
                op = node.op.with_arguments(arguments).resized(old, new)
                type_ = replace(values[node.output].type, shape=op.infer(*new).shape)
            except ValueError as error:
                where = ", ".join(f"{name} = {value}" for name, value in arguments.items())
                raise ValueError(f"{node}, where {where}: {error}") from None
            values[node.output] = replace(values[node.output], type=type_)
            nodes.append(replace(node, op=op))
        return replace(self, nodes=tuple(nodes), values=MappingProxyType(values))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(node.op.macs(*self.input_types(node)) for node in self.nodes)

    def check(self) -> None:
        """Assert the invariants: typed, produced once and before use, shapes as inferred."""
        known = {*self.inputs, *self.constants}
        assert len(known) == len(self.inputs) + len(self.constants), "input is also a constant"
        for name, array in self.constants.items():
            assert TensorType.of(array) == self.type(name), (
                f"constant {name} is not {self.type(name)}"
            )
        for node in self.nodes:
            missing = [name for name in node.inputs if name not in known]
            assert not missing, f"{node} reads {missing} before it is made"
            assert node.output not in known, f"{node.output} is made twice"
            inferred = node.op.infer(*self.input_types(node))
            assert inferred.shape == self.type(node.output).shape, (
                f"{node}: {node.op} makes {inferred}, the graph says {self.type(node.output)}"
            )
            known.add(node.output)
        lost = [name for name in self.outputs if name not in known]
        assert not lost, f"outputs {lost} are never made"
        for state in self.states:
            assert state.before in self.inputs, f"state {state.name} begins in no input"
            assert state.after in self.outputs, f"state {state.name} ends in no output"
            same = self.type(state.before) == self.type(state.after)
            assert same, f"state {state.name} changes its type"


@dataclass(slots=True)
class GraphBuilder:
    """Collects values and nodes, then makes a checked Graph."""

    name: str
    contract: Contract
    nodes: list[Node] = field(default_factory=list[Node])
    values: dict[ValueName, Value] = field(default_factory=dict[ValueName, Value])
    constants: dict[ValueName, Array] = field(default_factory=dict[ValueName, Array])
    inputs: list[ValueName] = field(default_factory=list[ValueName])
    outputs: list[ValueName] = field(default_factory=list[ValueName])
    notes: list[str] = field(default_factory=list[str])
    states: list[State] = field(default_factory=list[State])

    @staticmethod
    def of(graph: Graph) -> "GraphBuilder":
        """A builder that starts with everything that ``graph`` has, nodes included."""
        return GraphBuilder(
            graph.name, graph.contract, list(graph.nodes), dict(graph.values),
            dict(graph.constants), list(graph.inputs), list(graph.outputs), list(graph.notes),
            list(graph.states),
        )  # fmt: skip

    def fresh(self, wish: str) -> ValueName:
        """A value name that is not taken: ``wish``, or ``wish.2``, ``wish.3``, …"""
        name, count = wish, 1
        while name in self.values:
            count += 1
            name = f"{wish}.{count}"
        return ValueName(name)

    def value(self, value: Value) -> ValueName:
        """Declare a value. Its name must be new."""
        assert value.name not in self.values, f"{value.name} exists already"
        self.values[value.name] = value
        return value.name

    def input(self, value: Value) -> ValueName:
        """Declare a graph input."""
        self.inputs.append(self.value(value))
        return value.name

    def constant(
        self, wish: str, array: Array, quantisation: Quantisation | None = None
    ) -> ValueName:
        """Declare a constant under ``wish`` or the next free name."""
        name = self.fresh(wish)
        self.constants[name] = array
        origin = Origin(wish)
        return self.value(Value(name, TensorType.of(array), quantisation, origin))

    def node(self, name: str, op: Op, inputs: Sequence[ValueName], output: Value) -> ValueName:
        """Append a node that makes ``output``."""
        self.nodes.append(Node(name, op, tuple(inputs), self.value(output)))
        return output.name

    def build(self) -> Graph:
        """The finished graph: values and constants that nothing reads are dropped, then checked."""
        used = {*self.inputs, *self.outputs}
        for node in self.nodes:
            used.update((*node.inputs, node.output))
        graph = Graph(
            self.name, self.contract, tuple(self.nodes),
            MappingProxyType({k: v for k, v in self.values.items() if k in used}),
            MappingProxyType({k: v for k, v in self.constants.items() if k in used}),
            tuple(self.inputs), tuple(self.outputs), tuple(self.notes), tuple(self.states),
        )  # fmt: skip
        graph.check()
        return graph


def reshaped(type_: TensorType, shape: Shape) -> TensorType:
    """The same elements under another shape."""
    return replace(type_, shape=shape)
