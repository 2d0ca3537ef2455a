"""Layer and RMS normalisation as exporters write it before opset 17 and 23: single operators.

    t = x - ReduceMean(x)          layer norm; RMS norm: t = x
    s = Sqrt(ReduceMean(t ** 2) + epsilon)
    n = t / s                      or t * (1 / s), or t * Reciprocal(s)
    y = n * scale + bias           constants, as far as they are there

becomes one LayerNormalization or RMSNormalization where nothing else reads what lies between. The
means are over the last dimensions, counted from the end.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_tensors import Constant, real

OPERANDS = {"Sqrt": 1, "ReduceMean": 1, "Add": 2, "Sub": 2, "Mul": 2, "Div": 2, "Pow": 2}
"""How many inputs the pieces of a pattern have at least."""


@dataclass(frozen=True, slots=True)
class _Network:
    """Who makes and who reads a tensor."""

    constants: Mapping[str, Constant]
    makers: dict[str, OnnxNode]
    readers: dict[str, list[OnnxNode]]

    @staticmethod
    def of(
        nodes: Sequence[OnnxNode], constants: Mapping[str, Constant], outputs: Sequence[str]
    ) -> "_Network":
        readers: dict[str, list[OnnxNode]] = {}
        for node in nodes:
            for name in node.inputs:
                readers.setdefault(name, []).append(node)
        makers = {node.output: node for node in nodes if node.output not in outputs}
        return _Network(constants, makers, readers)

    def made_by(self, name: str, *kinds: str) -> OnnxNode | None:
        """The node of one of these kinds that makes a tensor which is no output."""
        maker = self.makers.get(name)
        return maker if maker is not None and maker.kind in kinds else None

    def only_reader(self, name: str, *kinds: str) -> OnnxNode | None:
        """The one reader of a tensor that is no output, where it is of these kinds."""
        readers = self.readers.get(name, [])
        is_alone = len(readers) == 1 and name in self.makers
        return readers[0] if is_alone and readers[0].kind in kinds else None

    def number(self, name: str) -> float | None:
        """A constant of one element."""
        constant = self.constants.get(name)
        return (
            None if constant is None or constant.array.size != 1 else float(real(constant).item())
        )

    def beside(self, node: OnnxNode, name: str) -> str:
        """The other operand of two."""
        return node.inputs[1] if node.inputs[0] == name else node.inputs[0]

    def row(self, name: str) -> bool:
        """Whether a tensor is a constant that is the same for all rows."""
        constant = self.constants.get(name)
        return constant is not None and constant.array.size in (1, *constant.array.shape[-1:])

    def mean_axes(self, node: OnnxNode) -> tuple[int, ...] | None:
        """The last dimensions, counted from the end, that a ReduceMean keeps as ones."""
        axes = node.integers("axes", ())
        if node.has(1):
            constant = self.constants.get(node.inputs[1])
            axes = () if constant is None else tuple(int(a) for a in constant.array.reshape(-1))
        wanted = tuple(range(-len(axes), 0))
        is_last = tuple(sorted(axes)) == wanted and node.integer("keepdims", 1) == 1
        return wanted if axes and is_last else None


@dataclass(slots=True)
class _Match:
    """A normalisation found: what it consists of and what takes its place."""

    x: str
    axis: int
    epsilon: float
    parts: list[OnnxNode]
    is_centred: bool = False
    scale: str = ""
    bias: str = ""
    missing: dict[str, Constant] = field(default_factory=dict[str, Constant])

    def node(self) -> OnnxNode:
        """One node, named after the last one that it replaces."""
        last = self.parts[-1]
        kind = "LayerNormalization" if self.is_centred else "RMSNormalization"
        inputs = tuple(name for name in (self.x, self.scale, self.bias) if name)
        attributes = {"axis": self.axis, "epsilon": self.epsilon}
        return OnnxNode(last.name, kind, inputs, last.outputs, attributes)


def with_norms(
    nodes: Sequence[OnnxNode], constants: dict[str, Constant], outputs: Sequence[str]
) -> tuple[OnnxNode, ...]:
    """The nodes with every such pattern as one node; a scale of one is added to ``constants``."""
    if any(len(node.inputs) < OPERANDS.get(node.kind, 0) for node in nodes):
        return tuple(nodes)  # a damaged file: whoever imports the node says so
    network = _Network.of(nodes, constants, outputs)
    replaced: dict[str, OnnxNode | None] = {}
    for match in _matches(nodes, network):
        constants.update(match.missing)
        replaced |= dict.fromkeys(part.output for part in match.parts)
        replaced[match.parts[-1].output] = match.node()
    found = (replaced.get(node.output, node) for node in nodes)
    return tuple(node for node in found if node is not None)


def _matches(nodes: Sequence[OnnxNode], network: _Network) -> Iterator[_Match]:
    for node in nodes:
        if node.kind == "Sqrt" and (match := _around(node, network)) is not None:
            yield match


def _around(sqrt: OnnxNode, network: _Network) -> _Match | None:
    """The pattern that a square root belongs to."""
    add = network.made_by(sqrt.inputs[0], "Add")
    if add is None:
        return None
    numbers = [network.number(name) for name in add.inputs]
    epsilon = next((n for n in numbers if n is not None), None)
    mean = next((m for i in add.inputs if (m := network.made_by(i, "ReduceMean"))), None)
    square = network.made_by(mean.inputs[0], "Pow", "Mul") if mean is not None else None
    axes = network.mean_axes(mean) if mean is not None else None
    if epsilon is None or mean is None or square is None or axes is None:
        return None
    if not all(network.only_reader(n.output, r.kind) is r
               for n, r in ((square, mean), (mean, add), (add, sqrt))):  # fmt: skip
        return None
    x = square.inputs[0]
    is_square = network.number(square.inputs[1]) == 2 if square.kind == "Pow" else False
    if not (is_square or (square.kind == "Mul" and square.inputs[1] == x)):
        return None
    divided = _divided(sqrt, x, network)
    if divided is None:
        return None
    match = _Match(x, axes[0], epsilon, [square, mean, add, sqrt, *divided])
    _centre(match, axes, network)
    _scale(match, network)
    return match


def _divided(sqrt: OnnxNode, x: str, network: _Network) -> list[OnnxNode] | None:
    """The nodes that divide x by the root."""
    root = sqrt.output
    user = network.only_reader(root, "Div", "Reciprocal")
    if user is None:
        return None
    if user.kind == "Div" and user.inputs == (x, root):
        return [user]
    if user.kind == "Div" and not (user.inputs[1] == root and network.number(user.inputs[0]) == 1):
        return None
    product = network.only_reader(user.output, "Mul")
    is_ours = product is not None and network.beside(product, user.output) == x
    return [user, product] if product is not None and is_ours else None


def _centre(match: _Match, axes: tuple[int, ...], network: _Network) -> None:
    """Layer norm: what is squared is x less its mean, and nothing else reads that."""
    centred = network.made_by(match.x, "Sub")
    mean = network.made_by(centred.inputs[1], "ReduceMean") if centred is not None else None
    if centred is None or mean is None:
        return
    readers = {reader.output for reader in network.readers[match.x]}
    is_private = readers <= {part.output for part in match.parts}
    is_of_x = mean.inputs[0] == centred.inputs[0] and network.mean_axes(mean) == axes
    if is_private and is_of_x and network.only_reader(mean.output, "Sub") is centred:
        match.x, match.is_centred = centred.inputs[0], True
        match.parts[:0] = [mean, centred]


def _scale(match: _Match, network: _Network) -> None:
    """A product with a constant, and for layer norm a sum, where they follow."""
    match.scale = _constant_operand(match, "Mul", network)
    if match.is_centred:
        match.bias = _constant_operand(match, "Add", network)
    if not match.scale:
        match.scale = f"{match.parts[-1].output}//scale"
        match.missing[match.scale] = Constant(np.ones(1, np.float32))


def _constant_operand(match: _Match, kind: str, network: _Network) -> str:
    """The constant in the node that follows, which becomes a part; "" where none does."""
    made = match.parts[-1].output
    user = network.only_reader(made, kind)
    if user is None or not network.row(network.beside(user, made)):
        return ""
    match.parts.append(user)
    return network.beside(user, made)
