"""A network in the making: an ONNX file that operators are added to, one drawn step at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tilewright.fuzz.names import drawn_name
from tilewright.ir.types import Array, Shape

LARGEST = 2048
"""Elements of one drawn tensor: definitions are slow, and small shapes have the odd corners."""

OPSETS = (13, 17, 18, 21)
IR_VERSION = 8

ELEMENT = {
    "int8": TensorProto.INT8, "uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT,
    "int32": TensorProto.INT32, "int64": TensorProto.INT64, "bool": TensorProto.BOOL,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stored:
    """How a tensor is stored as integers: real = scale * (stored - zero)."""

    scale: float
    zero: int
    dtype: str


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor that operators may read.

    spread  about how far its real values are from 0: for the scales of what is made of it
    stored  None: real numbers
    """

    name: str
    shape: Shape
    spread: float
    stored: Stored | None = None

    @property
    def rank(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))


Attribute = int | float | str | Sequence[int]

Accepts = Callable[[Tensor], bool]


@dataclass(slots=True)
class Drawing:
    """What was drawn so far.

    quantises  share of operators whose result is stored as integers: 1 for networks whose integers
               are known exactly, 0 for those in float32
    is_hostile names are ones that a careless printer would be hurt by
    """

    random: Random
    quantises: float
    opset: int
    is_hostile: bool = False
    nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    constants: dict[str, Array] = field(default_factory=dict[str, Array])
    inputs: list[Tensor] = field(default_factory=list[Tensor])
    tensors: list[Tensor] = field(default_factory=list[Tensor])
    read: set[str] = field(default_factory=set[str])
    used: set[str] = field(default_factory=set[str])
    types: dict[str, tuple[str, Shape]] = field(default_factory=dict[str, tuple[str, Shape]])
    operators: int = 0
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.random.getrandbits(63))

    def fresh(self, hint: str) -> str:
        """A name that nothing has."""
        name = drawn_name(self.random, hint) if self.is_hostile else hint
        while name in self.used:
            name = f"{name}_{len(self.used)}"
        self.used.add(name)
        return name

    def chance(self, share: float) -> bool:
        """True in this share of all cases."""
        return self.random.random() < share

    def constant(self, array: Array, hint: str = "c") -> str:
        """A constant; where an equal one is there, often that one."""
        if self.chance(0.4):
            for name, known in self.constants.items():
                if known.dtype == array.dtype and np.array_equal(known, array):
                    return name
        name = self.fresh(hint)
        self.constants[name] = array
        return name

    def indices(self, values: Sequence[int], hint: str = "n") -> str:
        """A constant list of int64."""
        return self.constant(np.array(values, np.int64), hint)

    def node(self, kind: str, inputs: Sequence[str], **attributes: Attribute) -> str:
        """Add a node; the name of its output."""
        (made,) = self.parts(kind, inputs, 1, **attributes)
        return made

    def parts(
        self, kind: str, inputs: Sequence[str], count: int, **attributes: Attribute
    ) -> list[str]:
        """Add a node; the names of its outputs."""
        names = [self.fresh(kind.lower()) for _ in range(count)]
        made = helper.make_node(kind, inputs, names, self.fresh(f"{kind}_node"))
        made.attribute.extend(helper.make_attribute(k, value) for k, value in attributes.items())
        self.nodes.append(made)
        self.read.update(inputs)
        return names

    def parameters(self, spread: float) -> Stored:
        """How to store values of this spread: some saturate, some use a part of the range only."""
        dtype = self.random.choice(("int8", "int8", "uint8"))
        scale = float(np.float32(max(spread, 1e-3) * self.random.choice((0.5, 1, 1, 2, 4)) / 64))
        if self.chance(0.15):
            scale = self.random.choice((1 / 256, 1 / 128, 0.0625, 0.5, 1.0))
        low = 0 if dtype == "uint8" else -128
        middle = low + 128
        zero = self.random.choice(
            (middle, middle, low, low + 255, self.random.randrange(256) + low)
        )
        return Stored(scale, zero, dtype)

    def scales(self, stored: Stored) -> tuple[str, str]:
        """The constants of a scale and a zero point."""
        return (
            self.constant(np.array(stored.scale, np.float32), "scale"),
            self.constant(np.array(stored.zero, stored.dtype), "zero"),
        )

    def input(self, shape: Shape, stored: Stored | None = None) -> Tensor:
        """A further input of the network."""
        if stored is None and self.chance(self.quantises):
            stored = self.parameters(self.random.choice((0.1, 1.0, 5.0)))
        name = self.fresh(f"x{len(self.inputs)}")
        spread = stored.scale * 128 if stored else 1.0
        made = Tensor(name, shape, spread, stored)
        self.types[name] = (stored.dtype if stored else "float32", shape)
        self.inputs.append(made)
        self.tensors.append(made)
        return made

    def pick(self, accepts: Accepts) -> Tensor | None:
        """A tensor that may be read, late ones more often; None where there is none."""
        fitting = [tensor for tensor in self.tensors if accepts(tensor)]
        if not fitting:
            return None
        return self.random.choice(fitting[-3:] if self.chance(0.7) else fitting)

    def real(self, tensor: Tensor) -> str:
        """The tensor as real numbers."""
        if tensor.stored is None:
            return tensor.name
        made = self.node("DequantizeLinear", (tensor.name, *self.scales(tensor.stored)))
        self.types[made] = ("float32", tensor.shape)
        return made

    def result(
        self, name: str, shape: Shape, spread: float, stored: Stored | None = None
    ) -> Tensor:
        """What an operator made of real numbers, stored as integers or as it is.

        stored  how, where the operator wants it to be said
        """
        self.types[name] = ("float32", shape)
        made = Tensor(name, shape, spread)
        if self.chance(self.quantises):
            stored = stored or self.parameters(spread)
            name = self.node("QuantizeLinear", (name, *self.scales(stored)))
            made = Tensor(name, shape, min(spread, 256 * stored.scale), stored)
        return self.kept(made)

    def kept(self, made: Tensor) -> Tensor:
        """A tensor that later operators may read."""
        self.types[made.name] = (made.stored.dtype if made.stored else "float32", made.shape)
        self.tensors.append(made)
        return made

    def weights(self, shape: Shape, spread: float, axis: int | None) -> str:
        """Constant real numbers: as int8 or uint8 behind DequantizeLinear, or as they are.

        axis  along which there may be a scale per index
        """
        if self.quantises == 0 or self.chance(0.02):
            return self.constant((self.rng.normal(0, spread, shape)).astype(np.float32), "w")
        dtype = self.random.choice(("int8", "int8", "int8", "uint8"))
        info = np.iinfo(dtype)
        low = max(info.min, -127)
        array = self.rng.integers(low, info.max, shape, dtype, endpoint=True)
        if self.chance(0.1):
            array[...] = self.random.choice((low, 0, info.max))
        count = shape[axis] if axis is not None and dtype == "int8" and self.chance(0.6) else None
        scales = (spread / 64 * self.rng.uniform(0.3, 2, count or 1)).astype(np.float32)
        zeros = np.zeros(count or 1, dtype) if dtype == "int8" else np.full(1, 128, dtype)
        if count is None:
            scales, zeros = scales.reshape(()), zeros.reshape(())
        names = [
            self.constant(a, h) for a, h in ((array, "w"), (scales, "w_scale"), (zeros, "w_zero"))
        ]
        attributes = {"axis": axis} if count is not None and axis is not None else {}
        made = self.node("DequantizeLinear", names, **attributes)
        self.types[made] = ("float32", shape)
        return made

    def bias(self, count: int, spread: float) -> str:
        """A constant vector of real numbers."""
        return self.constant(self.rng.normal(0, spread, count).astype(np.float32), "bias")

    def curve_of(self, name: str, shape: Shape) -> str:
        """Tanh: whatever comes in stays within 1."""
        made = self.node("Tanh", [name])
        self.types[name] = self.types[made] = ("float32", shape)
        return made

    def proto(self, outputs: Sequence[str]) -> onnx.ModelProto:
        """The file, with the types of all tensors in it."""
        graph = helper.make_graph(
            self.nodes, "drawn",
            [self._info(tensor.name) for tensor in self.inputs],
            [self._info(name) for name in outputs],
            [numpy_helper.from_array(a, n) for n, a in self.constants.items()],
            value_info=[self._info(n) for n in self.types if n not in outputs],
        )  # fmt: skip
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)

    def _info(self, name: str) -> onnx.ValueInfoProto:
        dtype, shape = self.types[name]
        return helper.make_tensor_value_info(name, ELEMENT[dtype], shape)
