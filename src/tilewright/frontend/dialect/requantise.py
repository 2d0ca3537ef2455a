"""RequantShift: (x * mul + add + half) >> shift, clipped to so many levels."""

from dataclasses import dataclass, replace

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.dialect.fitting import fit
from tilewright.frontend.dialect.storing import as_wide, biases, mapped, wrapped, zero_for
from tilewright.frontend.dialect.values import (
    Importing,
    Mapped,
    Pair,
    Pairing,
    Product,
    Stored,
    Tensor,
    Wide,
)
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array, Shape
from tilewright.ops.arithmetic_onnx import RescaledAdd, RescaledMul
from tilewright.ops.binary import Binary, BinaryKind
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.matmul import QMatMul
from tilewright.ops.requantise import Requantise, RescaleSums
from tilewright.ops.rescale import FixedPoint, Rounding


@dataclass(frozen=True, slots=True)
class Step:
    """What a RequantShift does.

    mul, add   int64, in a shape that broadcasts against the file's tensor
    low, high  of the results
    zero       zero point of the results in int8
    """

    mul: Array
    add: Array
    shift: int
    low: int
    high: int
    zero: int

    @property
    def is_one(self) -> bool:
        """Whether all elements are treated alike."""
        return self.mul.size == self.add.size == 1

    @property
    def output(self) -> Requantise:
        """The clip of stored results."""
        return Requantise(Rounding.WRAPPING, self.zero, self.low + self.zero, self.high + self.zero)


def number(node: OnnxNode, *names: str) -> int:
    """An attribute that is a whole number: an integer, a float, or an array of one of these."""
    for name in names:
        if name in node.attributes:
            value = np.asarray(node.attributes[name]).reshape(-1)
            if value.size == 1 and value.dtype.kind in "iuf" and float(value[0]).is_integer():
                if abs(float(value[0])) >= 2**31:
                    raise ModelError(f"{node}: attribute {name} is {value[0]}, beyond 32 bits")
                return int(value[0])
            raise ModelError(f"{node}: attribute {name} is {value!r}, not a whole number")
    raise ModelError(f"{node}: attribute {names[0]} is missing")


def power_of_two(node: OnnxNode, name: str) -> int:
    """The exponent of an attribute. Raises UnsupportedError for other numbers."""
    value = number(node, name)
    if value < 1 or value & (value - 1) or value > 1 << 31:
        raise UnsupportedError(f"{node}: {name} is {value}, not a power of two up to 2**31")
    return value.bit_length() - 1


def import_requant_shift(state: Importing, node: OnnxNode) -> Tensor:
    """int8 from whatever comes in."""
    x = state.tensor(node, 0)
    step = _step(state, node, x)
    function = mapped(x)
    if function is not None and step.is_one:
        values = _applied(step, function.values)
        return Mapped(function.of, values)
    made = None
    match x:
        case Product():
            made = _finished(state, node.output, x, step)
        case Pair():
            made = _paired(state, node.output, x, step)
        case _:
            pass
    return made or _widely(state, node.output, as_wide(state, node.input(0), x), step)


