"""Layers with 16-bit activations and 8-bit weights: exact integers from the start.

The reference adds in 64 bits where the bias has 64 bits or is left out, and scales such sums by a
multiplier of 16 bits; sums with a bias of 32 bits are scaled as those of int8 networks are.
Slots are positions in the option tables of the published schema.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tilewright.errors import ModelError, QuantisationError, UnsupportedError
from tilewright.frontend.lower.lowering import clip_range
from tilewright.frontend.tflite_file import TfliteOperator
from tilewright.frontend.tflite_network import Network, quantisation_of
from tilewright.frontend.tflite_steps import Steps
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array, DType, Quantisation
from tilewright.ops.elementwise import Add, Mul
from tilewright.ops.rescale import FixedPoint, Rounding, fixed_point
from tilewright.ops.wide import (
    WideAdd,
    WideConv2d,
    WideMul,
    WideOutput,
    WideRescale,
    in_words,
    reduced,
)
from tilewright.ops.wide_softmax import WideSoftmax, softmax_tables
from tilewright.ops.window2d import Window2d

SUM_BITS = 15
"""Fractional bits of the scale that summands of 16 bits are brought to."""

ONE = Window2d((1, 1))
"""The window of a dense layer."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product of activations with constant weights, as ``WideConv2d`` wants it.

    weights  [O,KH,KW,C/groups], zero point 0
    bias     [O], the input's zero point folded in
    real     scale of the sums, one per output channel or one for all
    """

    weights: Array
    bias: Array
    real: Sequence[float]
    output: WideOutput
    window: Window2d = ONE
    groups: int = 1
    x_zero: int = 0

    def onto(self, steps: Steps, x: ValueName) -> tuple[WideConv2d, tuple[ValueName, ...]]:
        """The operator and its inputs; constants belong to the builder."""
        points = [fixed_point(real, Rounding.DOUBLE) for real in self.real]
        if self.output.rounding is Rounding.HALF_UP:
            points = [reduced(point) for point in points]
        op = WideConv2d(self.window, self.groups, output=self.output, x_zero=self.x_zero)
        constants = (
            self.weights,
            in_words(self.bias),
            np.array([p.multiplier for p in points], np.int32),
            np.array([p.shift for p in points], np.int8),
        )
        return op, (x, *(steps.stored(array) for array in constants))


def is_wide(network: Network, op: TfliteOperator) -> bool:
    """Whether the operator makes 16-bit activations."""
    return network.result(op).dtype == "int16"


def wide_output(
    network: Network, op: TfliteOperator, rounding: Rounding, bounds: tuple[float, float]
) -> WideOutput:
    """How the operator's result is stored; ``bounds`` are real numbers."""
    tensor = network.result(op)
    q = quantisation_of(tensor)
    assert q is not None
    dtype = DType(tensor.dtype)
    return WideOutput(dtype, rounding, q.zero_point, *clip_range(q, *bounds, dtype))


def emit_product(
    steps: Steps,
    x: ValueName,
    weights: tuple[Array, Quantisation],
    window: tuple[Window2d, int],
    bounds: tuple[float, float],
) -> None:
    """CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED of 16-bit activations.

    weights  [O,KH,KW,C/groups] and their scales, per tensor or per output channel
    window   and the number of groups
    """
    network, op = steps.network, steps.op
    stored, w = weights
    if stored.dtype != np.int8 or any(w.zero_points):
        raise UnsupportedError(f"{steps.label}: 16-bit activations want int8 weights around 0")
    bias, rounding = _bias(steps, stored.shape[0])
    q, y = network.quantisation(op, x), quantisation_of(network.result(op))
    assert y is not None
    real = [q.scale * scale / y.scale for scale in w.scales]
    output = wide_output(network, op, rounding, bounds)
    bias = bias - q.zero_point * stored.astype(np.int64).sum(axis=(1, 2, 3))
    product = Product(stored, bias, real, output, *window, q.zero_point)
    made, inputs = product.onto(steps, x)
    shape = network.result(op).shape
    if len(shape) == 4 and window[0] is not ONE:
        steps.end(made, *inputs)
        return
    value = steps.exact(made, *inputs)
    steps.finish(steps.reshaped(value, (*steps.shape(x)[:1], steps.shape(value)[3])))


