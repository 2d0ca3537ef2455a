"""Nodes of other domains written in the standard's: what both kinds of forms need."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tilewright.errors import UnsupportedError
from tilewright.frontend.onnx_file import Attribute, OnnxNode
from tilewright.frontend.onnx_tensors import Constant, real
from tilewright.ir.types import Array, Shape

CHANNELS_LAST = "Nhwc"
"""Before the kind of an operator whose channels are the last dimension."""


def _unknown(name: str) -> Shape:
    raise UnsupportedError(f"tensor {name}: its shape is not known yet")


@dataclass(slots=True)
class Form:
    """One node being written as several. Tensors that the file does not have have "//" in names."""

    node: OnnxNode
    constants: dict[str, Constant]
    shape: Callable[[str], Shape] = field(default=_unknown)
    """Shapes of tensors, where the node is written while it is imported."""
    nodes: list[OnnxNode] = field(default_factory=list[OnnxNode])

    def do(
        self, kind: str, *inputs: str, outputs: tuple[str, ...] = (), **attributes: Attribute
    ) -> str:
        """A node; its first output, named by itself where the caller does not say."""
        return self._add(kind, inputs, outputs, attributes)

    def like(
        self, kind: str, inputs: Sequence[str], attributes: Mapping[str, Attribute] | None = None
    ) -> str:
        """A node with attributes of this one: all of them, or those given."""
        own = self.node.attributes if attributes is None else attributes
        return self._add(kind, tuple(inputs), (), own)

    def _add(
        self,
        kind: str,
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
        attributes: Mapping[str, Attribute],
    ) -> str:
        names = outputs or (f"{self.node.output}//{len(self.nodes)}",)
        label = f"{self.node.name}.{len(self.nodes)}"
        self.nodes.append(OnnxNode(label, kind, inputs, names, attributes))
        return names[0]

    def end(self, kind: str, *inputs: str, **attributes: Attribute) -> None:
        """The node's own result."""
        self._add(kind, inputs, (self.node.output,), attributes)

    def held(self, array: Array | float) -> str:
        """A constant."""
        name = f"{self.node.output}//held{len(self.constants)}"
        whole = np.asarray(array)
        whole = whole.astype(np.float32) if whole.dtype.kind == "f" else whole
        self.constants[name] = Constant(whole)
        return name

    def array(self, index: int, what: str) -> Array:
        """A constant input, in real numbers. Raises UnsupportedError where it is computed."""
        name = self.node.input(index)
        if name not in self.constants:
            raise UnsupportedError(
                f"{self.node}: {what} {name}: computed at run time, not constant"
            )
        constant = self.constants[name]
        return constant.array if constant.quantisation is None else real(constant)

    def input(self, index: int) -> str:
        """An optional input; "" where it is absent."""
        return self.node.inputs[index] if self.node.has(index) else ""


Rule = Callable[[Form], None]


def written(rules: Mapping[str, Rule], form: Form) -> tuple[OnnxNode, ...]:
    """The node as a rule writes it; as it is where there is none."""
    if form.node.kind not in rules:
        return (form.node,)
    rules[form.node.kind](form)
    return tuple(form.nodes)
