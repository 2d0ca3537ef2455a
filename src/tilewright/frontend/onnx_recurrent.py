"""LSTM, GRU and RNN, unrolled: each step is two products and what the gates do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_steps import Steps
from tilewright.frontend.onnx_tensors import Importing
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array
from tilewright.ops.binary import BinaryKind
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Activation, Clip
from tilewright.ops.layout import Concat
from tilewright.ops.matmul import MatMul

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
STATES = {"LSTM": ("h", "c"), "GRU": ("h",), "RNN": ("h",)}
USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
CURVES = {
    "Sigmoid": Curve.SIGMOID, "Tanh": Curve.TANH, "HardSigmoid": Curve.HARD_SIGMOID,
    "LeakyRelu": Curve.LEAKY_RELU, "Elu": Curve.ELU, "Softsign": Curve.SOFTSIGN,
    "Softplus": Curve.SOFTPLUS, "ThresholdedRelu": Curve.THRESHOLDED_RELU,
}  # fmt: skip


@dataclass(slots=True)
class _Cell:
    """One direction of a recurrent node."""

    steps: Steps
    size: int
    weights: Array
    """[inputs][gates * size]"""
    recurrent: Array
    """[size][gates * size]"""
    bias: Array
    """[2][gates * size]: of the input's product and of the state's."""
    peepholes: Array | None
    """[3][size]: input, output, forget gate."""
    names: tuple[str, ...]
    """The activation functions."""

    def bound(self, x: ValueName, index: int) -> ValueName:
        """An activation function."""
        name = self.names[index]
        if name == "Relu":
            return self.steps.do(Clip(0.0), x)
        if name not in CURVES:
            raise UnsupportedError(f"{self.steps.node}: activation {name!r} is not supported")
        slopes = self.steps.node.attributes.get("activation_alpha", ())
        alpha = {"HardSigmoid": 0.2, "LeakyRelu": 0.01, "Elu": 1.0, "ThresholdedRelu": 1.0}
        given = float(slopes[0]) if isinstance(slopes, tuple) and slopes else alpha.get(name, 0.0)
        return self.steps.do(Activation(CURVES[name], given, 0.5), x)

    def clipped(self, x: ValueName) -> ValueName:
        """What the attribute ``clip`` leaves of a sum."""
        if "clip" not in self.steps.node.attributes:
            return x
        limit = self.steps.node.number("clip", 0.0)
        return self.steps.do(Clip(-limit, limit), x)

    def product(self, x: ValueName, matrix: Array, bias: Array) -> ValueName:
        """x @ matrix + bias."""
        made = self.steps.do(MatMul(), x, self.steps.reals(matrix))
        return self.add(made, self.steps.reals(bias))

    def add(self, a: ValueName, b: ValueName) -> ValueName:
        """a + b."""
        return self.steps.binary(BinaryKind.ADD, a, b)

    def times(self, a: ValueName, b: ValueName) -> ValueName:
        """a * b."""
        return self.steps.binary(BinaryKind.MUL, a, b)

    def gate(self, x: ValueName, index: int) -> ValueName:
        """A gate's columns of a sum over all gates."""
        return self.steps.chosen(x, 1, np.arange(index * self.size, (index + 1) * self.size))

    def peeped(self, x: ValueName, c: ValueName, index: int) -> ValueName:
        """A gate's sum, with what it sees of the cell."""
        if self.peepholes is None:
            return x
        return self.add(x, self.times(c, self.steps.reals(self.peepholes[index])))

    def next(self, x: ValueName, states: tuple[ValueName, ...]) -> tuple[ValueName, ...]:
        """The states after one more input [batch][inputs]."""
        match self.steps.node.kind:
            case "LSTM":
                return self._lstm(x, *states)
            case "GRU":
                return (self._gru(x, *states),)
            case _:
                return (self.bound(self.clipped(self._sum(x, *states)), 0),)

    def _sum(self, x: ValueName, h: ValueName) -> ValueName:
        """Both products with both biases."""
        made = self.steps.do(MatMul(), x, self.steps.reals(self.weights))
        return self.add(made, self.product(h, self.recurrent, self.bias[0] + self.bias[1]))

    def _lstm(self, x: ValueName, h: ValueName, c: ValueName) -> tuple[ValueName, ValueName]:
        whole = self._sum(x, h)
        i = self.bound(self.clipped(self.peeped(self.gate(whole, 0), c, 0)), 0)
        if self.steps.node.integer("input_forget", 0):
            f = self.steps.binary(BinaryKind.SUB, self.steps.reals(np.ones(1)), i)
        else:
            f = self.bound(self.clipped(self.peeped(self.gate(whole, 2), c, 2)), 0)
        new = self.bound(self.clipped(self.gate(whole, 3)), 1)
        cell = self.add(self.times(f, c), self.times(i, new))
        o = self.bound(self.clipped(self.peeped(self.gate(whole, 1), cell, 1)), 0)
        return self.times(o, self.bound(cell, 2)), cell

    def _gru(self, x: ValueName, h: ValueName) -> ValueName:
        n, r = self.size, self.recurrent
        seen = self.product(x, self.weights, self.bias[0])
        pair = self.product(h, r[:, : 2 * n], self.bias[1, : 2 * n])
        z = self.bound(self.clipped(self.add(self.gate(seen, 0), self.gate(pair, 0))), 0)
        reset = self.bound(self.clipped(self.add(self.gate(seen, 1), self.gate(pair, 1))), 0)
        if self.steps.node.integer("linear_before_reset", 0):
            kept = self.times(reset, self.product(h, r[:, 2 * n :], self.bias[1, 2 * n :]))
        else:
            kept = self.product(self.times(reset, h), r[:, 2 * n :], self.bias[1, 2 * n :])
        new = self.bound(self.clipped(self.add(self.gate(seen, 2), kept)), 1)
        # What z keeps of the new state is 1 - z.
        return self.add(new, self.times(z, self.steps.binary(BinaryKind.SUB, h, new)))


