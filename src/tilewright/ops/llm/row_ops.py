"""What makes scaled rows: RMS normalisation, the gated product of a SwiGLU, and plain scaling."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.llm.rows import FACTOR_BYTES, bit_length, rounded, saturated, scaled_rows

ONE_BITS = 15
"""Fraction bits of a normalised row: 2**15 is the row's Euclidean length."""

SILU_ENTRIES = 257
"""One per 256 values of the gate, and one behind the last."""


@dataclass(frozen=True, slots=True)
class _RowOp(Op):
    """Rows x s16[n, ...] to scaled rows; every table is read whole."""

    def infer(self, *inputs: TensorType) -> TensorType:
        """s8[n, N + 4]. Raises ValueError for anything but rows of int16."""
        x = inputs[0]
        if len(x.shape) != 2 or x.dtype is not DType.S16:
            raise ValueError(f"{type(self).__name__} wants rows of int16, got {x}")
        return TensorType(DType.S8, (x.shape[0], self._length(*inputs) + FACTOR_BYTES))

    def _length(self, *inputs: TensorType) -> int:
        """Elements of a row that comes out."""
        return inputs[0].shape[1]

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Row by row."""
        tables = (tuple(Whole() for _ in t.shape) for t in inputs[1:])
        return (Along(0), Whole()), *tables

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """A row has one factor."""
        del inputs
        return frozenset({1})


@dataclass(frozen=True, slots=True)
class ScaleRows(_RowOp):
    """Scaled rows of x s16[n, N]; ``rows.quantised`` says how."""

    def evaluate(self, *inputs: Array) -> Array:
        """By definition."""
        return scaled_rows(inputs[0])


@dataclass(frozen=True, slots=True)
class NormRows(_RowOp):
    """RMS normalisation of x s16[n, N] with gain s16[N], as scaled rows.

    epsilon  N * eps over the square of x's scale, at least 1

    t    = sum(x**2) + epsilon                 below 2**53
    E    even, such that t * 2**-E is in [2**30, 2**32)
    r    = 2**30 / floor(sqrt(t * 2**-E))      without remainders, in (2**14, 2**15]
    u    = saturated(rounded(x * r, 15 + E/2)) the row over its length, in Q15
    y    = scaled row of u * gain              products of 30 bits

    The scale of x drops out.
    """

    epsilon: int

    def infer(self, *inputs: TensorType) -> TensorType:
        """Raises ValueError for a gain of another length."""
        x, gain = inputs
        if gain.shape != x.shape[1:]:
            raise ValueError(f"gains {gain} do not fit rows of {x}")
        return super(NormRows, self).infer(*inputs)

    def evaluate(self, *inputs: Array) -> Array:
        """By definition."""
        x, gain = (a.astype(np.int64) for a in inputs)
        total = (x**2).sum(axis=1, keepdims=True) + self.epsilon
        bits = bit_length(total)
        exponent = bits - 32 + bits % 2
        square = (total << np.maximum(-exponent, 0)) >> np.maximum(exponent, 0)
        # Numbers below 2**32: the float64 root is right to its last bit, and so is its floor.
        root = np.floor(np.sqrt(square.astype(np.float64))).astype(np.int64)
        reciprocal = (1 << 30) // root
        unit = saturated(rounded(x * reciprocal, ONE_BITS + exponent // 2))
        return scaled_rows(unit * gain)


@dataclass(frozen=True, slots=True)
class GatedRows(_RowOp):
    """Scaled rows of silu(gate) * up, where x s16[n, 2 * N] is the gate's N elements, then up's.

    Inputs: x, table s16[257]: the curve at -32768, -32512, ..., 32768, in the gate's scale.
    Between, with i = (gate + 32768) >> 8 and f the low 8 bits of gate:
    silu = (table[i] * (256 - f) + table[i + 1] * f + 128) >> 8
    """

    def infer(self, *inputs: TensorType) -> TensorType:
        """Raises ValueError for an odd row, or a table of another length."""
        x, table = inputs
        if x.shape[-1] % 2 or table.shape != (SILU_ENTRIES,):
            raise ValueError(f"no gated product of {x} with the table {table}")
        return super(GatedRows, self).infer(*inputs)

    def _length(self, *inputs: TensorType) -> int:
        return inputs[0].shape[1] // 2

    def evaluate(self, *inputs: Array) -> Array:
        """By definition; products have 30 bits."""
        x, table = (a.astype(np.int64) for a in inputs)
        gate, up = np.split(x, 2, axis=1)
        index, fraction = (gate + 32768) >> 8, gate & 255
        between = table[index] * (256 - fraction) + table[index + 1] * fraction
        return scaled_rows(rounded(between, 8) * up)
