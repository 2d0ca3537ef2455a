"""Convolution and dense layers, alike for every integer contract: only the rescaling differs."""

from dataclasses import replace

import numpy as np

from tilewright.errors import QuantisationError, UnsupportedError
from tilewright.frontend.lower.lowering import Lowering, LowerRules, is_u8, recentred
from tilewright.ir.graph import Contract, Node, ValueName
from tilewright.ir.types import Array, DType, Quantisation
from tilewright.ops import real_scale_tflite
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d, QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import Dense, QDense
from tilewright.ops.rescale import (
    INT32_MAX,
    FixedPoint,
    Rounding,
    fixed_point,
    fixed_point_within,
)


def lower_conv2d(lowering: Lowering, node: Node) -> None:
    """Conv2d → QConv2d."""
    op = node.op
    assert isinstance(op, Conv2d)
    inputs, w_zero = _operands(lowering, node, channel_axis=0)
    x_zero = lowering.quantisation(node, node.inputs[0]).zero_point
    output = lowering.requantise(node, op.low, op.high)
    lowered = QConv2d(op.window, op.groups, op.is_channels_first, output, x_zero, w_zero)
    lowering.emit(node, lowered, inputs)


def lower_depthwise(lowering: Lowering, node: Node) -> None:
    """DepthwiseConv2d → QDepthwiseConv2d."""
    op = node.op
    assert isinstance(op, DepthwiseConv2d)
    inputs, w_zero = _operands(lowering, node, channel_axis=2)
    x_zero = lowering.quantisation(node, node.inputs[0]).zero_point
    output = lowering.requantise(node, op.low, op.high)
    lowering.emit(node, QDepthwiseConv2d(op.window, output, x_zero, w_zero), inputs)


def lower_dense(lowering: Lowering, node: Node) -> None:
    """Dense → QDense."""
    op = node.op
    assert isinstance(op, Dense)
    inputs, w_zero = _operands(lowering, node, channel_axis=0)
    output = lowering.requantise(node, op.low, op.high)
    if _is_rounded_once(lowering, node):
        output = replace(output, rounding=real_scale_tflite.ROUNDING)
    lowering.emit(node, QDense(output, w_zero), inputs)


CONVOLUTION_RULES: LowerRules = {
    Conv2d: lower_conv2d,
    DepthwiseConv2d: lower_depthwise,
    Dense: lower_dense,
}


def _operands(
    lowering: Lowering, node: Node, channel_axis: int
) -> tuple[tuple[ValueName, ...], int]:
    """Lowered inputs (x, w, bias, multiplier, shift) and the weights' zero point."""
    x_name, w_name, _ = node.inputs
    x = lowering.quantisation(node, x_name)
    y = lowering.quantisation(node, node.output)
    stored, w = _weights(lowering, node, channel_axis)
    w_zero = w.zero_points[0]

    reduced = tuple(axis for axis in range(stored.ndim) if axis != channel_axis)
    centred = stored.astype(np.int64) - w_zero
    steps = _accumulator_steps(lowering, node, x, w)
    bias = _stored_bias(lowering, node, steps, y.scale)
    folded = bias - x.zero_point * centred.sum(axis=reduced)
    if lowering.rounding is Rounding.HALF_UP and len(steps) > 1:
        is_live = np.asarray(centred.any(axis=reduced))
        folded, steps = _constants_rescaled(is_live, folded, steps, y.scale)
    reach = _largest_accumulators(centred, folded, reduced)
    if reach.max() > INT32_MAX:
        raise QuantisationError(
            f"{node}: the accumulator of output channel {int(reach.argmax())} can reach "
            f"{int(reach.max())}, which int32 ({INT32_MAX}) cannot hold; split the layer's "
            "input channels or requantise it with smaller biases"
        )
    _refuse_loud_scales(node, steps / y.scale, reach)
    if _is_rounded_once(lowering, node):
        points = _rounded_once(lowering, node, steps / y.scale, reach)
    else:
        points = _fixed_points(lowering.rounding, node, steps / y.scale, reach, y.zero_point)
    names = (
        lowering.value(x_name),
        lowering.builder.constant(w_name, stored, w),
        lowering.constant(node, "bias", folded.astype(np.int32)),
        lowering.constant(node, "multiplier", np.array([p.multiplier for p in points], np.int32)),
        lowering.constant(node, "shift", np.array([p.shift for p in points], np.int8)),
    )
    return names, w_zero


