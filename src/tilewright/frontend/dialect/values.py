"""Tensors of a file in the integer dialect while it is imported.

What a node makes is described first, and computed when something needs it: sums of a convolution
become int8 in the node that scales them, and functions of one stored number become one table.
"""

from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.ir.graph import GraphBuilder, Origin, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Array, Shape
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.matmul import QMatMul

Order = tuple[int, ...]
"""Which dimension of the file's tensor each dimension shows."""

STORED = np.arange(-128, 128)
"""What int8 holds, in the order of tables."""

UNSIGNED = -128
"""Zero point of what counts from 0 to 255."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Numbers in int8: number = stored - zero. ``shape``: the file's."""

    name: ValueName
    shape: Shape
    order: Order
    zero: int = 0


@dataclass(frozen=True, slots=True)
class Mapped:
    """A function of stored numbers: ``values[stored + 128]``, int64 in int32's range."""

    of: Stored
    values: Array

    @property
    def shape(self) -> Shape:
        """The file's."""
        return self.of.shape


@dataclass(frozen=True, slots=True)
class Wide:
    """Numbers in int32."""

    name: ValueName
    shape: Shape
    order: Order


@dataclass(frozen=True, slots=True)
class Product:
    """Sums of products, which nobody has computed: ``op`` without its last step.

    inputs  x and weights, or both factors
    rows    weights by output channel, int64[O, K]; None for two activations
    added   int64[O], to be added to the sums of x - zero
    zero    zero point of x
    """

    op: QConv2d | QDepthwiseConv2d | QDense | QMatMul
    inputs: tuple[ValueName, ...]
    shape: Shape
    order: Order
    rows: Array | None = None
    added: Array | None = None
    zero: int = 0


class Pairing(Enum):
    """How two tensors become one."""

    ADD = "add"
    MUL = "mul"


@dataclass(frozen=True, slots=True)
class Pair:
    """Sums or products of two stored tensors, element by element with broadcasting."""

    pairing: Pairing
    a: Stored
    b: Stored
    shape: Shape
    order: Order


@dataclass(frozen=True, slots=True)
class Fixed:
    """A constant, int64."""

    array: Array

    @property
    def shape(self) -> Shape:
        """The file's."""
        return self.array.shape


Tensor = Stored | Mapped | Wide | Product | Pair | Fixed


def plain(shape: Shape) -> Order:
    """The file's own order."""
    return tuple(range(len(shape)))


@dataclass
class Importing:
    """The file so far. Not frozen: it is filled node by node."""

    name: str
    builder: GraphBuilder
    tensors: dict[str, Tensor] = field(default_factory=dict[str, Tensor])

    def tensor(self, node: OnnxNode, index: int) -> Tensor:
        """An input of a node. Raises ModelError where nothing makes it."""
        name = node.input(index)
        if name not in self.tensors:
            raise ModelError(f"{node}: nothing makes its input {name}")
        return self.tensors[name]

    def fixed(self, node: OnnxNode, index: int, what: str) -> Array:
        """A constant input, int64. Raises UnsupportedError where it varies."""
        found = self.tensor(node, index)
        if not isinstance(found, Fixed):
            raise UnsupportedError(f"{node}: {what} ({node.input(index)}) must be constant")
        return found.array

    def emit(self, wish: str, op: Op, *inputs: ValueName) -> ValueName:
        """A node that computes ``op``; its output is called ``wish``, or nearly so."""
        types = [self.builder.values[name].type for name in inputs]
        output = self.builder.fresh(wish)
        value = Value(output, op.infer(*types), None, Origin(wish))
        return self.builder.node(f"{output}.{type(op).__name__.lower()}", op, inputs, value)

    def constant(self, wish: str, array: Array) -> ValueName:
        """A constant of the graph."""
        return self.builder.constant(wish, np.ascontiguousarray(array))
