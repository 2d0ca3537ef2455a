"""A .tflite network while it is being imported: tensors become values and constants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, prod

import numpy as np

from tilewright.errors import ModelError, OptionError, QuantisationError, UnsupportedError
from tilewright.frontend.tflite_file import TfliteFile, TfliteOperator, TfliteTensor
from tilewright.ir.graph import GraphBuilder, Node, Origin, Value, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Array, DType, Quantisation, Shape, TensorType

ACTIVATION_TYPES = {
    "float32": DType.F32, "int8": DType.S8, "uint8": DType.U8, "int16": DType.S16,
}  # fmt: skip

PLAIN_TYPES = ("int32", "int64", "bool")
"""Integers that stand for themselves, such as indices, and truth; they are int32 inside."""

LARGEST_TENSOR = 2**31 - 1
"""Bytes; offsets in generated C are int32_t."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the file: what it is when a run begins, and what it is by now."""

    before: ValueName
    now: ValueName


@dataclass(slots=True)
class Network:
    """What the operator rules of ``tflite_operators`` have in their hands.

    constants          arrays of constant tensors, by tensor index
    has_given_shapes   the user fixed input shapes: shapes that the file stores no longer bind
    """

    file: TfliteFile
    builder: GraphBuilder
    constants: dict[int, Array] = field(default_factory=dict[int, Array])
    names: dict[int, ValueName] = field(default_factory=dict[int, ValueName])
    has_given_shapes: bool = False
    calls: list[str] = field(default_factory=list[str])
    """Where control flow has run subgraphs so far, in this network and those within."""
    handles: dict[int, str] = field(default_factory=dict[int, str])
    """Tensors of type resource → names of variables."""
    variables: dict[str, Variable] = field(default_factory=dict[str, Variable])
    initial: dict[str, Array] = field(default_factory=dict[str, Array])
    """What variables hold before the first run."""

    def tensor(self, op: TfliteOperator, position: int) -> TfliteTensor:
        """The tensor at an input position. Raises ModelError where it was left out."""
        if position >= len(op.inputs) or op.inputs[position] < 0:
            raise ModelError(f"{self.label(op)}: input {position} is missing")
        return self.file.tensors[op.inputs[position]]

    def has_input(self, op: TfliteOperator, position: int) -> bool:
        """Whether an optional operand is there."""
        return position < len(op.inputs) and op.inputs[position] >= 0

    def result(self, op: TfliteOperator, output: int = 0) -> TfliteTensor:
        """The tensor that the operator makes."""
        return self.file.tensors[op.outputs[output]]

    def label(self, op: TfliteOperator) -> str:
        """How messages call an operator."""
        made = ", ".join(self.file.tensors[i].name for i in op.outputs)
        return f"{self.file.name}: operator {op.index} (makes {made or 'nothing'})"

    def constant(self, op: TfliteOperator, position: int) -> Array:
        """A constant operand's array. Raises UnsupportedError where it is computed."""
        tensor = self.tensor(op, position)
        if tensor.index not in self.constants:
            if tensor.data is None:
                raise UnsupportedError(
                    f"{self.label(op)}: input {position} ({tensor.name}) is computed at run time; "
                    "it has to be a constant of the file"
                )
            self.constants[tensor.index] = tensor.array()
        return self.constants[tensor.index]

    def integers(self, op: TfliteOperator, position: int) -> tuple[int, ...]:
        """A constant operand of shapes, axes or paddings, flattened."""
        array = self.constant(op, position)
        if array.dtype.name not in ("int32", "int64"):
            tensor = self.tensor(op, position)
            raise ModelError(f"{self.label(op)}: {tensor} has to hold int32 or int64")
        return tuple(int(n) for n in array.reshape(-1))

    def shape_of(self, op: TfliteOperator, position: int) -> Shape:
        """The shape of an input, known or computed."""
        tensor = self.tensor(op, position)
        if tensor.index in self.names:
            return self.type(self.names[tensor.index]).shape
        return tuple(int(n) for n in self.constant(op, position).shape)

    def operand(self, op: TfliteOperator, position: int) -> ValueName:
        """As ``activation``, or plain integers."""
        tensor = self.tensor(op, position)
        if tensor.dtype not in PLAIN_TYPES:
            return self.activation(op, position)
        if tensor.index not in self.names:
            array = self.constant(op, position)
            if array.dtype == np.int64 and array.size and np.abs(array).max() >= LARGEST_TENSOR:
                raise UnsupportedError(
                    f"{self.label(op)}: {tensor} has integers that 32 bits do not hold"
                )
            name = self.builder.constant(tensor.name, array.astype(np.int32))
            self.names[tensor.index] = name
        return self.names[tensor.index]

    def activation(self, op: TfliteOperator, position: int) -> ValueName:
        """The value at an input position, or the constant that stands there."""
        tensor = self.tensor(op, position)
        if tensor.index in self.names:
            if tensor.dtype in PLAIN_TYPES:
                activation_type(tensor)  # refuses it in words: nothing computes with indices
            return self.names[tensor.index]
        if tensor.data is None and tensor.index not in self.constants:
            raise ModelError(
                f"{self.label(op)}: input {position} ({tensor.name}) is no constant, no input of "
                "the network, and no operator before this one makes it"
            )
        array = self.constant(op, position)
        activation_type(tensor)
        name = self.builder.constant(tensor.name, array, quantisation_of(tensor))
        self.names[tensor.index] = name
        return name

    def indices(self, op: TfliteOperator, position: int, rows: int) -> ValueName:
        """int32 indices: an input of the network, or a constant that is checked here."""
        tensor = self.tensor(op, position)
        if tensor.index in self.names:
            name = self.names[tensor.index]
            if self.type(name).dtype is not DType.S32:
                raise ModelError(f"{self.label(op)}: indices {tensor} have to be integers")
            return name
        array = np.array(self.integers(op, position), np.int32).reshape(tensor.shape)
        outside = array[(array < 0) | (array >= rows)]
        if outside.size:
            raise ModelError(f"{self.label(op)}: index {outside[0]} is outside {rows} rows")
        return self.builder.constant(f"{self.result(op).name}.index", array)

    def type(self, name: ValueName) -> TensorType:
        """Type of a value."""
        return self.builder.values[name].type

    def quantisation(self, op: TfliteOperator, name: ValueName) -> Quantisation:
        """Parameters of a stored activation. Raises QuantisationError where it has none."""
        found = self.builder.values[name].quantisation
        if found is None:
            raise QuantisationError(f"{self.label(op)}: tensor {name} has no scale")
        return found

    def input(self, tensor: TfliteTensor, shape: Shape) -> None:
        """Declare an input of the network."""
        if tensor.index in self.names or tensor.data is not None:
            raise ModelError(
                f"{self.file.name}: input {tensor.name} is listed twice or also a constant"
            )
        self.names[tensor.index] = self.declare(ValueName(tensor.name), tensor, shape)

    def declare(self, name: ValueName, tensor: TfliteTensor, shape: Shape) -> ValueName:
        """Declare a value that is there when a run begins."""
        return self.builder.input(_value(name, tensor, shape))

    def step(
        self, op: TfliteOperator, suffix: str, meaning: Op, inputs: Sequence[ValueName]
    ) -> ValueName:
        """Append a part of an operator; its result has the operator's type and quantisation."""
        tensor = self.result(op)
        dtype = activation_type(tensor)
        shape = self._inferred(op, meaning, inputs)
        name = self.builder.fresh(f"{tensor.name}.{suffix}")
        value = Value(name, TensorType(dtype, shape), quantisation_of(tensor))
        return self.builder.node(f"{node_name(op)}.{suffix}", meaning, inputs, value)

    def rows(self, op: TfliteOperator, meaning: Op, x: ValueName) -> ValueName:
        """Append a reshape of an operator's input; the result keeps the input's quantisation."""
        shape = self._inferred(op, meaning, (x,))
        source = self.builder.values[x]
        name = self.builder.fresh(f"{x}.rows")
        value = Value(name, TensorType(source.type.dtype, shape), source.quantisation)
        return self.builder.node(f"{node_name(op)}.rows", meaning, (x,), value)

    def emit(
        self, op: TfliteOperator, meaning: Op, inputs: Sequence[ValueName], output: int = 0
    ) -> None:
        """Append the node that makes one of the operator's output tensors."""
        tensor = self.result(op, output)
        if tensor.index in self.names or tensor.data is not None:
            raise ModelError(f"{self.label(op)}: its output exists already")
        shape = self._inferred(op, meaning, inputs)
        self._compare(op, tensor, shape)
        value = _value(self.builder.fresh(tensor.name), tensor, shape)
        name = f"{node_name(op)}.{output}" if output else node_name(op)
        self.names[tensor.index] = self.builder.node(name, meaning, inputs, value)

    def _inferred(self, op: TfliteOperator, meaning: Op, inputs: Sequence[ValueName]) -> Shape:
        try:
            return meaning.infer(*(self.type(name) for name in inputs)).shape
        except ValueError as error:
            raise ModelError(f"{self.label(op)}: {error}") from None

    def _compare(self, op: TfliteOperator, tensor: TfliteTensor, shape: Shape) -> None:
        """The file's shape must be the inferred one, where the file is sure of it."""
        promised = tensor.signature or tensor.shape
        if not promised or (self.has_given_shapes and not tensor.signature):
            return
        fits = len(promised) == len(shape) and all(
            p in (-1, n) for p, n in zip(promised, shape, strict=True)
        )
        if not fits:
            raise ModelError(
                f"{self.label(op)}: its inputs make a result of shape {list(shape)}, the file says "
                f"{list(promised)}"
            )