def _weights(lowering: Lowering, node: Node, channel_axis: int) -> tuple[Array, Quantisation]:
    """Stored int8 weights, and scales per tensor or along ``channel_axis`` with one zero point."""
    name = node.inputs[1]
    value = lowering.source.values[name]
    if name not in lowering.source.constants:
        raise UnsupportedError(f"{node}: weights {name} are computed at run time, not constant")
    stored, quantisation = lowering.source.constants[name], value.quantisation
    if quantisation is None:
        raise QuantisationError(f"{node}: weights {name} have no quantisation parameters")
    if value.type.dtype is DType.U8:
        stored, quantisation = recentred(stored, quantisation)
        assert quantisation is not None
    if stored.dtype != np.int8:
        raise QuantisationError(
            f"{node}: weights {name} are {value.type.dtype}; int8 and uint8 are supported"
        )
    if not quantisation.is_per_tensor and quantisation.axis != channel_axis:
        raise QuantisationError(
            f"{node}: weights {name} have scales along axis {quantisation.axis}; only output "
            f"channels (axis {channel_axis}) may have scales of their own"
        )
    if len(set(quantisation.zero_points)) > 1:
        raise QuantisationError(
            f"{node}: weights {name} have different zero points per channel; quantise weights "
            "symmetrically"
        )
    return stored, quantisation


COARSE = 0.5
"""Steps of the output that rounding a bias to accumulator steps may change a result by."""


def _stored_bias(lowering: Lowering, node: Node, steps: Array, y_scale: float) -> Array:
    """Bias in units of one accumulator step per channel, int64; ``steps`` and the output's scale
    are real numbers."""
    name = node.inputs[2]
    if name not in lowering.source.constants:
        raise UnsupportedError(f"{node}: bias {name} is computed at run time, not constant")
    array = lowering.source.constants[name]
    quantisation = lowering.source.values[name].quantisation
    if quantisation is None and array.dtype != np.float32:
        return array.astype(np.int64)
    if quantisation is None:
        return _in_steps(node, array.astype(np.float64), steps, y_scale)
    scales = np.array(quantisation.scales)
    centred = array.astype(np.int64) - np.array(quantisation.zero_points)
    if np.allclose(scales, steps, rtol=1e-4, atol=0.0):
        return centred
    return _in_steps(node, centred * scales, steps, y_scale)


def _in_steps(node: Node, real: Array, steps: Array, y_scale: float) -> Array:
    """Real biases as whole accumulator steps. Raises where a bias is beyond any accumulator, or
    where the steps are so coarse that the output shows it."""
    name = node.inputs[2]
    with np.errstate(over="ignore", invalid="ignore"):
        counts = np.rint(real / steps)
    if not (np.abs(counts) <= 2.0**62).all():
        raise QuantisationError(
            f"{node}: bias {name} reaches {float(np.abs(real).max()):.4g}, which is no number of "
            f"accumulator steps of {float(np.min(steps)):.4g}; check the scales of input and "
            "weights"
        )
    off = float((np.abs(counts * steps - real) / y_scale).max(initial=0.0))
    if off > COARSE:
        raise QuantisationError(
            f"{node}: bias {name} is rounded to accumulator steps of {float(np.max(steps)):.4g}, "
            f"which changes results by up to {off:.2f} steps of the output ({y_scale:.4g}); a "
            "smaller scale of the input or of the weights, or a larger one of the output, would "
            "keep it in integers"
        )
    return counts.astype(np.int64)


