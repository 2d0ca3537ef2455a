"""Recurrent layers in float32, unrolled; what they keep from run to run are states.

Weights may be of 8 bits: they are computed with as the real numbers that they stand for.
Slots are positions in the option tables of the published schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.lower.lowering import dequantised
from tilewright.frontend.tflite_layers import FUSED
from tilewright.frontend.tflite_network import Variable, quantisation_of
from tilewright.frontend.tflite_steps import Operator, Steps, by_steps
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array, Shape
from tilewright.ops.binary import BinaryKind
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Clip
from tilewright.ops.layout import Concat
from tilewright.ops.matmul import MatMul

TANH = 4
"""A fused activation that no other operator has."""

GATES = ("input", "forget", "cell", "output")


def variable(steps: Steps, position: int, shape: Shape) -> ValueName:
    """What a variable operand holds when a run begins, in another shape of as many elements."""
    network = steps.network
    tensor = network.tensor(steps.op, position)
    if tensor.data is not None or tensor.index in network.names or tensor.name in network.variables:
        raise ModelError(f"{steps.label}: input {position} ({tensor.name}) is no state of its own")
    own = network.declare(network.builder.fresh(tensor.name), tensor, tensor.shape)
    network.variables[tensor.name] = Variable(own, own)
    return steps.reshaped(own, shape)


def keep(steps: Steps, position: int, value: ValueName) -> None:
    """What the variable operand holds when the next run begins."""
    network = steps.network
    tensor = network.tensor(steps.op, position)
    whole = steps.reshaped(value, tensor.shape)
    network.variables[tensor.name] = replace(network.variables[tensor.name], now=whole)


def real_of(steps: Steps, position: int) -> Array:
    """A constant operand in real numbers."""
    array, q = steps.network.constant(steps.op, position), None
    if array.dtype != np.float32:
        q = quantisation_of(steps.network.tensor(steps.op, position))
    return array.astype(np.float32) if q is None else dequantised(array, q)


def activated(steps: Steps, x: ValueName, code: int) -> ValueName:
    """A fused activation, tanh among them. Raises UnsupportedError for one that is not known."""
    if code == 0:
        return x
    if code == TANH:
        return steps.curve(Curve.TANH, x)
    if code not in FUSED:
        raise UnsupportedError(f"{steps.label}: fused activation {code} is not supported")
    return steps.do(Clip(*FUSED[code]), x)


def time_first(steps: Steps, x: ValueName) -> ValueName:
    """[B,T,F] as [T,B,F], and back."""
    b, t, f = steps.shape(x)
    return steps.reshaped(x, (t, b, f)) if 1 in (b, t) else steps.transposed(x, (1, 0, 2))


@dataclass(frozen=True, slots=True)
class Places:
    """Where an LSTM's operands stand among the inputs; each group is one per gate."""

    weights: int
    recurrent: int
    peephole: int
    bias: int
    projection: int
    states: int
    norm: int | None = None


ONE_WAY = Places(1, 5, 9, 12, 16, 18, 20)

BOTH_WAYS = (Places(1, 5, 9, 12, 16, 35), Places(18, 22, 26, 29, 33, 37))