def node_name(op: TfliteOperator) -> str:
    """The name of the node that makes an operator's output: what and where, as in conv_2d_3."""
    return f"{op.kind.lower()}_{op.index}"


def activation_type(tensor: TfliteTensor) -> DType:
    """Element type of an activation. Raises UnsupportedError for what nothing computes with."""
    if tensor.dtype not in ACTIVATION_TYPES:
        raise UnsupportedError(
            f"tensor {tensor}: activations of type {tensor.dtype} are not supported; convert the "
            "network with int8 (or uint8) quantisation, or with float32"
        )
    return ACTIVATION_TYPES[tensor.dtype]


def quantisation_of(tensor: TfliteTensor) -> Quantisation | None:
    """Checked parameters of an 8-bit or 16-bit tensor; None for other types.

    Raises QuantisationError where they are missing or unusable.
    """
    if tensor.dtype not in ("int8", "uint8", "int4", "int16"):
        return None
    if not tensor.scales:
        raise QuantisationError(f"tensor {tensor}: has no scale; quantise it when converting")
    dtype = DType.S8 if tensor.dtype == "int4" else DType(tensor.dtype)
    wrong = [s for s in tensor.scales if not (isfinite(s) and s > 0)]
    if wrong:
        raise QuantisationError(f"tensor {tensor}: scale {wrong[0]} is not a positive number")
    outside = [z for z in tensor.zero_points if not dtype.low <= z <= dtype.high]
    if outside:
        raise QuantisationError(
            f"tensor {tensor}: zero point {outside[0]} is outside {dtype.low} to {dtype.high}"
        )
    if len(tensor.scales) == 1:
        return Quantisation(tensor.scales, tensor.zero_points)
    along = tensor.shape[tensor.axis] if 0 <= tensor.axis < len(tensor.shape) else 0
    if along != len(tensor.scales):
        raise QuantisationError(
            f"tensor {tensor}: {len(tensor.scales)} scales along axis {tensor.axis}, which has "
            f"{along} elements"
        )
    return Quantisation(tensor.scales, tensor.zero_points, tensor.axis)


