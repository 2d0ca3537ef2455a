"""A graph while it is being rewritten, and the description of one change to it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tilewright.ir.graph import Contract, Graph, GraphBuilder, Node, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Array, Quantisation, TensorType


class Draft:
    """The questions of ``Graph``, answered for the present state; only the engine changes it.

    A change costs as much as the nodes that it touches, so that hundreds of rewrites of a large
    network need no hundreds of copies.
    """

    def __init__(self, graph: Graph) -> None:
        self._start = graph
        self.values = dict(graph.values)
        self.constants = dict(graph.constants)
        self.inputs = frozenset(graph.inputs)
        self.outputs = frozenset(graph.outputs)
        self._nodes: dict[ValueName, Node] = {}
        self._readers: dict[ValueName, dict[ValueName, None]] = {}
        self._taken = set(self.values)
        for node in graph.nodes:
            self._add(node)
        for node in reversed(graph.nodes):
            self._drop_if_unread(node.output)

    @property
    def contract(self) -> Contract:
        """Arithmetic contract of the graph."""
        return self._start.contract

    def producer(self, name: ValueName) -> Node | None:
        """The node that makes the value; None for graph inputs, constants and removed values."""
        return self._nodes.get(name)

    def readers(self, name: ValueName) -> tuple[Node, ...]:
        """The nodes that read the value, each once."""
        return tuple(self._nodes[output] for output in self._readers.get(name, ()))

    def is_only_read_by(self, name: ValueName, node: Node) -> bool:
        """Whether the value can vanish when ``node`` does: no other reader, no graph output."""
        return tuple(self._readers.get(name, ())) == (node.output,) and name not in self.outputs

    def type(self, name: ValueName) -> TensorType:
        """Type of a value."""
        return self.values[name].type

    def is_real(self, name: ValueName) -> bool:
        """Whether the value is a real number that the file does not store as integers."""
        value = self.values[name]
        return value.type.dtype.is_float and value.quantisation is None

    def constant(self, name: ValueName) -> Array | None:
        """The constant of that name, or None where the value is computed."""
        return self.constants.get(name)

    def fresh(self, wish: str) -> ValueName:
        """A name that no value has or had: ``wish``, or ``wish.2``, ``wish.3``, ..."""
        name, count = wish, 1
        while name in self._taken:
            count += 1
            name = f"{wish}.{count}"
        self._taken.add(ValueName(name))
        return ValueName(name)

    def ordered(self) -> tuple[Node, ...]:
        """All nodes, producers first, otherwise in the order of the graph that it was made from."""
        done: dict[ValueName, Node] = {}
        for root in self._nodes:
            stack = [root]
            while stack:
                node = self._nodes[stack[-1]]
                waiting = [n for n in node.inputs if n in self._nodes and n not in done]
                if waiting:
                    stack.extend(reversed(waiting))
                    continue
                done.setdefault(stack.pop(), node)
        return tuple(done.values())

    def graph(self) -> Graph:
        """The finished graph, checked."""
        start = self._start
        builder = GraphBuilder(
            start.name, start.contract, list(self.ordered()), self.values, self.constants,
            list(start.inputs), list(start.outputs), list(start.notes),
        )  # fmt: skip
        return builder.build()

    def apply(self, rewrite: "Rewrite") -> None:
        """Carry out a change; nodes whose output nobody reads any more go with it."""
        self.values.update((value.name, value) for value in rewrite.values)
        self.constants.update(rewrite.constants)
        anchor = rewrite.anchor
        if rewrite.nodes or rewrite.renames:
            self._unlink(anchor)
        for node in rewrite.nodes:
            inferred = node.op.infer(*(self.type(name) for name in node.inputs))
            assert inferred.shape == self.type(node.output).shape, f"{node} makes {inferred}"
            self._add(node)
        for old, new in rewrite.renames.items():
            for reader in self.readers(old):
                if reader.output != new:
                    self._rename(reader, old, new)
        if anchor.output not in self._readers and anchor.output not in self.outputs:
            self._nodes.pop(anchor.output, None)
        for name in (*anchor.inputs, *rewrite.renames):
            self._drop_if_unread(name)

    def _add(self, node: Node) -> None:
        self._nodes[node.output] = node
        for name in node.inputs:
            self._readers.setdefault(name, {})[node.output] = None

    def _unlink(self, node: Node) -> None:
        """Forget what the node reads; its place in the order stays for what replaces it."""
        for name in dict.fromkeys(node.inputs):
            readers = self._readers[name]
            del readers[node.output]
            if not readers:
                del self._readers[name]

    def _rename(self, reader: Node, old: ValueName, new: ValueName) -> None:
        self._unlink(reader)
        self._add(replace(reader, inputs=tuple(new if n == old else n for n in reader.inputs)))

    def _drop_if_unread(self, name: ValueName) -> None:
        stack = [name]
        while stack:
            name = stack.pop()
            if name in self._nodes and name not in self._readers and name not in self.outputs:
                node = self._nodes.pop(name)
                self._unlink(node)
                stack.extend(node.inputs)


@dataclass(slots=True)
class Rewrite:
    """One change: what stands in the place of ``anchor``, the node that a rule was asked about.

    Nodes that only fed the anchor vanish by themselves, so a rule says what is new and nothing
    else. ``renames`` maps a value to the one that its readers are to read instead.
    """

    draft: Draft
    anchor: Node
    nodes: list[Node] = field(default_factory=list[Node])
    values: list[Value] = field(default_factory=list[Value])
    constants: dict[ValueName, Array] = field(default_factory=dict[ValueName, Array])
    renames: dict[ValueName, ValueName] = field(default_factory=dict[ValueName, ValueName])

    def constant(
        self, wish: str, array: Array, quantisation: Quantisation | None = None
    ) -> ValueName:
        """A constant under ``wish`` or the next free name."""
        name = self.draft.fresh(wish)
        self.values.append(Value(name, TensorType.of(array), quantisation))
        self.constants[name] = array
        return name

    def type(self, name: ValueName) -> TensorType:
        """Type of a value that the graph or the rewrite has."""
        return next((v.type for v in self.values if v.name == name), None) or self.draft.type(name)

    def insert(self, name: str, op: Op, inputs: Iterable[ValueName], value: Value) -> ValueName:
        """A node that makes a value which the graph did not have; its name is a wish."""
        value = replace(value, name=self.draft.fresh(value.name))
        self.values.append(value)
        self.nodes.append(Node(name, op, tuple(inputs), value.name))
        return value.name

    def finish(self, op: Op, inputs: Iterable[ValueName], name: str = "") -> "Rewrite":
        """The node that makes the anchor's output from now on, named as the anchor or ``name``."""
        anchor = self.anchor
        self.nodes.append(Node(name or anchor.name, op, tuple(inputs), anchor.output))
        return self
