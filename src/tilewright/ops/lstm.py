"""Long short-term memory with int8 inputs and 16-bit gates, as the ``tflite`` contract has it."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Op, Whole
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.fixed_tflite import logistic_16, tanh_16
from tilewright.ops.rescale import FixedPoint, Rounding, rescale, rounding_shift_right

GATES = 4
"""Input, forget, cell, output; in this order along the rows of weights."""

GATE_INTEGER_BITS = 3
"""Sums of gates are Q3.12."""

LOW, HIGH = -(2**15), 2**15 - 1


@dataclass(frozen=True, slots=True)
class LstmSequence(Op):
    """The hidden states of every step, then the last cell: s16[T+1,B,H].

    Inputs: gates s16[T,B,4H] (what the inputs give them, Q3.12), recurrent weights s8[4H,H],
    bias s32[4H] (the hidden state's zero point folded in), multiplier s32[4H], shift s8[4H],
    h s8[B,H] and c s16[B,H] before the first step.
    cell_bits    cells are Q(15 - cell_bits).cell_bits
    cell_clip    largest magnitude of a cell as stored; 0: none
    hidden       from output gate times tanh (30 fractional bits) to the hidden state
    Source: UNIDIRECTIONAL_SEQUENCE_LSTM of the TensorFlow Lite reference kernels, 8x8_16.
    """

    cell_bits: int
    cell_clip: int
    hidden: FixedPoint
    hidden_zero: int

    def infer(self, *inputs: TensorType) -> TensorType:
        """One row more than steps. Raises ValueError where shapes do not fit."""
        gates, weights, _, _, _, h, c = inputs
        steps, batch, size = gates.shape
        if (
            weights.shape != (size, size // GATES)
            or not h.shape == c.shape == (batch, size // GATES)
            or (gates.dtype, h.dtype, c.dtype) != (DType.S16, DType.S8, DType.S16)
        ):
            raise ValueError(f"gates {gates}, weights {weights}, states {h} and {c} do not fit")
        return TensorType(DType.S16, (steps + 1, batch, size // GATES))

    def evaluate(self, *inputs: Array) -> Array:
        """Step after step."""
        gates, weights, bias, multiplier, shift, h, c = (a.astype(np.int64) for a in inputs)
        rows: list[Array] = []
        for given in gates:
            recurrent = rescale(h @ weights.T + bias, multiplier, shift, Rounding.DOUBLE)
            whole = np.clip(given + recurrent, LOW, HIGH)
            enter, forget, new, leave = np.split(whole, GATES, axis=-1)
            kept = rounding_shift_right(logistic_16(forget, GATE_INTEGER_BITS) * c, 15)
            new = tanh_16(new, GATE_INTEGER_BITS)
            added = logistic_16(enter, GATE_INTEGER_BITS) * new
            added = rounding_shift_right(added, 30 - self.cell_bits)
            c = np.clip(kept + added.astype(np.int16), LOW, HIGH)
            if self.cell_clip:
                c = np.clip(c, -self.cell_clip, self.cell_clip)
            bound = tanh_16(c, 15 - self.cell_bits)
            made = logistic_16(leave, GATE_INTEGER_BITS) * bound
            point = self.hidden
            scaled = rescale(made, point.multiplier, point.shift, Rounding.DOUBLE)
            h = np.clip(scaled + self.hidden_zero, -128, 127)
            rows.append(h)
        return np.stack([*rows, c]).astype(np.int16)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Everything, whatever is wanted."""
        return tuple(tuple(Whole() for _ in t.shape) for t in inputs)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """A step needs all before it, and all cells."""
        del inputs
        return frozenset({0, 1, 2})

    def macs(self, *inputs: TensorType) -> int:
        """One per recurrent weight, step and batch."""
        steps, batch, _ = inputs[0].shape
        return steps * batch * inputs[1].size
