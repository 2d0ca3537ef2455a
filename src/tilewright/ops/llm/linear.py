"""Linear layers on scaled rows: exact sums of int8 products, two factors, int16 out.

LinearRows is both; SumRows and FinishRows are its halves, for machines that have an engine for the
first one: ``FinishRows(a, b)(SumRows(x, w), x, m) = LinearRows(a, b)(x, w, m)``.
"""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.llm.packed import row_bytes, unpacked
from tilewright.ops.llm.rows import (
    FACTOR_BYTES,
    normal_factor,
    products,
    rounded,
    row_parts,
    saturated,
)


@dataclass(frozen=True, slots=True)
class _Linear(Op):
    """y[t, o] = saturated(residual[t, o] + rounded(a * m, shift - e)), s16[n, O], where

    acc = sum of x[t, k] * w[o, k]             int32
    a   = rounded(acc * multiplier[o], sum_shift)   within 2**30: the caller proves it from w
    m, e: the factor of row t is m * 2**e with m below 2**15 (``rows.normal_factor``)

    Inputs: x s8[n, K + 4] scaled rows, weights, multiplier s16[O], and residual s16[n, O] if it
    is not 0. ``shift`` is at least 17, so that shift - e is positive; at most 62.
    """

    sum_shift: int
    shift: int

    def infer(self, *inputs: TensorType) -> TensorType:
        """s16[n, O]. Raises ValueError where lengths differ."""
        x, w, multiplier, *residual = inputs
        columns = x.shape[1] - FACTOR_BYTES
        if w.shape[1] != self._stored(columns) or multiplier.shape != w.shape[:1]:
            raise ValueError(f"no linear layer of {x} with weights {w}, factors {multiplier}")
        out = TensorType(DType.S16, (x.shape[0], w.shape[0]))
        if any(r != out for r in residual):
            raise ValueError(f"{residual[0]} cannot be added to {out}")
        return out

    def _stored(self, columns: int) -> int:
        """Elements of a row of w."""
        return columns

    def finished(self, acc: Array, factor: Array, multiplier: Array, *residual: Array) -> Array:
        """What becomes of sums [n, O] with factors [n, 1]."""
        m, e = normal_factor(factor)
        scaled = rounded(acc * multiplier.astype(np.int64), self.sum_shift)
        made = rounded(scaled * m, self.shift - e)
        return saturated(made + residual[0] if residual else made)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Rows go along; weights follow the output element."""
        residual = ((Along(0), Along(1)),) if len(inputs) > 3 else ()
        return (Along(0), Whole()), (Along(1), Whole()), (Along(1),), *residual

    def macs(self, *inputs: TensorType) -> int:
        """One per row and weight."""
        columns = inputs[0].shape[1] - FACTOR_BYTES
        return inputs[0].shape[0] * inputs[1].shape[0] * columns


@dataclass(frozen=True, slots=True)
class LinearRows(_Linear):
    """As above with w s8[O, K]."""

    def evaluate(self, *inputs: Array) -> Array:
        """Exact sums and products; two roundings."""
        rows, w, multiplier, *residual = inputs
        x, factor = row_parts(rows)
        return self.finished(products(x, w.T), factor, multiplier, *residual)


@dataclass(frozen=True, slots=True)
class PackedLinearRows(_Linear):
    """As above with weights of ``bits``, 4 or 6: w u8[O, row_bytes(K, bits)], as ``packed`` says.

    Weights of 4 bits are multiplied with their group's multiple before they are summed.
    """

    bits: int

    def evaluate(self, *inputs: Array) -> Array:
        """By definition."""
        rows, stored, multiplier, *residual = inputs
        x, factor = row_parts(rows)
        w = unpacked(stored, x.shape[1], self.bits)
        return self.finished(products(x, w.T), factor, multiplier, *residual)

    def _stored(self, columns: int) -> int:
        return row_bytes(columns, self.bits)


@dataclass(frozen=True, slots=True)
class SumRows(Op):
    """y[t, o] = sum of x[t, k] * w[o, k], s32[n, O].

    Inputs: x s8[n, K + 4] scaled rows, whose factors are not looked at, and w s8[O, K], K at most
    2**16, so that sums fit.
    """

    def infer(self, *inputs: TensorType) -> TensorType:
        """s32[n, O]. Raises ValueError where lengths differ."""
        x, w = inputs
        if x.shape[1] != w.shape[1] + FACTOR_BYTES:
            raise ValueError(f"no sums of {x} with weights {w}")
        return TensorType(DType.S32, (x.shape[0], w.shape[0]))

    def evaluate(self, *inputs: Array) -> Array:
        """Exact."""
        rows, w = inputs
        return products(row_parts(rows)[0], w.T).astype(np.int32)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Rows go along; weights follow the output element."""
        del inputs
        return (Along(0), Whole()), (Along(1), Whole())

    def macs(self, *inputs: TensorType) -> int:
        """One per row and weight."""
        return inputs[0].shape[0] * inputs[1].size


@dataclass(frozen=True, slots=True)
class FinishRows(Op):
    """y[t, o] as LinearRows makes it, s16[n, O], from its sums.

    Inputs: sums s32[n, O], the scaled rows s8[n, K + 4] that they are of, multiplier s16[O], and
    residual s16[n, O] if it is not 0.
    """

    sum_shift: int
    shift: int

    def infer(self, *inputs: TensorType) -> TensorType:
        """s16[n, O]. Raises ValueError where lengths differ."""
        sums, x, multiplier, *residual = inputs
        if x.shape[0] != sums.shape[0] or multiplier.shape != sums.shape[1:]:
            raise ValueError(f"no end of a linear layer of {sums} and {x}, factors {multiplier}")
        out = TensorType(DType.S16, sums.shape)
        if any(r != out for r in residual):
            raise ValueError(f"{residual[0]} cannot be added to {out}")
        return out

    def evaluate(self, *inputs: Array) -> Array:
        """By LinearRows."""
        sums, rows, multiplier, *residual = inputs
        whole = LinearRows(self.sum_shift, self.shift)
        return whole.finished(sums.astype(np.int64), row_parts(rows)[1], multiplier, *residual)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Elements go along; of a row its factor."""
        residual = ((Along(0), Along(1)),) if len(inputs) > 3 else ()
        return (Along(0), Along(1)), (Along(0), Whole()), (Along(1),), *residual