def _accumulator_steps(lowering: Lowering, node: Node, x: Quantisation, w: Quantisation) -> Array:
    """Real value of one accumulator step, per weight scale.

    The tflite reference multiplies the two scales of a uint8 convolution in float32.
    """
    is_reference_u8 = lowering.contract is Contract.TFLITE and is_u8(
        lowering.source.values[node.output]
    )
    if is_reference_u8 and not isinstance(node.op, Dense):
        return np.array([float(np.float32(x.scale) * np.float32(scale)) for scale in w.scales])
    return np.array([x.scale * scale for scale in w.scales])


def _constants_rescaled(
    is_live: Array, bias: Array, steps: Array, y_scale: float
) -> tuple[Array, Array]:
    """Bias and steps per channel; a channel without weights is a constant, rescaled here exactly.

    Quantisers give such channels tiny scales and huge biases, for which int32 has no fixed point.
    """
    constant = np.clip(np.floor(bias * (steps / y_scale) + 0.5), -512, 512).astype(np.int64)
    return np.where(is_live, bias, constant), np.where(is_live, steps, y_scale)


def _is_rounded_once(lowering: Lowering, node: Node) -> bool:
    """Whether the tflite reference rescales this layer in float64: fully connected layers."""
    return lowering.contract is Contract.TFLITE and isinstance(node.op, Dense)


def _rounded_once(
    lowering: Lowering, node: Node, real: Array, reach: Array
) -> tuple[FixedPoint, ...]:
    """Fixed-point scales that round as float64 does, and a note where one cannot."""
    output = lowering.requantise(node)
    low, high = output.low - output.zero, output.high - output.zero
    largest = reach if len(real) > 1 else reach.max(keepdims=True)
    points: list[FixedPoint] = []
    for channel, (r, n) in enumerate(zip(real, largest, strict=True)):
        try:
            point, wrong = real_scale_tflite.fixed_point_of_real(float(r), int(n), low, high)
        except ValueError as error:
            raise QuantisationError(f"{node}: cannot rescale to {node.output}: {error}") from None
        points.append(point)
        if wrong:
            lowering.builder.notes.append(
                f"{node}: {wrong} of {2 * int(n) + 1} accumulator values of channel {channel} "
                "round differently from LiteRT's float64 rescaling"
            )
    return tuple(points)


def _largest_accumulators(centred: Array, bias: Array, reduced: tuple[int, ...]) -> Array:
    """Per output channel, the proven bound of |acc| for any int8 input, and of partial sums."""
    positive = np.where(centred > 0, centred * 127, centred * -128).sum(axis=reduced)
    negative = np.where(centred > 0, centred * -128, centred * 127).sum(axis=reduced)
    reach = np.maximum(np.abs(positive), np.abs(negative))
    return np.maximum(reach + np.abs(bias), np.abs(bias))


def _refuse_loud_scales(node: Node, real: Array, reach: Array) -> None:
    """Rescaled accumulators must leave room for the output's zero point, in 32 bits.

    The double rounding shifts accumulators left before it multiplies by a half or more, so twice
    the rescaled accumulator has to fit.
    """
    loudest = float((reach * real).max())
    if 2 * loudest >= INT32_MAX - 2**9:
        raise QuantisationError(
            f"{node}: accumulators reach {loudest:.4g} in units of {node.output}'s scale, which "
            f"saturates at 128 and overflows int32 beyond {INT32_MAX // 2}; the scale of "
            f"{node.output} is too small by far"
        )


def _fixed_points(
    rounding: Rounding, node: Node, real: Array, reach: Array, zero: int
) -> tuple[FixedPoint, ...]:
    """One fixed-point scale per real scale; ``zero`` is the output's zero point."""
    try:
        if rounding is not Rounding.HALF_UP:
            return tuple(fixed_point(float(r), rounding) for r in real)
        largest = reach if len(real) > 1 else reach.max(keepdims=True)
        return tuple(
            fixed_point_within(float(r), int(n), zero) for r, n in zip(real, largest, strict=True)
        )
    except ValueError as error:
        raise QuantisationError(f"{node}: cannot rescale to {node.output}: {error}") from None
