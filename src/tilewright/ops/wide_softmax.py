"""Softmax with 16-bit results as the ``tflite`` contract does it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Op, Whole
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.rescale import FixedPoint, Rounding, fixed_point, rescale
from tilewright.ops.softmax import row_reads

TABLE = 513
"""Entries of a table for 16-bit arguments: 512 steps, and where the last one ends."""

LOW, HIGH = -(2**15), 2**15 - 1

LEAST = -10.0
"""Exponentials of less are nothing."""


@dataclass(frozen=True, slots=True)
class WideSoftmax(Op):
    """Softmax over the last dimension. Inputs: x s16[...,C], exponentials and reciprocals s16[513].

    point  from distances below the row's largest element to 2**16 steps of [-10, 0]
    y is s16 with 15 fractional bits, zero point 0.
    Source: SOFTMAX of the TensorFlow Lite reference kernels for 16-bit activations.
    """

    point: FixedPoint

    def infer(self, *inputs: TensorType) -> TensorType:
        """The input's type. Raises ValueError for other element types."""
        x, *tables = inputs
        if x.dtype is not DType.S16 or any(t.shape != (TABLE,) for t in tables):
            raise ValueError(f"softmax of 16 bits wants x s16[...,C], got {x}")
        return x

    def evaluate(self, *inputs: Array) -> Array:
        """Exponentials and a reciprocal of their sum, both by interpolated tables."""
        x, exps, reciprocals = (a.astype(np.int64) for a in inputs)
        below = x - x.max(axis=-1, keepdims=True)
        steps = rescale(below, self.point.multiplier, self.point.shift, Rounding.DOUBLE)
        parts = interpolated(exps, np.clip(steps + HIGH, LOW, HIGH))
        total = parts.sum(axis=-1, keepdims=True)
        zeros = 31 - np.floor(np.log2(np.maximum(total, 1))).astype(np.int64)
        fraction = ((total << (zeros - 1)) + (1 << 13)) >> 14
        # The table's argument is the sum without its leading one, around the middle of [0, 1].
        centred = np.clip(fraction - (1 << 15) - (1 << 16), LOW, HIGH)
        shift = 31 - zeros
        half = (np.int64(1) << shift) >> 1
        made = (parts * interpolated(reciprocals, centred) + half) >> shift
        return np.clip(made, 0, HIGH).astype(np.int16)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Whole rows, whole tables."""
        return row_reads(inputs[0]), (Whole(),), (Whole(),)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Rows are normalised as a whole."""
        return frozenset({len(inputs[0].shape) - 1})


def interpolated(table: Array, x: Array) -> Array:
    """The function of a table at 16-bit arguments: 128 places between entries."""
    index = 256 + (x >> 7)
    base = table[index]
    return base + (((table[index + 1] - base) * (x & 127) + 64) >> 7)


def table_of(curve: Callable[[Array], Array], low: float, high: float) -> Array:
    """s16[513] of a curve with values in [-1, 1) over [low, high]: each entry moved by half of what
    a straight line misses in the middle of its step."""
    f32 = np.float32
    step = f32(f32(high) - f32(low)) / f32(TABLE - 1)
    starts = (f32(low) + np.arange(TABLE - 1, dtype=f32) * step).astype(f32)
    ends = (f32(low) + np.arange(1, TABLE, dtype=f32) * step).astype(f32)
    middles = (starts + step / f32(2)).astype(f32)

    def scaled(at: Array) -> Array:
        return (curve(at).astype(f32) * f32(2**15)).astype(f32)

    sample = _away(scaled(starts))
    line = _away((scaled(ends) + sample.astype(f32)) / f32(2))
    bias = _away((line - _away(scaled(middles))).astype(f32) / f32(2))
    last = _away(scaled(np.array([high], f32)))
    return np.clip(np.concatenate([sample - bias, last]), LOW, HIGH).astype(np.int16)


def softmax_tables(beta: float, scale: float) -> tuple[FixedPoint, Array, Array]:
    """The distances' scale, exponentials over [-10, 0], reciprocals of 1 + x over [0, 1]."""
    real = float(np.float32(scale)) * float(np.float32(beta)) / (-LEAST / 65535.0)
    point = fixed_point(real, Rounding.DOUBLE)
    return point, table_of(np.exp, LEAST, 0.0), table_of(lambda x: 1 / (1 + x), 0.0, 1.0)


def _away(x: Array) -> Array:
    """The nearest integers, halves away from zero."""
    return np.copysign(np.floor(np.abs(x.astype(np.float64)) + 0.5), x).astype(np.int64)
