"""Integer forms that only the tflite contract has."""

from math import inf, prod

import numpy as np

from tilewright.errors import QuantisationError, UnsupportedError
from tilewright.frontend.lower.lowering import Lowering, LowerRule, LowerRules, clip_range, is_u8
from tilewright.ir.graph import Node, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Array, Quantisation
from tilewright.ops.arithmetic_tflite import ADD_LEFT_SHIFT, QAdd, QMul
from tilewright.ops.binary import Binary, BinaryKind
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Activation, Add, Clip, Mul
from tilewright.ops.layout import Concat
from tilewright.ops.lut import Lut
from tilewright.ops.mean_tflite import QMean, divided, reduced_count
from tilewright.ops.pool2d import AveragePool2d
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.ops.reduce import Mean
from tilewright.ops.rescale import INT32_MAX, FixedPoint, Rounding, fixed_point, rescale
from tilewright.ops.softmax import Softmax
from tilewright.ops.softmax_tflite import OUTPUT, QSoftmax, exp_table
from tilewright.ops.tables_tflite import (
    clip_table,
    curve_table,
    hard_swish_table,
    has_hard_swish_table,
    joined_u8_table,
    leaky_relu_table,
    rescaled_table,
    sigmoid_table,
)

LARGEST_GAIN_OF_PRODUCTS = 2**14
"""A product of two int8 values has 16 bits; what the scale adds to the left must fit int32."""


def lower_add(lowering: Lowering, node: Node) -> None:
    """Add → QAdd: both summands on twice the larger scale, 20 bits finer."""
    op = node.op
    assert isinstance(op, Add)
    b = lowering.quantisation(node, node.inputs[1])
    lowered = _sum(lowering, node, b.zero_point, (op.low, op.high))
    lowering.emit(node, lowered, tuple(lowering.value(name) for name in node.inputs))


def lower_binary(lowering: Lowering, node: Node) -> None:
    """Sub → QAdd of the second operand's negative; other kinds have no integer form.

    -1 - b around the zero point -1 - zero is the negative of b. Halves round up on either side of
    zero, so the sum might not be the reference's difference; the two are compared for all pairs.
    """
    op = node.op
    assert isinstance(op, Binary)
    if op.kind is not BinaryKind.SUB:
        raise UnsupportedError(
            f"{node}: the tflite contract has no integer form of {op.kind.value}"
        )
    b = lowering.quantisation(node, node.inputs[1])
    lowered = _sum(lowering, node, -1 - b.zero_point, (-inf, inf))
    stored = np.arange(-128, 128)
    left, right = np.meshgrid(stored, stored, indexing="ij")
    ours = lowered.evaluate(left.astype(np.int8), (-1 - right).astype(np.int8))
    if not np.array_equal(ours, _difference(lowered, left, right - b.zero_point)):
        raise QuantisationError(f"{node}: its scales have no form as a sum")
    table = lowering.constant(node, "table", (-1 - stored).astype(np.int8))
    inputs = (lowering.value(node.inputs[1]), table)
    negative = lowering.between(node, "negative", Lut(), inputs)
    lowering.emit(node, lowered, (lowering.value(node.inputs[0]), negative))


def _sum(lowering: Lowering, node: Node, b_zero: int, bounds: tuple[float, float]) -> QAdd:
    """The integer form of a sum. Raises QuantisationError for an output that is far too fine."""
    a, b, y = (lowering.quantisation(node, name) for name in (*node.inputs, node.output))
    common = 2.0 * max(a.scale, b.scale)
    ratio = common / (2.0**ADD_LEFT_SHIFT * y.scale)
    if ratio >= 1:
        raise QuantisationError(
            f"{node}: the output's scale {y.scale:.3g} is more than {2**ADD_LEFT_SHIFT} times "
            f"finer than its inputs' ({a.scale:.3g}, {b.scale:.3g})"
        )
    return QAdd(
        a.zero_point,
        b_zero,
        fixed_point(a.scale / common, Rounding.DOUBLE),
        fixed_point(b.scale / common, Rounding.DOUBLE),
        fixed_point(ratio, Rounding.DOUBLE),
        lowering.requantise(node, *bounds),
    )