def input_shape(tensor: TfliteTensor, given: Mapping[str, Shape]) -> Shape:
    """An input's shape: the user's where given, else the stored one.

    Raises ModelError for a dimension that nobody knows, OptionError for one that the file fixes.
    """
    known = tensor.signature or tensor.shape
    if tensor.name not in given:
        if not tensor.shape or min(tensor.shape) < 1:
            wish = ",".join(str(n) if n > 0 else "N" for n in tensor.shape) or "N"
            raise ModelError(
                f"input {tensor.name} has shape {list(tensor.shape)}; give it with --input-shape "
                f"{tensor.name}={wish.replace('N', '1', 1)}"
            )
        return tensor.shape
    shape = given[tensor.name]
    agrees = len(shape) == len(known) and all(
        k in (-1, n) for k, n in zip(known, shape, strict=True)
    )
    if (known and not agrees) or min(shape, default=0) < 1:
        raise OptionError(
            f"input {tensor.name} has shape {list(known)} in the file; --input-shape gave "
            f"{list(shape)}, which does not fit"
        )
    return shape


def _value(name: ValueName, tensor: TfliteTensor, shape: Shape) -> Value:
    dtype = DType.S32 if tensor.dtype in PLAIN_TYPES else activation_type(tensor)
    if prod(shape) * dtype.nbytes > LARGEST_TENSOR:
        raise ModelError(
            f"tensor {tensor.name}: {dtype}{list(shape)} is larger than {LARGEST_TENSOR} bytes"
        )
    quantisation = quantisation_of(tensor)
    if quantisation is not None and not quantisation.is_per_tensor:
        raise QuantisationError(f"tensor {tensor}: has {quantisation}; an activation has one scale")
    return Value(name, TensorType(dtype, shape), quantisation, Origin(tensor.name))


def check_outputs(network: Network) -> None:
    """Declare the outputs. Raises ModelError for one that nothing makes, or that is repeated."""
    for index in network.file.outputs:
        name = network.names.get(index)
        label = network.file.tensors[index].name
        if name is None or name in network.builder.constants:
            raise ModelError(f"{network.file.name}: nothing makes output {label}")
        if name in network.builder.outputs:
            raise ModelError(f"{network.file.name}: output {label} is listed twice")
        network.builder.outputs.append(name)


def is_quantised(nodes: Sequence[Node], builder: GraphBuilder) -> bool:
    """Whether any activation is stored as integers; indices are no activations."""
    activations = {n for node in nodes for n in (*node.inputs, node.output)}
    return any(
        builder.values[n].type.dtype not in (DType.F32, DType.S32)
        for n in activations - builder.constants.keys()
    )
