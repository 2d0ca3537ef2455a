"""Sums, products and functions, element by element."""

from collections.abc import Callable

import numpy as np

from tilewright.errors import UnsupportedError
from tilewright.frontend.dialect.layers import with_bias
from tilewright.frontend.dialect.requantise import number
from tilewright.frontend.dialect.storing import as_stored, as_wide, in_order, mapped, wrapped
from tilewright.frontend.dialect.values import (
    Fixed,
    Importing,
    Mapped,
    Pair,
    Pairing,
    Product,
    Tensor,
    Wide,
    plain,
)
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.ir.types import Array
from tilewright.ops.binary import Binary, BinaryKind


def import_pair(state: Importing, node: OnnxNode) -> Tensor:
    """Add, Mul, Sub."""
    kind = BinaryKind(node.kind.lower())
    a, b = (state.tensor(node, index) for index in (0, 1))
    if isinstance(a, Fixed) and kind is not BinaryKind.SUB:
        a, b = b, a
    if isinstance(b, Fixed):
        made = _with_constant(a, b.array, kind)
        if made is not None:
            return made
    if kind is not BinaryKind.SUB and not isinstance(b, Fixed):
        stored = [as_stored(state, n, t) for n, t in zip(node.inputs, (a, b), strict=False)]
        left, right = stored
        if left is not None and right is not None:
            if left.shape != right.shape or left.order != right.order:
                left, right = (in_order(state, t, plain(t.shape)) for t in (left, right))
            pairing = Pairing.ADD if kind is BinaryKind.ADD else Pairing.MUL
            shape = np.broadcast_shapes(left.shape, right.shape)
            order = left.order if left.shape == right.shape else plain(shape)
            return Pair(pairing, left, right, shape, order)
    return _widely(state, node, (a, b), kind)


def _with_constant(x: Tensor, array: Array, kind: BinaryKind) -> Tensor | None:
    """What takes no node of its own: a bias, or a function of stored numbers."""
    if isinstance(x, Product) and kind is BinaryKind.ADD:
        return with_bias(x, array)
    function = mapped(x)
    if function is None or array.size > 1:
        return None
    value = int(array.reshape(-1)[0])
    changed = {
        BinaryKind.ADD: function.values + value,
        BinaryKind.SUB: function.values - value,
        BinaryKind.MUL: function.values * value,
    }[kind]
    return Mapped(function.of, wrapped(changed).astype(np.int64))


def _widely(
    state: Importing, node: OnnxNode, sides: tuple[Tensor, Tensor], kind: BinaryKind
) -> Wide:
    wide = [as_wide(state, n, t) for n, t in zip(node.inputs, sides, strict=False)]
    a, b = (in_order(state, t, plain(t.shape)) for t in wide)
    shape = np.broadcast_shapes(a.shape, b.shape)
    return Wide(state.emit(node.output, Binary(kind), a.name, b.name), shape, plain(shape))


Function = Callable[[OnnxNode, Array], Array]


def _gelu(node: OnnxNode, x: Array) -> Array:
    b, one = number(node, "b"), number(node, "one")
    d = np.minimum(np.abs(x), -b) + b
    return x * (one + np.sign(x) * (one - d * d) >> 1)


def _hard_swish(node: OnnxNode, x: Array) -> Array:
    three, six = number(node, "three"), number(node, "six")
    return x * (np.clip(x + three, 0, six) * number(node, "one_over_six"))


def _true_division(node: OnnxNode, x: Array) -> Array:
    return x * division_factor(node)


def division_factor(node: OnnxNode) -> int:
    """TrueIntegerDiv by a constant: one factor, and the RequantShift behind it rounds."""
    eta, divisor = number(node, "eta"), number(node, "y")
    return number(node, "Delta") * eta // (divisor * eta + number(node, "eps"))


FUNCTIONS: dict[str, Function] = {
    "iGELU": _gelu,
    "iHardswish": _hard_swish,
    "TrueIntegerDiv": _true_division,
}


def import_function(state: Importing, node: OnnxNode) -> Tensor:
    """A function of one number; of stored numbers it is a table."""
    x = state.tensor(node, 0)
    function = mapped(x)
    if function is not None:
        values = FUNCTIONS[node.kind](node, function.values)
        return Mapped(function.of, wrapped(values).astype(np.int64))
    if node.kind == "TrueIntegerDiv":
        wide = as_wide(state, node.input(0), x)
        factor = state.constant(f"{node.output}.factor", wrapped(np.array(division_factor(node))))
        name = state.emit(node.output, Binary(BinaryKind.MUL), wide.name, factor)
        return Wide(name, wide.shape, wide.order)
    raise UnsupportedError(
        f"{node}: {node.input(0)} has numbers beyond 8 bits; a RequantShift before this node "
        "brings them into range"
    )