def _difference(form: QAdd, a: Array, b: Array) -> Array:
    """SUB as the reference has it: a as stored, b as its distance from its zero point."""

    def scaled(x: Array, point: FixedPoint) -> Array:
        return rescale(x.astype(np.int64), point.multiplier, point.shift, Rounding.DOUBLE)

    fine = scaled((a - form.a_zero) << ADD_LEFT_SHIFT, form.a_scale)
    fine = fine - scaled(b << ADD_LEFT_SHIFT, form.b_scale)
    made = scaled(fine, form.sum_scale) + form.output.zero
    return np.clip(made, form.output.low, form.output.high).astype(np.int8)


def lower_mul(lowering: Lowering, node: Node) -> None:
    """Mul → QMul; the reference multiplies and divides the scales in float32."""
    op = node.op
    assert isinstance(op, Mul)
    a, b, y = (lowering.quantisation(node, name) for name in (*node.inputs, node.output))
    ratio = float(np.float32(a.scale) * np.float32(b.scale) / np.float32(y.scale))
    if ratio >= LARGEST_GAIN_OF_PRODUCTS:
        raise QuantisationError(
            f"{node}: the output's scale {y.scale:.3g} is more than {LARGEST_GAIN_OF_PRODUCTS} "
            f"times finer than its inputs' product ({a.scale:.3g} * {b.scale:.3g})"
        )
    lowered = QMul(
        a.zero_point,
        b.zero_point,
        fixed_point(ratio, Rounding.DOUBLE),
        lowering.requantise(node, op.low, op.high),
    )
    lowering.emit(node, lowered, tuple(lowering.value(name) for name in node.inputs))


def lower_average_pool(lowering: Lowering, node: Node) -> None:
    """AveragePool2d → QAveragePool2d, then another scale where the file asks for one."""
    op = node.op
    assert isinstance(op, AveragePool2d)
    x = lowering.quantisation(node, node.inputs[0])
    if op.counts_padding and op.window.is_padded:
        raise QuantisationError(
            f"{node}: average pooling that counts padding has no form in the tflite contract"
        )
    _check_sums(node, prod(op.window.kernel), 1.0)
    offset = 128 if is_u8(lowering.source.values[node.inputs[0]]) else 0
    lowered = QAveragePool2d(op.window, offset)
    _emit_rescaled(lowering, node, lowered, (lowering.value(node.inputs[0]),), x)


def lower_mean(lowering: Lowering, node: Node) -> None:
    """Mean → QMean; over no axes at all it is a change of scale."""
    op = node.op
    assert isinstance(op, Mean)
    x, y = (lowering.quantisation(node, name) for name in (node.inputs[0], node.output))
    count = reduced_count(lowering.source.type(node.inputs[0]), op.axes)
    _check_sums(node, count, max(x.scale / y.scale / count, 1.0))
    scale = divided(fixed_point(x.scale / y.scale, Rounding.DOUBLE), count)
    lowered = QMean(op.axes, op.keeps_dims, x.zero_point, scale, lowering.requantise(node))
    lowering.emit(node, lowered, (lowering.value(node.inputs[0]),))


def lower_softmax(lowering: Lowering, node: Node) -> None:
    """Softmax → QSoftmax with a table of exponentials."""
    op = node.op
    assert isinstance(op, Softmax)
    x = lowering.quantisation(node, node.inputs[0])
    table = lowering.constant(node, "exp", exp_table(op.beta, x.scale))
    inputs = (lowering.value(node.inputs[0]), table)
    _emit_rescaled(lowering, node, QSoftmax(), inputs, OUTPUT)


