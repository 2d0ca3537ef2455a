"""From what a tensor is said to be to bytes in memory: int8 where that holds it, else int32."""

from dataclasses import replace
from typing import TypeVar

import numpy as np

from tilewright.errors import UnsupportedError
from tilewright.frontend.dialect.values import (
    STORED,
    UNSIGNED,
    Fixed,
    Importing,
    Mapped,
    Order,
    Pair,
    Pairing,
    Product,
    Stored,
    Tensor,
    Wide,
    plain,
)
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array
from tilewright.ops.binary import Binary, BinaryKind
from tilewright.ops.conv2d import QConv2d, QConv2dSum, QDepthwiseConv2d
from tilewright.ops.convert import Widen
from tilewright.ops.dense import QDense, QDenseSum
from tilewright.ops.gather import Gather
from tilewright.ops.layout import Transpose
from tilewright.ops.lut import Lut
from tilewright.ops.matmul import QMatMul, QMatMulSum

Laid = TypeVar("Laid", Stored, Wide)


def mapped(tensor: Tensor) -> Mapped | None:
    """The tensor as a function of stored numbers; None where it is no such thing."""
    match tensor:
        case Stored(zero=zero):
            return Mapped(tensor, STORED - zero)
        case Mapped():
            return tensor
        case _:
            return None


def zero_for(low: int, high: int) -> int | None:
    """The zero point with which int8 holds all of low .. high; None where there is none."""
    if low >= -128 and high <= 127:
        return 0
    return UNSIGNED if low >= 0 and high <= 255 else None


def stored(state: Importing, node: OnnxNode, index: int, order: Order | None = None) -> Stored:
    """An input in int8, its dimensions in ``order`` (None: the file's).

    Raises UnsupportedError for numbers that int8 cannot hold.
    """
    tensor = as_stored(state, node.input(index), state.tensor(node, index))
    if tensor is not None:
        state.tensors[node.input(index)] = tensor  # made once, however many read it
    else:
        raise UnsupportedError(
            f"{node}: {node.input(index)} has numbers beyond 8 bits; a RequantShift before this "
            "node brings them into range"
        )
    return in_order(state, tensor, plain(tensor.shape) if order is None else order)


def as_stored(state: Importing, wish: str, tensor: Tensor) -> Stored | None:
    """The tensor in int8; None where int8 cannot hold it."""
    if isinstance(tensor, Stored):
        return tensor
    numbers = _numbers(tensor)
    zero = zero_for(int(numbers.min()), int(numbers.max())) if numbers.size else None
    if zero is None:
        return None
    table = (numbers + zero).astype(np.int8)
    if not isinstance(tensor, Mapped):
        return Stored(state.constant(wish, table), tensor.shape, plain(tensor.shape), zero)
    if np.array_equal(table, STORED):
        return replace(tensor.of, zero=zero)
    name = state.emit(wish, Lut(), tensor.of.name, state.constant(f"{wish}.table", table))
    return replace(tensor.of, name=name, zero=zero)


def _numbers(tensor: Tensor) -> Array:
    """All numbers that a tensor may hold, where they are few or known; else none."""
    match tensor:
        case Mapped(values=values):
            return values
        case Fixed(array=array):
            return array
        case _:
            return np.empty(0, np.int64)


def in_order(state: Importing, tensor: Laid, order: Order) -> Laid:
    """The same numbers with their dimensions in another order."""
    if tensor.order == order:
        return tensor
    perm = tuple(tensor.order.index(axis) for axis in order)
    name = state.emit(f"{tensor.name}.transposed", Transpose(perm), tensor.name)
    return replace(tensor, name=name, order=order)


def as_wide(state: Importing, wish: str, tensor: Tensor) -> Wide:
    """The tensor in int32."""
    wide = f"{wish}.wide"
    match tensor:
        case Wide():
            return tensor
        case Stored():
            name = state.emit(wide, Widen(tensor.zero), tensor.name)
            return Wide(name, tensor.shape, tensor.order)
        case Mapped(of=of, values=values):
            index = state.emit(f"{wish}.index", Widen(-128), of.name)
            table = state.constant(f"{wish}.table", values.astype(np.int32))
            return Wide(state.emit(wide, Gather(), table, index), of.shape, of.order)
        case Fixed(array=array):
            return Wide(state.constant(wish, wrapped(array)), array.shape, plain(array.shape))
        case Pair(pairing=pairing):
            a, b = (as_wide(state, side.name, side) for side in (tensor.a, tensor.b))
            kind = BinaryKind.ADD if pairing is Pairing.ADD else BinaryKind.MUL
            return Wide(state.emit(wide, Binary(kind), a.name, b.name), tensor.shape, tensor.order)
        case Product():
            return Wide(_sums(state, wide, tensor), tensor.shape, tensor.order)


def _sums(state: Importing, wish: str, product: Product) -> ValueName:
    """The sums of a product in int32."""
    match product.op:
        case QMatMul(transposes_b=transposes, a_zero=a_zero, b_zero=b_zero):
            op = QMatMulSum(transposes, a_zero=a_zero, b_zero=b_zero)
            return state.emit(wish, op, *product.inputs)
        case QDense():
            bias = state.constant(f"{wish}.bias", wrapped(biases(product)))
            return state.emit(wish, QDenseSum(product.op.w_zero), *product.inputs, bias)
        case QConv2d(groups=1, window=window, x_zero=x_zero):
            bias = state.constant(f"{wish}.bias", wrapped(biases(product)))
            return state.emit(
                wish,
                QConv2dSum(window, x_zero=x_zero, w_zero=product.op.w_zero),
                *product.inputs,
                bias,
            )
        case QConv2d() | QDepthwiseConv2d():
            raise UnsupportedError(
                f"{wish}: the sums of a grouped convolution have to be brought into 8 bits by a "
                "RequantShift with one or two numbers per channel, straight behind it"
            )


def biases(product: Product) -> Array:
    """int64[O]: what is added to the sums of stored numbers times weights."""
    assert product.rows is not None
    assert product.added is not None
    return product.added - product.zero * product.rows.sum(axis=1)


def wrapped(array: Array) -> Array:
    """int64 modulo 2**32, as int32."""
    return array.astype(np.int64).astype(np.int32)
