"""What an operator's importer has in hand: the tensors known so far and the graph being built.

One tensor of the file may be held in several ways: as a constant (with quantisation parameters
where it came through DequantizeLinear), as a value in the file's order of dimensions, as the same
value with channels last. Layouts are converted on demand, so nothing is transposed in vain.

Q and DQ nodes leave no trace where they stand in pairs: the float tensor behind DequantizeLinear is
an alias of the stored one, and a float result that only a QuantizeLinear reads *is* the stored one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.chain import keeps_form
from tilewright.frontend.onnx_file import OnnxModel, OnnxNode
from tilewright.ir.graph import GraphBuilder, Origin, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Array, DType, Quantisation, TensorType
from tilewright.ops.gather import Gather
from tilewright.ops.layout import Copy, Reshape, Transpose

TO_CHANNELS_LAST = (0, 2, 3, 1)
TO_CHANNELS_FIRST = (0, 3, 1, 2)

MOVEMENTS = frozenset({
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Dropout", "MaxPool",
    "GlobalMaxPool", "Gather", "Slice", "Split", "Expand", "Tile", "DepthToSpace", "SpaceToDepth",
    "ReverseSequence", "GatherElements", "GatherND",
})  # fmt: skip
"""Operators that select stored values and compute none: quantising before or after is the same."""

HALVES = frozenset({"float16", "bfloat16"})
"""Types of outputs that are computed in float32 and rounded in the end."""

SELECTIONS = MOVEMENTS | {"Concat", "Pad"}
"""Operators that may read stored integers as they are."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A tensor whose elements the compiler knows; integers with parameters stand for reals."""

    array: Array
    quantisation: Quantisation | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """How a tensor of integers is stored."""

    dtype: DType
    quantisation: Quantisation


@dataclass(frozen=True, slots=True)
class Layout:
    """Where an operator's result stands.

    is_image  it is the file's 4-D tensor with channels last
    then      movements that follow the operator and end in the file's shape
    """

    is_image: bool = False
    then: tuple[Op, ...] = ()


AS_IN_FILE = Layout()
AS_IMAGE = Layout(is_image=True)