@dataclass(slots=True)
class Cell:
    """One direction of an LSTM: constants, and what makes a step of it."""

    steps: Steps
    at: Places
    activation: int
    cell_clip: float
    projection_clip: float
    constants: dict[int, ValueName] = field(default_factory=dict[int, ValueName])
    """By the place of the first input that they are made of; every step reads the same."""

    def held(self, place: int, array: Array) -> ValueName:
        """A constant, made once."""
        if place not in self.constants:
            self.constants[place] = self.steps.reals(array)
        return self.constants[place]

    def gate(self, first: int, index: int) -> Array | None:
        """A gate's weights, or bias; None where the file has none."""
        is_there = self.steps.network.has_input(self.steps.op, first + index)
        return real_of(self.steps, first + index) if is_there else None

    @property
    def gates(self) -> list[int]:
        """The gates that there are: an input gate may be what the forget gate leaves."""
        return [i for i in range(len(GATES)) if self.gate(self.at.weights, i) is not None]

    def stacked(self, first: int) -> Array:
        """Weights of all gates, [inputs][gates * size]."""
        parts = [part for i in self.gates if (part := self.gate(first, i)) is not None]
        return np.concatenate(parts).T

    def biases(self) -> Array:
        """[gates * size]."""
        size = self.stacked(self.at.recurrent).shape[1] // len(self.gates)
        parts = [self.gate(self.at.bias, i) for i in self.gates]
        return np.concatenate([np.zeros(size) if part is None else part for part in parts])

    def next(self, given: ValueName, h: ValueName, c: ValueName) -> tuple[ValueName, ValueName]:
        """The states after one more step; ``given``: what its inputs give all gates."""
        steps = self.steps
        weights = self.held(self.at.recurrent, self.stacked(self.at.recurrent))
        back = steps.do(MatMul(), h, weights)
        whole = self.add(given, back)
        size = steps.shape(c)[1]
        sums = {
            gate: steps.chosen(whole, 1, np.arange(i * size, (i + 1) * size))
            for i, gate in enumerate(self.gates)
        }
        forget = steps.curve(Curve.SIGMOID, self.peeped(sums[1], c, 1))
        if 0 in sums:
            enter = steps.curve(Curve.SIGMOID, self.peeped(sums[0], c, 0))
        else:
            enter = steps.binary(BinaryKind.SUB, self.held(-1, np.ones(1)), forget)
        new = activated(steps, sums[2], self.activation)
        c = self.clipped(self.add(self.times(forget, c), self.times(enter, new)), self.cell_clip)
        leave = steps.curve(Curve.SIGMOID, self.peeped(sums[3], c, 2))
        h = self.times(leave, activated(steps, c, self.activation))
        return self.projected(h), c

    def peeped(self, x: ValueName, c: ValueName, index: int) -> ValueName:
        """A gate's sum, with what it sees of the cell."""
        seen = self.gate(self.at.peephole, index)
        if seen is None:
            return x
        return self.add(x, self.times(c, self.held(self.at.peephole + index, seen)))

    def projected(self, h: ValueName) -> ValueName:
        """The hidden state in fewer numbers."""
        weights, bias = (self.gate(self.at.projection, i) for i in (0, 1))
        if weights is None:
            return h
        place = self.at.projection
        h = self.steps.do(MatMul(), h, self.held(place, weights.T))
        h = h if bias is None else self.add(h, self.held(place + 1, bias))
        return self.clipped(h, self.projection_clip)

    def clipped(self, x: ValueName, limit: float) -> ValueName:
        """Between -limit and limit; 0: as it is."""
        return self.steps.do(Clip(-limit, limit), x) if limit > 0 else x

    def add(self, a: ValueName, b: ValueName) -> ValueName:
        """a + b."""
        return self.steps.binary(BinaryKind.ADD, a, b)

    def times(self, a: ValueName, b: ValueName) -> ValueName:
        """a * b."""
        return self.steps.binary(BinaryKind.MUL, a, b)

    def run(self, x: ValueName, *, is_backward: bool = False) -> ValueName:
        """Hidden states of every step [T,B,H], in the order of time; states are kept."""
        steps = self.steps
        count, batch, length = steps.shape(x)
        if self.at.norm is not None and self.gate(self.at.norm, 1) is not None:
            raise UnsupportedError(f"{steps.label}: LSTM with layer normalisation")
        flat = steps.reshaped(x, (count * batch, length))
        made = steps.do(MatMul(), flat, steps.reals(self.stacked(self.at.weights)))
        gates = self.add(made, steps.reals(self.biases()))
        h, c = (
            variable(steps, place, steps.network.tensor(steps.op, place).shape)
            for place in (self.at.states, self.at.states + 1)
        )
        rows: list[ValueName] = []
        for index in range(count)[:: -1 if is_backward else 1]:
            given = steps.chosen(gates, 0, np.arange(index * batch, (index + 1) * batch))
            h, c = self.next(given, h, c)
            rows.append(h)
        keep(steps, self.at.states, h)
        keep(steps, self.at.states + 1, c)
        return stacked(steps, rows[::-1] if is_backward else rows)


