"""Integer forms of the onnx contract, and of pulp, which only rounds differently.

Source: docs/numerics.md. Every operator computes exactly in integers, multiplies by one real scale
and rounds once; functions of one int8 value are tables, made in float64.
"""

from collections.abc import Callable
from math import prod

import numpy as np

from tilewright.frontend.lower.lowering import Lowering, LowerRules, dequantised
from tilewright.ir.graph import Node, ValueName
from tilewright.ir.types import Array, Quantisation, Shape
from tilewright.ops.arithmetic_onnx import (
    LARGEST_PRODUCT,
    LARGEST_STEP,
    RescaledAdd,
    RescaledMul,
    weighted_bytes,
    weighted_sum,
)
from tilewright.ops.elementwise import Activation, Add, Clip, Mul
from tilewright.ops.layout import Reshape, Transpose
from tilewright.ops.lut import Lut
from tilewright.ops.pool2d import AveragePool2d
from tilewright.ops.pool_onnx import RescaledAveragePool2d, RescaledMean
from tilewright.ops.reduce import Mean
from tilewright.ops.rescale import FixedPoint, Rounding, fixed_point, fixed_point_within
from tilewright.ops.softmax import Softmax
from tilewright.ops.softmax_onnx import TableSoftmax, exponentials, inverse_scale, row_bits


def lower_add(lowering: Lowering, node: Node) -> None:
    """Add → RescaledAdd; with one number for all elements it is a table."""
    op = node.op
    assert isinstance(op, Add)
    if _lower_by_number(lowering, node, np.add):
        return
    a, b, y = (lowering.quantisation(node, name) for name in (*node.inputs, node.output))
    output = lowering.requantise(node, op.low, op.high)
    weights = weighted_bytes if output.rounding is Rounding.HALF_UP else weighted_sum
    points = weights(a.scale / y.scale, b.scale / y.scale)
    lowered = RescaledAdd(a.zero_point, b.zero_point, *points, output)
    lowering.emit(node, lowered, tuple(lowering.value(name) for name in node.inputs))


def lower_mul(lowering: Lowering, node: Node) -> None:
    """Mul → RescaledMul; with one number for all elements it is a table."""
    op = node.op
    assert isinstance(op, Mul)
    if _lower_by_number(lowering, node, np.multiply):
        return
    a, b, y = (lowering.quantisation(node, name) for name in (*node.inputs, node.output))
    scale = _fixed(lowering, a.scale * b.scale / y.scale, LARGEST_PRODUCT)
    output = lowering.requantise(node, op.low, op.high)
    lowered = RescaledMul(a.zero_point, b.zero_point, scale, output)
    lowering.emit(node, lowered, tuple(lowering.value(name) for name in node.inputs))


def lower_average_pool(lowering: Lowering, node: Node) -> None:
    """AveragePool2d → RescaledAveragePool2d with one scale per count of elements."""
    op = node.op
    assert isinstance(op, AveragePool2d)
    x, y = (lowering.quantisation(node, name) for name in (node.inputs[0], node.output))
    positions = prod(op.window.kernel)
    counts = [positions]
    if op.window.is_padded and not op.counts_padding:
        counts = list(range(1, positions + 1))
    points = [_fixed(lowering, x.scale / (y.scale * n), n * LARGEST_STEP) for n in counts]
    inputs = (
        lowering.value(node.inputs[0]),
        lowering.constant(node, "multiplier", np.array([p.multiplier for p in points], np.int32)),
        lowering.constant(node, "shift", np.array([p.shift for p in points], np.int8)),
    )
    lowered = RescaledAveragePool2d(op.window, x.zero_point, lowering.requantise(node))
    lowering.emit(node, lowered, inputs)


def lower_mean(lowering: Lowering, node: Node) -> None:
    """Mean → RescaledMean over neighbouring axes; others are brought together first."""
    op = node.op
    assert isinstance(op, Mean)
    x, y = (lowering.quantisation(node, name) for name in (node.inputs[0], node.output))
    shape = lowering.source.type(node.inputs[0]).shape
    count = prod(shape[axis] for axis in op.axes)
    scale = _fixed(lowering, x.scale / (y.scale * count), count * LARGEST_STEP)
    output = lowering.requantise(node)
    value = lowering.value(node.inputs[0])
    if _are_neighbours(op.axes, shape):
        lowered = RescaledMean(op.axes, op.keeps_dims, x.zero_point, scale, output)
        lowering.emit(node, lowered, (value,))
        return
    kept = tuple(d for d in range(len(shape)) if d not in op.axes)
    together = lowering.between(node, "together", Transpose((*kept, *op.axes)), (value,))
    axes = tuple(range(len(kept), len(shape)))
    flat = RescaledMean(axes, False, x.zero_point, scale, output)
    mean = lowering.between(node, "mean", flat, (together,))
    lowering.emit(node, Reshape(lowering.source.type(node.output).shape), (mean,))


