"""Several operators in the place of one node of the file, and which element type the file gives.

Inside there are real numbers in float32 and plain integers in int32, whatever the file has:
float16, bfloat16 and double are computed in float32; bool, int64 and the small integers in int32.
What a narrower type would cut off or wrap is cut off or wrapped after each operator that may exceed
it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tilewright.frontend.chain import Chain
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_tensors import AS_IN_FILE, Constant, Importing, Layout
from tilewright.ir.graph import GraphBuilder, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Array, DType
from tilewright.ops.binary import BinaryKind
from tilewright.ops.convert import Shorten
from tilewright.ops.layout import Reshape

SHORT: Mapping[str, Shorten] = {
    "float16": Shorten(10, -14, 65504.0, np.inf),
    "bfloat16": Shorten(7, -126, float.fromhex("0x1.fep127"), np.inf),
    "float8_e4m3fn": Shorten(3, -6, 448.0, 448.0),
    "float8_e5m2": Shorten(2, -14, 57344.0, 57344.0),
    "float8_e4m3fnuz": Shorten(3, -7, 240.0, 240.0),
    "float8_e5m2fnuz": Shorten(2, -15, 57344.0, 57344.0),
    "float4_e2m1fn": Shorten(1, 0, 6.0, 6.0),
}
"""Real types with fewer bits than float32; the eight-bit ones saturate."""


class _Width(NamedTuple):
    bits: int
    is_signed: bool


NARROW: Mapping[str, _Width] = {
    "int2": _Width(2, True), "uint2": _Width(2, False), "int4": _Width(4, True),
    "uint4": _Width(4, False), "int8": _Width(8, True), "uint8": _Width(8, False),
    "int16": _Width(16, True), "uint16": _Width(16, False),
}  # fmt: skip
"""Integers with fewer bits than int32."""

WIDE = frozenset({"int32", "int64", "uint32", "uint64"})
REALS = frozenset({"float32", "float64", *SHORT})


def is_integer(element: str) -> bool:
    """Whether tensors of this element type are plain integers (or truth) inside."""
    return element == "bool" or element in NARROW or element in WIDE


def is_plain(state: Importing, name: str) -> bool:
    """Whether a tensor holds integers that stand for themselves."""
    if name in state.constants:
        constant = state.constants[name]
        return constant.quantisation is None and is_integer(constant.array.dtype.name)
    value = state.held_value(name)
    return value.type.dtype is DType.S32 and value.quantisation is None


def element_of(state: Importing, name: str) -> str:
    """The element type that the file gives a tensor."""
    if name in state.elements:
        return state.elements[name]
    if name in state.constants:
        return "float32" if not is_plain(state, name) else state.constants[name].array.dtype.name
    return "int64" if is_plain(state, name) else "float32"


@dataclass(slots=True)
class Steps(Chain):
    """What is computed for one node."""

    state: Importing
    node: OnnxNode
    count: int = 0

    @property
    def builder(self) -> GraphBuilder:
        """The graph that is being built."""
        return self.state.builder

    @property
    def label(self) -> str:
        """How messages call the node."""
        return str(self.node)

    @property
    def prefix(self) -> str:
        """The start of the steps' names."""
        return self.node.output

    def made(self, name: ValueName, values: Sequence[Value]) -> None:
        """Mark what was computed from stored integers."""
        if any(v.quantisation or self.state.descends(v.name) for v in values):
            self.state.mark(name)

    def operand(self, index: int) -> ValueName:
        """An input as the file orders its dimensions."""
        return self.named(self.node.input(index))

    def named(self, name: str) -> ValueName:
        """A tensor of the file."""
        if name not in self.state.constants:
            return self.state.value(self.node, name)
        if is_plain(self.state, name):
            return self.integers(self.state.constants[name].array)
        return self.state.value(self.node, name)

    def narrowed(self, x: ValueName, element: str) -> ValueName:
        """Integers as the file's type would wrap them."""
        if element not in NARROW:
            return x
        bits, is_signed = NARROW[element]
        x = self.binary(BinaryKind.AND, x, self.integers(np.array(2**bits - 1)))
        if not is_signed:
            return x
        half = self.integers(np.array(2 ** (bits - 1)))
        return self.binary(BinaryKind.SUB, self.binary(BinaryKind.XOR, x, half), half)

    def finish(self, x: ValueName, element: str | None = None, output: int = 0) -> None:
        """The node's result, and its element type in the file where that matters."""
        self.end(Reshape(self.shape(x)), x, element=element, output=output)

    def end(
        self,
        op: Op,
        *inputs: ValueName,
        element: str | None = None,
        output: int = 0,
        layout: Layout = AS_IN_FILE,
    ) -> None:
        """The node's result, made by ``op``."""
        name = self.node.outputs[output]
        node = OnnxNode(
            self.node.name if output == 0 else f"{self.node.name}.{output}",
            self.node.kind, self.node.inputs, (name,), self.node.attributes,
        )  # fmt: skip
        self.state.emit(node, op, inputs, layout=layout)
        if element is not None:
            self.state.elements[name] = element


def as_constant(state: Importing, name: str, array: Array) -> None:
    """A tensor that is known at import."""
    state.constants[name] = Constant(array)