def stacked(steps: Steps, rows: list[ValueName]) -> ValueName:
    """Rows [B,H] as [T,B,H]."""
    grown = [steps.reshaped(row, (1, *steps.shape(row))) for row in rows]
    return grown[0] if len(grown) == 1 else steps.do(Concat(0), *grown)


def import_real_lstm(steps: Steps) -> None:
    """UNIDIRECTIONAL_SEQUENCE_LSTM of real numbers."""
    is_time_major = steps.flag(3)
    x = steps.operand(0)
    x = x if is_time_major else time_first(steps, x)
    y = _cell(steps, ONE_WAY).run(x)
    steps.finish(y if is_time_major else time_first(steps, y))


def import_bidirectional_lstm(steps: Steps) -> None:
    """BIDIRECTIONAL_SEQUENCE_LSTM: both ways, joined or as two results."""
    if steps.network.has_input(steps.op, 39):
        raise UnsupportedError(f"{steps.label}: an auxiliary input")
    # Files that do not say have time first, as the schema has it for old ones.
    is_joined, is_time_major = steps.flag(3), bool(steps.option(4, "uint8", 1))
    x = steps.operand(0)
    x = x if is_time_major else time_first(steps, x)
    made = [
        _cell(steps, places).run(x, is_backward=index == 1)
        for index, places in enumerate(BOTH_WAYS)
    ]
    results = [steps.do(Concat(2), *made)] if is_joined else made
    for index, y in enumerate(results):
        steps.finish(y if is_time_major else time_first(steps, y), output=index)


def _cell(steps: Steps, places: Places) -> Cell:
    options = steps.op.options
    clips = (0.0, 0.0) if options is None else (options.real(1), options.real(2))
    return Cell(steps, places, steps.option(0, "int8"), *clips)


def import_rnn(steps: Steps) -> None:
    """RNN and UNIDIRECTIONAL_SEQUENCE_RNN(x, weights, recurrent weights, bias, state)."""
    is_sequence = steps.op.kind != "RNN"
    x = steps.operand(0)
    is_time_major = is_sequence and steps.flag(0)
    if not is_sequence:
        x = steps.reshaped(x, (1, *steps.shape(x)))
    elif not is_time_major:
        x = time_first(steps, x)
    code = steps.option(1 if is_sequence else 0, "int8")
    count, batch, length = steps.shape(x)
    flat = steps.reshaped(x, (count * batch, length))
    made = steps.do(MatMul(), flat, steps.reals(real_of(steps, 1).T))
    sums = steps.binary(BinaryKind.ADD, made, steps.reals(real_of(steps, 3)))
    recurrent = real_of(steps, 2).T
    h = variable(steps, 4, (batch, int(recurrent.shape[0])))
    weights = steps.reals(recurrent)
    rows: list[ValueName] = []
    for index in range(count):
        given = steps.chosen(sums, 0, np.arange(index * batch, (index + 1) * batch))
        back = steps.do(MatMul(), h, weights)
        h = activated(steps, steps.binary(BinaryKind.ADD, given, back), code)
        rows.append(h)
    keep(steps, 4, h)
    if not is_sequence:
        steps.finish(h)
        return
    y = stacked(steps, rows)
    steps.finish(y if is_time_major else time_first(steps, y))


REAL_RECURRENCES: Mapping[str, Operator] = {
    "BIDIRECTIONAL_SEQUENCE_LSTM": Operator(by_steps(import_bidirectional_lstm), (39, 48), (1, 2)),
    "RNN": Operator(by_steps(import_rnn), (5, 5)),
    "UNIDIRECTIONAL_SEQUENCE_RNN": Operator(by_steps(import_rnn), (5, 5)),
}