def import_recurrent(state: Importing, node: OnnxNode) -> None:
    """LSTM, GRU or RNN of a length that is known."""
    steps = Steps(state, node)
    x = steps.operand(0)
    if node.integer("layout", 0):
        x = steps.transposed(x, (1, 0, 2))
    length, batch, _ = steps.shape(x)
    _refuse_lengths(state, node, length)
    directions = {"forward": (1,), "reverse": (-1,), "bidirectional": (1, -1)}
    way = node.text("direction", "forward")
    if way not in directions:
        raise ModelError(f"{node}: direction is {way!r}")
    outputs: list[list[ValueName]] = []
    last: list[tuple[ValueName, ...]] = []
    for index, step in enumerate(directions[way]):
        cell = _cell(state, steps, index)
        states = tuple(
            _start(steps, 5 + i, index, batch, cell.size) for i in range(len(STATES[node.kind]))
        )
        made: list[ValueName] = []
        for t in range(length)[::step]:
            frame = steps.reshaped(steps.chosen(x, 0, np.array([t])), steps.shape(x)[1:])
            states = cell.next(frame, states)
            made.append(states[0])
        outputs.append(made[::step])
        last.append(states)
    _finish(steps, outputs, last)


def _refuse_lengths(state: Importing, node: OnnxNode, length: int) -> None:
    if node.has(4) and np.any(state.numbers(node, 4, "sequence_lens") != length):
        raise UnsupportedError(f"{node}: sequences of several lengths; give each its own run")


def _cell(state: Importing, steps: Steps, index: int) -> _Cell:
    node = steps.node
    w = state.numbers(node, 1, "weights")[index].astype(np.float64)
    r = state.numbers(node, 2, "recurrent weights")[index].astype(np.float64)
    gates, size = GATES[node.kind], r.shape[1]
    if r.shape != (gates * size, size) or w.shape[0] != gates * size:
        raise ModelError(f"{node}: weights {list(w.shape)} and {list(r.shape)} do not fit")
    bias = np.zeros((2, gates * size))
    if node.has(3):
        bias = state.numbers(node, 3, "bias")[index].reshape(2, gates * size).astype(np.float64)
    peepholes = None
    if node.kind == "LSTM" and node.has(7):
        peepholes = state.numbers(node, 7, "peepholes")[index].reshape(3, size)
    given = node.attributes.get("activations", USUAL[node.kind])
    usual = USUAL[node.kind]
    names = tuple(map(str, given)) if isinstance(given, tuple) else usual
    names = names[index * len(usual) : (index + 1) * len(usual)] or names
    return _Cell(steps, size, w.T, r.T, bias, peepholes, names)


def _start(steps: Steps, index: int, direction: int, batch: int, size: int) -> ValueName:
    """A state [batch][size] before the first step."""
    if not steps.node.has(index):
        return steps.reals(np.zeros((batch, size)))
    axis = 1 if steps.node.integer("layout", 0) else 0
    part = steps.chosen(steps.operand(index), axis, np.array([direction]))
    return steps.reshaped(part, (batch, size))


def _joined(steps: Steps, parts: list[ValueName], axis: int) -> ValueName:
    """[batch][size] values, one behind the other along a new axis."""
    shape = steps.shape(parts[0])
    grown = (*shape[:axis], 1, *shape[axis:])
    rows = [steps.reshaped(part, grown) for part in parts]
    return rows[0] if len(rows) == 1 else steps.do(Concat(axis), *rows)


def _finish(
    steps: Steps, outputs: list[list[ValueName]], last: list[tuple[ValueName, ...]]
) -> None:
    """Y [length][directions][batch][size], and the last states [directions][batch][size]."""
    node = steps.node
    is_batch_first = node.integer("layout", 0) != 0
    if node.outputs[0]:
        whole = [_joined(steps, made, 0) for made in outputs]
        length, batch, size = steps.shape(whole[0])
        rows = [steps.reshaped(w, (length, 1, batch, size)) for w in whole]
        y = rows[0] if len(rows) == 1 else steps.do(Concat(1), *rows)
        steps.finish(steps.transposed(y, (2, 0, 1, 3)) if is_batch_first else y)
    for index in range(len(STATES[node.kind])):
        if len(node.outputs) > index + 1 and node.outputs[index + 1]:
            y = _joined(steps, [states[index] for states in last], 0)
            y = steps.transposed(y, (1, 0, 2)) if is_batch_first else y
            steps.finish(y, output=index + 1)


RECURRENT_IMPORTERS: Mapping[str, Callable[[Importing, OnnxNode], None]] = {
    kind: import_recurrent for kind in GATES
}
