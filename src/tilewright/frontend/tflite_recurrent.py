"""Operators with a memory of their own: SVDF and LSTM. What they keep from run to run are states.

Slots are positions in the option tables of the published schema.
"""

from collections.abc import Mapping
from math import log2

import numpy as np

from tilewright.errors import ModelError, QuantisationError, UnsupportedError
from tilewright.frontend.tflite_network import quantisation_of
from tilewright.frontend.tflite_recurrent_real import (
    REAL_RECURRENCES,
    activated,
    import_real_lstm,
    keep,
    real_of,
    time_first,
    variable,
)
from tilewright.frontend.tflite_steps import Operator, Steps, by_steps
from tilewright.frontend.tflite_wide import Product
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array, DType, Quantisation
from tilewright.ops.binary import BinaryKind
from tilewright.ops.gather import Gather
from tilewright.ops.layout import Concat
from tilewright.ops.lstm import GATES, LstmSequence
from tilewright.ops.matmul import MatMul
from tilewright.ops.rescale import Rounding, fixed_point
from tilewright.ops.wide import WideOutput, WideRescale

GATE = Quantisation((2.0**-12,), (0,))
"""Sums of gates."""

RECURRENT, HIDDEN, CELL = 5, 18, 19
"""Positions among the inputs of LSTM."""

OPTIONAL = (
    (range(9, 12), "peepholes"), (range(16, 18), "a projection"),
    (range(20, 24), "layer normalisation"),
)  # fmt: skip

UNIT = fixed_point(1.0, Rounding.DOUBLE)


def _scale(steps: Steps, position: int) -> Quantisation:
    """Parameters of an operand. Raises QuantisationError for none, or one per channel."""
    tensor = steps.network.tensor(steps.op, position)
    q = quantisation_of(tensor)
    if q is None or not q.is_per_tensor:
        raise QuantisationError(f"{steps.label}: {tensor} needs one scale")
    return q


def _ratio(*factors: float, over: float) -> float:
    """A product of scales over another one, as the reference computes it: in float32."""
    made = np.float32(1.0)
    for factor in factors:
        made = made * np.float32(factor)
    return float(made / np.float32(over))


def _full(dtype: DType, zero: int) -> WideOutput:
    return WideOutput(dtype, Rounding.DOUBLE, zero, dtype.low, dtype.high)


def import_svdf(steps: Steps) -> None:
    """SVDF: features of this step, remembered, then weighted over time and summed by rank."""
    network, op = steps.network, steps.op
    feature, time = (network.constant(op, position) for position in (1, 2))
    rank = steps.option(0, default=1)
    fits = feature.ndim == time.ndim == 2 and feature.shape[0] == time.shape[0]
    if not fits or rank < 1 or feature.shape[0] % rank:
        raise ModelError(
            f"{steps.label}: features {list(feature.shape)} of rank {rank} over time "
            f"{list(time.shape)}"
        )
    (filters, length), memory = feature.shape, int(time.shape[1])
    x = steps.operand(0)
    batch = steps.type(x).size // length
    before = variable(steps, 4, (batch, filters, memory))
    units = filters // rank
    bias = network.constant(op, 3) if network.has_input(op, 3) else np.zeros(units, np.int32)
    if steps.type(x).dtype.is_float:
        made = _real_features(steps, steps.reshaped(x, (batch, length)), real_of(steps, 1))
    else:
        made = _features(steps, steps.reshaped(x, (batch, 1, 1, length)), feature)
    made = steps.reshaped(made, (batch, filters, 1))
    kept = [steps.chosen(before, 2, np.arange(1, memory)), made] if memory > 1 else [made]
    now = steps.do(Concat(2), *kept) if len(kept) > 1 else made
    keep(steps, 4, now)
    if steps.type(x).dtype.is_float:
        _real_outputs(steps, now, real_of(steps, 2), bias, rank)
        return
    _outputs(steps, steps.reshaped(now, (batch, 1, 1, filters * memory)), time, bias)


def _features(steps: Steps, x: ValueName, feature: Array) -> ValueName:
    """This step's features under the state's scale."""
    into, w, state = (_scale(steps, i) for i in (0, 1, 4))
    dtype = DType(steps.network.tensor(steps.op, 4).dtype)
    bias = -into.zero_point * feature.astype(np.int64).sum(axis=1)
    real = [_ratio(into.scale, w.scale, over=state.scale)]
    product = Product(feature[:, None, None, :], bias, real, _full(dtype, state.zero_point))
    op, inputs = product.onto(steps, x)
    return steps.exact(op, *inputs, like=state)


def _outputs(steps: Steps, state: ValueName, time: Array, bias: Array) -> None:
    """Every unit's filters and steps, weighted and summed."""
    units = bias.shape[0]
    result = steps.network.result(steps.op)
    y = quantisation_of(result)
    held, along = _scale(steps, 4), _scale(steps, 2)
    assert y is not None
    weights = time.reshape(units, 1, 1, -1)
    folded = bias - held.zero_point * weights.astype(np.int64).sum(axis=(1, 2, 3))
    real = [_ratio(held.scale, along.scale, over=y.scale)]
    output = _full(DType(result.dtype), y.zero_point)
    product = Product(weights, folded, real, output, groups=units, x_zero=held.zero_point)
    op, inputs = product.onto(steps, state)
    made = steps.exact(op, *inputs)
    steps.finish(steps.reshaped(made, (steps.shape(made)[0], units)))


def _real_features(steps: Steps, x: ValueName, feature: Array) -> ValueName:
    return steps.do(MatMul(), x, steps.reals(feature.T))


