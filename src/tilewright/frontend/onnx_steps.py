"""Several operators in the place of one node of the file, and which element type the file gives.

Inside there are real numbers in float32 and plain integers in int32, whatever the file has:
float16, bfloat16 and double are computed in float32; bool, int64 and the small integers in int32.
What a narrower type would cut off or wrap is cut off or wrapped after each operator that may exceed
it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tilewright.errors import UnsupportedError
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_tensors import AS_IN_FILE, Constant, Importing, Layout
from tilewright.ir.graph import Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Array, DType, Shape, TensorType
from tilewright.ops.binary import Binary, BinaryKind
from tilewright.ops.convert import Shorten
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Activation
from tilewright.ops.gather import Gather
from tilewright.ops.layout import Concat, Pad, Reshape, Transpose

MOVING = (Gather, Reshape, Transpose, Concat, Pad)
"""Operators that keep the stored form of what they move."""

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
class Steps:
    """What is computed for one node."""

    state: Importing
    node: OnnxNode
    count: int = 0

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

    def integers(self, array: Array) -> ValueName:
        """A constant of plain integers. Raises UnsupportedError where 32 bits do not hold them."""
        wide = np.asarray(array)
        limits = np.iinfo(np.int32)
        if wide.dtype.kind in "iu" and wide.size:
            top, bottom = int(wide.max()), int(wide.min())
            # int64's ends are how exporters write "to the end".
            if wide.dtype.name == "int64" and (top == 2**63 - 1 or bottom == -(2**63)):
                wide = np.clip(wide, limits.min, limits.max)
            elif not limits.min <= bottom <= top <= limits.max:
                raise UnsupportedError(
                    f"{self.node}: a constant has the integer {top if top > limits.max else bottom}"
                    ", integers are 32 bits wide inside"
                )
        return self._constant(wide.astype(np.int32))

    def reals(self, array: Array) -> ValueName:
        """A constant of real numbers."""
        return self._constant(np.asarray(array).astype(np.float32))

    def type(self, x: ValueName) -> TensorType:
        """Of a value made so far."""
        return self.state.builder.values[x].type

    def shape(self, x: ValueName) -> Shape:
        """Of a value made so far."""
        return self.type(x).shape

    def do(self, op: Op, *inputs: ValueName) -> ValueName:
        """One operator; its result."""
        values = [self.state.builder.values[name] for name in inputs]
        inferred = op.infer(*(v.type for v in values))
        quantisation = values[0].quantisation if isinstance(op, MOVING) else None
        name = self.state.builder.fresh(self._name())
        if any(v.quantisation or self.state.descends(v.name) for v in values):
            self.state.mark(name)
        return self.state.builder.node(name, op, inputs, Value(name, inferred, quantisation))

    def binary(self, kind: BinaryKind, a: ValueName, b: ValueName) -> ValueName:
        """a kind b."""
        return self.do(Binary(kind), a, b)

    def curve(self, curve: Curve, x: ValueName) -> ValueName:
        """A function without parameters."""
        return self.do(Activation(curve), x)

    def reshaped(self, x: ValueName, shape: Shape) -> ValueName:
        """Another shape, if it is another."""
        return x if self.shape(x) == shape else self.do(Reshape(shape), x)

    def transposed(self, x: ValueName, perm: tuple[int, ...]) -> ValueName:
        """Another order of dimensions, if it is another."""
        return x if perm == tuple(range(len(perm))) else self.do(Transpose(perm), x)

    def chosen(self, x: ValueName, axis: int, index: Array) -> ValueName:
        """Elements of one axis, by constant indices >= 0; x itself where that is all, in order."""
        if np.array_equal(index, np.arange(self.shape(x)[axis])):
            return x
        if not index.size:
            raise UnsupportedError(
                f"{self.node}: makes a tensor without elements; a network needs some in each"
            )
        return self.do(Gather(axis), x, self.integers(index))

    def expanded(self, x: ValueName, shape: Shape) -> ValueName:
        """numpy's broadcasting to a shape, element by element."""
        have = self.shape(x)
        x = self.reshaped(x, (*(1,) * (len(shape) - len(have)), *have))
        for axis, (old, new) in enumerate(zip(self.shape(x), shape, strict=True)):
            if old != new:
                if old != 1:
                    raise ValueError(f"{list(have)} does not broadcast to {list(shape)}")
                x = self.chosen(x, axis, np.zeros(new, np.int64))
        return x

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

    def denied(self, x: ValueName) -> ValueName:
        """1 where x is 0, 0 elsewhere."""
        return self.binary(BinaryKind.EQUAL, x, self.integers(np.array(0)))

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

    def _constant(self, array: Array) -> ValueName:
        return self.state.builder.constant(self._name("constant"), np.array(array, order="C"))

    def _name(self, what: str = "step") -> str:
        self.count += 1
        return f"{self.node.output}.{what}{self.count}"


def as_constant(state: Importing, name: str, array: Array) -> None:
    """A tensor that is known at import."""
    state.constants[name] = Constant(array)