def lower_softmax(lowering: Lowering, node: Node) -> None:
    """Softmax → TableSoftmax."""
    op = node.op
    assert isinstance(op, Softmax)
    x, y = (lowering.quantisation(node, name) for name in (node.inputs[0], node.output))
    bits = row_bits(lowering.source.type(node.inputs[0]).shape[-1])
    table = lowering.constant(node, "exponentials", exponentials(op.beta * x.scale, bits))
    lowered = TableSoftmax(bits, inverse_scale(y.scale, bits), lowering.requantise(node))
    lowering.emit(node, lowered, (lowering.value(node.inputs[0]), table))


def lower_curve(lowering: Lowering, node: Node) -> None:
    """Activation → Lut."""
    op = node.op
    assert isinstance(op, Activation)
    _emit_table(lowering, node, node.inputs[0], op.at)


def lower_clip(lowering: Lowering, node: Node) -> None:
    """Clip that no producer took → Lut; without bounds it is a change of scale."""
    op = node.op
    assert isinstance(op, Clip)
    low, high = op.low, op.high
    _emit_table(lowering, node, node.inputs[0], lambda x: np.clip(x, low, high))


ONNX_RULES: LowerRules = {
    Activation: lower_curve,
    Add: lower_add,
    AveragePool2d: lower_average_pool,
    Clip: lower_clip,
    Mean: lower_mean,
    Mul: lower_mul,
    Softmax: lower_softmax,
}


def _emit_table(
    lowering: Lowering, node: Node, x_name: ValueName, function: Callable[[Array], Array]
) -> None:
    """y = function(x) for every int8 x, in float64 with one rounding."""
    x, y = (lowering.quantisation(node, name) for name in (x_name, node.output))
    with np.errstate(over="ignore"):
        real = function((np.arange(-128, 128) - x.zero_point) * x.scale)
    table = lowering.constant(node, "table", _stored(real, y, lowering.rounding))
    lowering.emit(node, Lut(), (lowering.value(x_name), table))


def _stored(real: Array, y: Quantisation, rounding: Rounding) -> Array:
    """The int8 integers that stand for real numbers."""
    ratio = np.clip(real / y.scale, -(2.0**30), 2.0**30)
    whole = np.floor(ratio + 0.5) if rounding is Rounding.HALF_UP else np.rint(ratio)
    return np.clip(whole + y.zero_point, -128, 127).astype(np.int8)


def _lower_by_number(
    lowering: Lowering, node: Node, combine: Callable[[Array, float], Array]
) -> bool:
    """Add or Mul of a tensor and one constant number, as a table; False where it is none."""
    op = node.op
    assert isinstance(op, (Add, Mul))
    low, high = op.low, op.high
    for number, tensor in (node.inputs, node.inputs[::-1]):
        array = lowering.source.constants.get(number)
        shape = lowering.source.type(tensor).shape
        if array is None or array.size != 1 or shape != lowering.source.type(node.output).shape:
            continue
        quantisation = lowering.source.values[number].quantisation
        real = float((array if quantisation is None else dequantised(array, quantisation)).item())

        def combined(x: Array, real: float = real) -> Array:
            return np.clip(combine(x, real), low, high)

        _emit_table(lowering, node, tensor, combined)
        return True
    return False


def _fixed(lowering: Lowering, real: float, largest: int) -> FixedPoint:
    """A real scale; under pulp as fine as accumulators up to ``largest`` allow in int32."""
    if lowering.rounding is Rounding.HALF_UP:
        return fixed_point_within(real, largest)
    return fixed_point(real, lowering.rounding)


def _are_neighbours(axes: tuple[int, ...], shape: Shape) -> bool:
    """Whether no other dimension of more than one element lies between reduced ones."""
    between = set(range(min(axes, default=0), max(axes, default=-1) + 1)) - set(axes)
    return all(shape[axis] == 1 for axis in between)