def _bias(steps: Steps, channels: int) -> tuple[Array, Rounding]:
    """The bias in 64 bits, and how sums are scaled."""
    network, op = steps.network, steps.op
    if not network.has_input(op, 2):
        return np.zeros(channels, np.int64), Rounding.HALF_UP
    array = network.constant(op, 2)
    if array.shape != (channels,) or array.dtype.name not in ("int32", "int64"):
        raise ModelError(f"{steps.label}: bias {network.tensor(op, 2)} does not fit {channels}")
    rounding = Rounding.HALF_UP if array.dtype == np.int64 else Rounding.DOUBLE
    return array.astype(np.int64), rounding


def emit_sum(steps: Steps, a: ValueName, b: ValueName, op: Add, *, subtracts: bool) -> None:
    """ADD and SUB of 16-bit activations."""
    network = steps.network
    qa, qb = (network.quantisation(steps.op, name) for name in (a, b))
    y = quantisation_of(network.result(steps.op))
    assert y is not None
    common = 2.0 * max(qa.scale, qb.scale)
    ratio = common / (2.0**SUM_BITS * y.scale)
    if ratio >= 1:
        raise QuantisationError(f"{steps.label}: its scale is far finer than its inputs'")
    second = fixed_point(qb.scale / common, Rounding.DOUBLE)
    if subtracts:
        second = FixedPoint(-second.multiplier, second.shift)
    output = wide_output(network, steps.op, Rounding.DOUBLE, (op.low, op.high))
    made = WideAdd(
        output, SUM_BITS, qa.zero_point, qb.zero_point,
        fixed_point(qa.scale / common, Rounding.DOUBLE), second,
        fixed_point(ratio, Rounding.DOUBLE),
    )  # fmt: skip
    steps.end(made, a, b)


def emit_mul(steps: Steps, a: ValueName, b: ValueName, op: Mul) -> None:
    """MUL of 16-bit activations; scales are multiplied in float32."""
    network = steps.network
    qa, qb = (network.quantisation(steps.op, name) for name in (a, b))
    y = quantisation_of(network.result(steps.op))
    assert y is not None
    ratio = float(np.float32(qa.scale) * np.float32(qb.scale) / np.float32(y.scale))
    if ratio >= 1:
        raise QuantisationError(f"{steps.label}: its scale is finer than its inputs' product")
    output = wide_output(network, steps.op, Rounding.DOUBLE, (op.low, op.high))
    point = fixed_point(ratio, Rounding.DOUBLE)
    steps.end(WideMul(output, qa.zero_point, qb.zero_point, point), a, b)


def emit_rescale(steps: Steps, x: ValueName) -> None:
    """QUANTIZE of stored integers where one of both sides has more than 8 bits."""
    network, tensor = steps.network, steps.network.result(steps.op)
    q = network.quantisation(steps.op, x)
    if tensor.dtype == "int32":
        y = Quantisation(tensor.scales, tensor.zero_points)
        output = WideOutput(DType.S32, Rounding.DOUBLE, y.zero_point, -(2**31), 2**31 - 1)
    else:
        found = quantisation_of(tensor)
        assert found is not None
        y = found
        output = wide_output(network, steps.op, Rounding.DOUBLE, (-np.inf, np.inf))
    point = fixed_point(q.scale / y.scale, Rounding.DOUBLE)
    steps.end(WideRescale(q.zero_point, point, output), x)


def emit_softmax(steps: Steps, x: ValueName, beta: float) -> None:
    """SOFTMAX of 16-bit activations; its result has 15 fractional bits."""
    q = steps.network.quantisation(steps.op, x)
    point, exps, reciprocals = softmax_tables(beta, q.scale)
    steps.end(WideSoftmax(point), x, steps.stored(exps), steps.stored(reciprocals))