def lower_clip(lowering: Lowering, node: Node) -> None:
    """Clip → Lut; without bounds it is a change of scale."""
    op = node.op
    assert isinstance(op, Clip)
    x, y = (lowering.quantisation(node, name) for name in (node.inputs[0], node.output))
    if (op.low, op.high) == (-inf, inf):
        table = rescaled_table(x, y)
    else:
        table = clip_table(x, y, clip_range(y, op.low, op.high))
    _emit_table(lowering, node, table)


def lower_activation(lowering: Lowering, node: Node) -> None:
    """Activation → Lut."""
    op = node.op
    assert isinstance(op, Activation)
    x, y = (lowering.quantisation(node, name) for name in (node.inputs[0], node.output))
    match op.curve:
        case Curve.LEAKY_RELU:
            table = leaky_relu_table(x, y, op.alpha)
        case Curve.SIGMOID:
            table = sigmoid_table(x, y)
        case Curve.HARD_SWISH if has_hard_swish_table(x, y):
            table = hard_swish_table(x, y)
        case _:
            table = curve_table(x, y, op.at)
    _emit_table(lowering, node, table)


def lower_concat(lowering: Lowering, node: Node) -> None:
    """Concat; inputs under another scale than the output's are rescaled first."""
    y = lowering.quantisation(node, node.output)
    is_quantised_as_u8 = is_u8(lowering.source.values[node.output])
    inputs: list[ValueName] = []
    for name in node.inputs:
        x = lowering.quantisation(node, name)
        if is_quantised_as_u8 and x != y:
            table = lowering.constant(node, "table", joined_u8_table(x, y))
            inputs.append(lowering.between(node, "rescaled", Lut(), (lowering.value(name), table)))
        else:
            inputs.append(lowering.rescaled(node, name, y))
    lowering.emit(node, node.op, inputs)


def _check_sums(node: Node, count: int, gain: float) -> None:
    """int32 must hold sums of ``count`` elements, each at most 255, rescaled to the left."""
    if 255 * count * gain > INT32_MAX:
        raise QuantisationError(
            f"{node}: a sum of {count} elements, scaled by up to {gain:.3g}, leaves int32"
        )


def _emit_table(lowering: Lowering, node: Node, table: Array) -> None:
    inputs = (lowering.value(node.inputs[0]), lowering.constant(node, "table", table))
    lowering.emit(node, Lut(), inputs)


def _emit_rescaled(
    lowering: Lowering, node: Node, op: Op, inputs: tuple[ValueName, ...], makes: Quantisation
) -> None:
    """``op``, whose result has quantisation ``makes``, and a Lut where the file has another."""
    y = lowering.quantisation(node, node.output)
    if makes == y:
        lowering.emit(node, op, inputs)
        return
    raw = lowering.between(node, "raw", op, inputs)
    table = lowering.constant(node, "table", rescaled_table(makes, y))
    lowering.emit(node, Lut(), (raw, table))


def _scales_fit(rule: LowerRule) -> LowerRule:
    """Scales or shapes that leave every fixed-point form become an error that names the node."""

    def guarded(lowering: Lowering, node: Node) -> None:
        try:
            # A ratio of float32 scales may overflow; the infinity is refused by name below.
            with np.errstate(over="ignore"):
                rule(lowering, node)
        except ValueError as error:
            raise QuantisationError(
                f"{node}: no integer form makes {node.output}: {error}"
            ) from None

    return guarded


TFLITE_RULES: LowerRules = {
    Activation: _scales_fit(lower_activation),
    Add: _scales_fit(lower_add),
    Binary: _scales_fit(lower_binary),
    AveragePool2d: _scales_fit(lower_average_pool),
    Clip: _scales_fit(lower_clip),
    Concat: _scales_fit(lower_concat),
    Mean: _scales_fit(lower_mean),
    Mul: _scales_fit(lower_mul),
    Softmax: _scales_fit(lower_softmax),
}