@dataclass(slots=True)
class Importing:
    """One import in progress."""

    model: OnnxModel
    nodes: tuple[OnnxNode, ...]
    builder: GraphBuilder
    constants: dict[str, Constant]
    stored: Mapping[str, Stored]
    """Tensors of integers, by the Q and DQ nodes at their ends."""
    values: dict[str, ValueName] = field(default_factory=dict[str, ValueName])
    images: dict[str, ValueName] = field(default_factory=dict[str, ValueName])
    """The same tensors with channels last."""
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    elements: dict[str, str] = field(default_factory=dict[str, str])
    """Tensors whose element type in the file is another than that of the value: numpy's name."""
    integers: set[str] = field(default_factory=set[str])
    """Tensors whose ONNX type is an integer: only movements and DequantizeLinear may read them."""
    _readers: dict[str, list[OnnxNode]] = field(init=False)
    _descends: set[ValueName] = field(default_factory=set[ValueName])
    """Real values that were computed from quantised ones."""

    def __post_init__(self) -> None:
        self._readers = {name: [] for name in self.model.outputs}
        for node in self.nodes:
            for name in dict.fromkeys((*node.inputs, *node.captures)):
                self._readers.setdefault(name, []).append(node)

    # --- reading ---------------------------------------------------------------------------------

    def is_constant(self, name: str) -> bool:
        """Whether the tensor's elements are known."""
        return name in self.constants

    def constant(self, node: OnnxNode, index: int, what: str) -> Constant:
        """An input that must be constant. Raises UnsupportedError naming it."""
        name = node.input(index)
        if name not in self.constants:
            raise UnsupportedError(
                f"{node}: {what} {name}: computed at run time; only a constant is supported here"
            )
        return self.constants[name]

    def numbers(self, node: OnnxNode, index: int, what: str) -> Array:
        """A constant input in real numbers or plain integers."""
        constant = self.constant(node, index, what)
        return constant.array if constant.quantisation is None else real(constant)

    def type(self, name: str) -> TensorType:
        """Type of a tensor in the file's order of dimensions."""
        if name in self.constants:
            return TensorType.of(self.constants[name].array)
        type_ = self.held_value(name).type
        if self.held(name) in self.values:
            return type_
        return replace(type_, shape=tuple(type_.shape[p] for p in TO_CHANNELS_FIRST))

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor in the file's order of dimensions."""
        if name in self.constants:
            return tuple(self.constants[name].array.shape)
        return self.type(name).shape

    def value(self, node: OnnxNode, name: str) -> ValueName:
        """The tensor in the file's order of dimensions, as an operand of ``node``."""
        self._refuse_integers(node, name)
        return self.any_value(name)

    def any_value(self, name: str) -> ValueName:
        """The tensor in the file's order of dimensions, integers or reals."""
        if name in self.constants:
            if name not in self.values:
                self.values[name] = self.declare(name, self.constants[name])
            return self.values[name]
        held = self._known(name)
        if held not in self.values:
            image = self.images[held]
            self.values[held] = self._move(image, Transpose(TO_CHANNELS_FIRST), held, Origin(held))
        return self.values[held]

    def image(self, node: OnnxNode, name: str) -> ValueName:
        """A 4-D tensor with channels last, as an operand of ``node``."""
        self._refuse_integers(node, name)
        held = self.held(name)
        if held not in self.images:
            origin = Origin(held, TO_CHANNELS_LAST)
            self.images[held] = self._move(
                self.any_value(name), Transpose(TO_CHANNELS_LAST), f"{held}.nhwc", origin
            )
        return self.images[held]

    def is_image(self, name: str) -> bool:
        """Whether the tensor is held with channels last already."""
        return name not in self.constants and self.held(name) in self.images

    def held_value(self, name: str) -> Value:
        """The value that holds a tensor, in whichever layout there is."""
        held = self._known(name)
        return self.builder.values[self.values.get(held) or self.images[held]]

    def _known(self, name: str) -> str:
        """``held``. Raises UnsupportedError for outputs that operators make beside their first."""
        held = self.held(name)
        if held not in self.values and held not in self.images:
            raise UnsupportedError(
                f"tensor {name}: is not its operator's first output, the only one that is supported"
            )
        return held

    def descends(self, name: ValueName) -> bool:
        """Whether a real value was computed from quantised ones."""
        return name in self._descends

    def mark(self, name: ValueName) -> None:
        """A real value that was computed from quantised ones."""
        self._descends.add(name)

    def is_read(self, name: str) -> bool:
        """Whether a node or an output of the file wants the tensor."""
        return name in self._readers

    def is_known(self, name: str) -> bool:
        """Whether some value holds the tensor."""
        held = self.held(name)
        return held in self.values or held in self.images

    def is_stored(self, name: str) -> bool:
        """Whether the tensor is held as integers (its ONNX type may still be float)."""
        return self.type(name).dtype in (DType.S8, DType.U8)

    def declare(self, wish: str, constant: Constant) -> ValueName:
        """A constant of the graph. Raises UnsupportedError for types that nothing stores."""
        array = np.array(constant.array, order="C")
        if array.dtype.name not in ("float32", "int8", "uint8", "int32"):
            raise UnsupportedError(f"constant {wish} is {array.dtype}; float32, int8, uint8, int32")
        return self.builder.constant(wish, array, constant.quantisation)

    # --- writing ---------------------------------------------------------------------------------

    def emit(
        self, node: OnnxNode, op: Op, inputs: Sequence[ValueName], *, layout: Layout = AS_IN_FILE
    ) -> None:
        """Append ``op`` as the meaning of ``node``; its output holds ``node.output``."""
        values = [self.builder.values[name] for name in inputs]
        # Indices only choose; what is chosen says how the result is stored.
        moved = values[:1] if isinstance(op, Gather) else values
        descends = any(v.quantisation is not None or v.name in self._descends for v in values)
        tensor, stored = self._destination(node.output) if descends else (node.output, None)
        inferred = op.infer(*(v.type for v in values))
        if inferred.dtype is DType.S32:
            descends, tensor, stored = False, node.output, None
            self.integers.add(node.output)
        elif node.kind in SELECTIONS:
            stored = self._selected(op, moved, stored)
            tensor = tensor if stored else node.output
            if any(self.is_stored_integer(name) for name in node.inputs[: len(moved)]):
                self.integers.add(node.output)
        dtype = stored.dtype if stored else DType.F32 if descends else inferred.dtype
        is_rounded = tensor in self.model.outputs and self.model.elements.get(tensor) in HALVES
        wish = f"{tensor}.nhwc" if layout.is_image else f"{tensor}.wide" if is_rounded else tensor
        name = self.builder.fresh(f"{wish}.flat" if layout.then else wish)
        value = Value(
            name, replace(inferred, dtype=dtype), stored.quantisation if stored else None,
            None if layout.then else Origin(tensor, TO_CHANNELS_LAST if layout.is_image else None),
        )  # fmt: skip
        self.builder.node(node.name, op, inputs, value)
        if descends and stored is None:
            self._descends.add(name)
        for step in layout.then:
            is_last = step is layout.then[-1]
            origin = Origin(tensor) if is_last else None
            name = self._move(name, step, tensor if is_last else f"{tensor}.flat", origin)
        (self.images if layout.is_image else self.values)[tensor] = name
        if tensor != node.output:
            self.aliases[node.output] = tensor
            self.integers.add(tensor)

    def alias(self, name: str, of: str) -> None:
        """Both names mean one tensor from here on."""
        if of in self.constants:
            self.constants[name] = self.constants[of]
            return
        self.aliases[name] = self.held(of)

    def between(self, name: str, op: Op, x: ValueName) -> ValueName:
        """A movement that the file does not have: a dimension inserted before an operator."""
        return self._move(x, op, f"{name}.{type(op).__name__.lower()}", None)

    def _move(self, x: ValueName, op: Op, wish: str, origin: Origin | None) -> ValueName:
        source = self.builder.values[x]
        name = self.builder.fresh(wish)
        value = Value(name, op.infer(source.type), source.quantisation, origin)
        if x in self._descends:
            self._descends.add(name)
        return self.builder.node(f"{wish}.{type(op).__name__.lower()}", op, (x,), value)

    def held(self, name: str) -> str:
        """The tensor that ``name`` is an alias of, or itself."""
        while name in self.aliases:
            name = self.aliases[name]
        return name

    def is_stored_integer(self, name: str) -> bool:
        """Whether the file has stored integers here, which stand for real numbers."""
        return name in self.integers and (name in self.constants or self.is_stored(name))

    def _refuse_integers(self, node: OnnxNode, name: str) -> None:
        if self.is_stored_integer(name) and node.kind not in SELECTIONS:
            raise UnsupportedError(
                f"{node}: computes with the stored integers of {name}; a DequantizeLinear between "
                "them would say which numbers they stand for"
            )

    def _destination(self, tensor: str) -> tuple[str, Stored | None]:
        """Where a float result is quantised: the name that it is stored under, and how."""
        name = tensor
        while name not in self.model.outputs and self._readers.get(name):
            readers = self._readers[name]
            kinds = {reader.kind if reader.inputs[0] == name else "" for reader in readers}
            if kinds == {"QuantizeLinear"}:
                # Some quantisers give every reader a pair of its own, all with equal parameters.
                if any(reader.output not in self.stored for reader in readers):
                    break
                (stored, *others) = (self.stored[reader.output] for reader in readers)
                if any(other != stored for other in others):
                    break
                return (readers[0].output if name == tensor else tensor), stored
            if len(readers) > 1 or not kinds <= MOVEMENTS:
                break
            name = readers[0].output
        return tensor, None

    @staticmethod
    def _selected(op: Op, inputs: Sequence[Value], wanted: Stored | None) -> Stored | None:
        """How selected elements are stored: like the inputs, unless a Q node asks otherwise."""
        found = {(v.type.dtype, v.quantisation) for v in inputs}
        if any(quantisation is None for _, quantisation in found):
            return None
        if wanted is not None or not keeps_form(op, inputs):
            return wanted
        ((dtype, quantisation),) = found
        assert quantisation is not None
        return Stored(dtype, quantisation)

    def finish_output(self, name: str) -> ValueName:
        """The value that carries a graph output's name. Raises ModelError for a constant one."""
        if name in self.constants:
            return self._constant_output(name)
        value = self.any_value(name)
        if value == name:
            return value
        source = self.builder.values[value]
        if name in self.builder.values:
            raise ModelError(f"output {name}: another tensor has its name")
        keep = Value(ValueName(name), source.type, source.quantisation, Origin(name))
        return self.builder.node(f"{name}.copy", Reshape(source.type.shape), (value,), keep)

    def _constant_output(self, name: str) -> ValueName:
        """An output whose elements are known: copied at every run."""
        constant = self.constants[name]
        array = constant.array
        if not array.size:
            raise ModelError(f"output {name} has no elements")
        if constant.quantisation is None and array.dtype.kind in "iub":
            array = array.astype(np.int32)
        whole = np.array(array, order="C")
        made = self.builder.constant(f"{name}//constant", whole, constant.quantisation)
        value = Value(ValueName(name), self.builder.values[made].type, constant.quantisation)
        return self.builder.node(f"{name}.copy", Copy(), (made,), value)


def real(constant: Constant) -> Array:
    """The real numbers that a constant stands for, float32."""
    quantisation = constant.quantisation
    if quantisation is None:
        return constant.array.astype(np.float32)
    shape = [1] * constant.array.ndim
    if quantisation.axis is not None and not quantisation.is_per_tensor:
        shape[quantisation.axis] = -1
    scales = np.array(quantisation.scales).reshape(shape)
    zeros = np.array(quantisation.zero_points, np.int64).reshape(shape)
    return ((constant.array.astype(np.int64) - zeros) * scales).astype(np.float32)


def permuted(constant: Constant, perm: tuple[int, ...]) -> Constant:
    """The constant with its dimensions permuted, per-axis parameters along."""
    quantisation = constant.quantisation
    if quantisation is not None and quantisation.axis is not None:
        quantisation = replace(quantisation, axis=perm.index(quantisation.axis))
    return Constant(constant.array.transpose(perm), quantisation)