def _real_outputs(steps: Steps, state: ValueName, time: Array, bias: Array, rank: int) -> None:
    batch, filters, memory = steps.shape(state)
    parts = steps.binary(BinaryKind.MUL, state, steps.reals(time[None]))
    rows = steps.reshaped(parts, (batch, filters // rank, rank * memory))
    total = steps.do(MatMul(), rows, steps.reals(np.ones((rank * memory, 1))))
    total = steps.reshaped(total, (batch, filters // rank))
    moved = steps.binary(BinaryKind.ADD, total, steps.reals(bias))
    steps.finish(activated(steps, moved, steps.option(1, "int8")))


def import_lstm(steps: Steps) -> None:
    """UNIDIRECTIONAL_SEQUENCE_LSTM: in float32, or with int8 inputs and cells of 16 bits."""
    network, op = steps.network, steps.op
    x = steps.operand(0)
    if steps.type(x).dtype.is_float:
        import_real_lstm(steps)
        return
    _refuse_parts(steps)
    if steps.type(x).dtype is not DType.S8:
        raise UnsupportedError(f"{steps.label}: LSTM of {steps.type(x)}; int8 is supported")
    is_time_major = steps.flag(3)
    if not is_time_major:
        x = time_first(steps, x)
    count, batch, length = steps.shape(x)
    size = network.constant(op, RECURRENT).shape[1]
    before = [variable(steps, position, (batch, size)) for position in (HIDDEN, CELL)]
    flat = steps.reshaped(x, (count * batch, 1, 1, length))
    gates = steps.reshaped(_input_gates(steps, flat), (count, batch, GATES * size))
    made = steps.exact(
        _sequence(steps), gates, *_recurrent(steps), *before, like=_scale(steps, CELL)
    )
    rows = [
        steps.do(Gather(0), made, steps.integers(np.arange(i, j)))
        for i, j in ((0, count), (count, count + 1))
    ]
    hidden = _scale(steps, HIDDEN)
    narrow = WideRescale(0, UNIT, WideOutput(DType.S8, Rounding.DOUBLE, 0, -128, 127))
    y = steps.exact(narrow, rows[0], like=hidden)
    last = y if count == 1 else steps.chosen(y, 0, np.array([count - 1]))
    keep(steps, HIDDEN, last)
    keep(steps, CELL, rows[1])
    steps.finish(y if is_time_major else time_first(steps, y))


def _refuse_parts(steps: Steps) -> None:
    """Raises UnsupportedError for parts that the integer form here does not have."""
    for positions, what in OPTIONAL:
        if any(steps.network.has_input(steps.op, i) for i in positions):
            raise UnsupportedError(
                f"{steps.label}: int8 LSTM with {what}; convert the network without, or in float32"
            )
    if not steps.network.has_input(steps.op, 1):
        raise UnsupportedError(
            f"{steps.label}: int8 LSTM whose input gate is the forget gate's rest"
        )


def _stacked(steps: Steps, first: int) -> tuple[Array, list[Quantisation]]:
    """Weights of all gates from an input on, and their scales."""
    arrays = [steps.network.constant(steps.op, first + gate) for gate in range(GATES)]
    return np.concatenate(arrays), [_scale(steps, first + gate) for gate in range(GATES)]


def _gate_scales(steps: Steps, weights: list[Quantisation], x: Quantisation) -> list[float]:
    size = steps.network.constant(steps.op, RECURRENT).shape[1]
    reals = [_ratio(w.scale, x.scale, over=GATE.scale) for w in weights]
    return [real for real in reals for _ in range(size)]


def _input_gates(steps: Steps, x: ValueName) -> ValueName:
    """What the inputs of every step give all gates."""
    weights, scales = _stacked(steps, 1)
    q = _scale(steps, 0)
    biases = [steps.network.constant(steps.op, 12 + gate) for gate in range(GATES)]
    bias = np.concatenate(biases) - q.zero_point * weights.astype(np.int64).sum(axis=1)
    real = _gate_scales(steps, scales, q)
    product = Product(weights[:, None, None, :], bias, real, _full(DType.S16, 0))
    op, inputs = product.onto(steps, x)
    return steps.exact(op, *inputs, like=GATE)


def _recurrent(steps: Steps) -> tuple[ValueName, ...]:
    """Constants of the recurrent products."""
    weights, scales = _stacked(steps, RECURRENT)
    q = _scale(steps, HIDDEN)
    bias = -q.zero_point * weights.astype(np.int64).sum(axis=1)
    points = [fixed_point(r, Rounding.DOUBLE) for r in _gate_scales(steps, scales, q)]
    arrays = (
        weights,
        bias.astype(np.int32),
        np.array([p.multiplier for p in points], np.int32),
        np.array([p.shift for p in points], np.int8),
    )
    return tuple(steps.stored(array) for array in arrays)


def _sequence(steps: Steps) -> LstmSequence:
    """The operator. Raises QuantisationError for a cell scale that is no power of two."""
    cell, hidden = _scale(steps, CELL), _scale(steps, HIDDEN)
    bits = -log2(cell.scale)
    if bits != int(bits) or not 2 <= bits <= 15 or cell.zero_point:
        raise QuantisationError(f"{steps.label}: cells want a scale of 2**-2 to 2**-15, not {cell}")
    limit = 0.0 if steps.op.options is None else steps.op.options.real(1)
    clip = min(int(limit / cell.scale), 2**15 - 1) if limit > 0 else 0
    real = float(np.float32(2.0**-15) / np.float32(hidden.scale) * np.float32(2.0**-15))
    return LstmSequence(int(bits), clip, fixed_point(real, Rounding.DOUBLE), hidden.zero_point)


RECURRENCES: Mapping[str, Operator] = {
    **REAL_RECURRENCES,
    "SVDF": Operator(by_steps(import_svdf), (5, 5)),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": Operator(by_steps(import_lstm), (20, 24)),
}