def _step(state: Importing, node: OnnxNode, x: Tensor) -> Step:
    mul, add = state.fixed(node, 1, "mul"), state.fixed(node, 2, "add")
    shift, levels = power_of_two(node, "div"), number(node, "n_levels", "n_levels_out")
    low = -(levels // 2) if number(node, "signed") else 0
    zero = zero_for(low, low + levels - 1)
    if levels < 2 or zero is None:
        raise UnsupportedError(f"{node}: {levels} levels; results of 2 to 256 levels fit int8")
    mul, add = (_spread(node, array, x) for array in (mul, add))
    return Step(mul, add, shift, low, low + levels - 1, zero)


def _spread(node: OnnxNode, array: Array, x: Tensor) -> Array:
    """One number; one per column or row behind a matrix product; one per index of axis 1."""
    if array.size == 1:
        return array.reshape(())
    is_matrix = isinstance(x, Product) and isinstance(x.op, (QDense, QMatMul))
    if is_matrix and _broadcasts(array.shape, x.shape):
        return array
    if len(x.shape) > 1 and array.size == x.shape[1]:
        return array.reshape(-1, *(1 for _ in x.shape[2:]))
    if _broadcasts(array.shape, x.shape):
        return array
    raise ModelError(
        f"{node}: {array.size} numbers for {list(x.shape)}; one, or one for each of "
        f"{x.shape[1] if len(x.shape) > 1 else x.shape} channels, is meant"
    )


def _broadcasts(shape: Shape, against: Shape) -> bool:
    try:
        return np.broadcast_shapes(shape, against) == against
    except ValueError:
        return False


def _applied(step: Step, values: Array) -> Array:
    """int64, as the file's arithmetic has it: modulo 2**32 before the shift."""
    half = 1 << step.shift >> 1
    scaled = wrapped(wrapped(values * int(step.mul) + int(step.add)).astype(np.int64) + half)
    return np.clip(scaled.astype(np.int64) >> step.shift, step.low, step.high)


def _per_channel(array: Array, axis: int, shape: Shape) -> Array | None:
    """int64[O or 1] where numbers differ along ``axis`` only."""
    if array.size == 1:
        return array.reshape(1)
    aligned = (*(1 for _ in range(len(shape) - array.ndim)), *array.shape)
    return array.reshape(-1) if aligned[axis] == array.size else None


def _finished(state: Importing, wish: str, product: Product, step: Step) -> Stored | None:
    """The layer with its last step; None where no tables of a kernel say what the file says."""
    if isinstance(product.op, QMatMul):
        return _matrix(state, wish, product, product.op, step)
    axis = 1 if isinstance(product.op, (QConv2d, QDepthwiseConv2d)) else len(product.shape) - 1
    mul = _per_channel(step.mul, axis, product.shape)
    add = _per_channel(step.add, axis, product.shape)
    if mul is None or add is None:
        return None
    assert product.rows is not None
    reach = 128 * np.abs(product.rows).sum(axis=1)
    made = fit(mul, biases(product) * mul + add, reach, step.shift, step.zero)
    if made is None:
        return None
    arrays = {"bias": made.bias, "multiplier": made.multiplier, "shift": made.shift}
    tables = [state.constant(f"{wish}.{what}", array) for what, array in arrays.items()]
    op = replace(product.op, output=replace(step.output, rounding=made.rounding))
    name = state.emit(wish, op, *product.inputs, *tables)
    return Stored(name, product.shape, product.order, step.zero)


def _matrix(
    state: Importing, wish: str, product: Product, op: QMatMul, step: Step
) -> Stored | None:
    """A product of two activations; their kernels add nothing."""
    if not step.is_one or step.add.any():
        return None
    depth = state.builder.values[product.inputs[0]].type.shape[-1]
    reach = depth * (128 + abs(op.a_zero)) * (128 + abs(op.b_zero))
    output = replace(step.output, rounding=_rounding(reach, step))
    scale = FixedPoint(int(step.mul), step.shift)
    name = state.emit(wish, replace(op, scale=scale, output=output), *product.inputs)
    return Stored(name, product.shape, product.order, step.zero)


def _rounding(reach: int, step: Step) -> Rounding:
    """HALF_UP where nothing can wrap, however a kernel goes about it."""
    most = reach * int(step.mul) + (1 << step.shift >> 1) + (abs(step.zero) << step.shift)
    return Rounding.HALF_UP if step.mul >= 0 and most < 1 << 31 else Rounding.WRAPPING


def _paired(state: Importing, wish: str, pair: Pair, step: Step) -> Stored | None:
    """Two tensors, scaled as one."""
    if not step.is_one or step.add.any():
        return None
    a, b, mul = pair.a, pair.b, int(step.mul)
    reaches = 128 + abs(a.zero), 128 + abs(b.zero)
    if pair.pairing is Pairing.ADD:
        output = replace(step.output, rounding=_rounding(sum(reaches), step))
        factor, shift = mul, step.shift
        if output.rounding is Rounding.HALF_UP:
            factor, shift = reduced(mul, step.shift)
        op = RescaledAdd(a.zero, b.zero, factor, factor, shift, output)
    else:
        output = replace(step.output, rounding=_rounding(reaches[0] * reaches[1], step))
        op = RescaledMul(a.zero, b.zero, FixedPoint(mul, step.shift), output)
    name = state.emit(wish, op, a.name, b.name)
    return Stored(name, pair.shape, pair.order, step.zero)


def reduced(mul: int, shift: int) -> tuple[int, int]:
    """The same scale without common factors of two; exact where nothing wraps."""
    while mul and mul % 2 == 0 and shift > 0:
        mul, shift = mul // 2, shift - 1
    return mul, shift


def _widely(state: Importing, wish: str, x: Wide, step: Step) -> Stored:
    """One operation after the other in int32."""
    name = x.name
    for kind, array in ((BinaryKind.MUL, step.mul), (BinaryKind.ADD, step.add)):
        if (array != (1 if kind is BinaryKind.MUL else 0)).any():
            numbers = _ordered(state, f"{wish}.{kind.value}", array, x)
            name = state.emit(f"{wish}.{kind.value}ed", Binary(kind), name, numbers)
    return narrowed(state, wish, replace(x, name=name), step.shift, step.output)


def _ordered(state: Importing, wish: str, array: Array, x: Wide) -> ValueName:
    """A constant in int32 that broadcasts against a tensor in its own order."""
    whole = array.reshape(*(1 for _ in range(len(x.shape) - array.ndim)), *array.shape)
    return state.constant(wish, wrapped(whole.transpose(x.order)))


def narrowed(
    state: Importing, wish: str, x: Wide, shift: int = 0, output: Requantise | None = None
) -> Stored:
    """int8 from int32: (x + half) >> shift, clipped; without ``output`` to -128 .. 127."""
    one = state.constant(f"{wish}.one", np.ones(1, np.int32))
    bits = state.constant(f"{wish}.shift", np.array([shift], np.int8))
    clip = output or Requantise(Rounding.WRAPPING)
    name = state.emit(wish, RescaleSums(clip), x.name, one, bits)
    return Stored(name, x.shape, x.order, clip.zero)
