"""Between tokens and rows of the residual stream: the embedding, and the row that is read out."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.gather import row_of
from tilewright.ops.llm.rows import rounded, saturated


@dataclass(frozen=True, slots=True)
class EmbedTokens(Op):
    """y[t, i] = saturated(rounded(table[token[t], i] * multiplier[token[t]], shift)), s16[n, N].

    Inputs: token s32[n], table s8[V, N], multiplier s16[V]. A token below 0 counts from the end,
    and one outside of [-V, V) is moved to the nearest row: nothing beside the table is ever read.
    """

    shift: int

    def infer(self, *inputs: TensorType) -> TensorType:
        """s16[n, N]. Raises ValueError for tables of different lengths."""
        token, table, multiplier = inputs
        fits = len(table.shape) == 2 and multiplier.shape == table.shape[:1]
        if not fits or len(token.shape) != 1 or token.dtype is not DType.S32:
            raise ValueError(f"no embedding of {token} by {table} and {multiplier}")
        return TensorType(DType.S16, (token.shape[0], table.shape[1]))

    def evaluate(self, *inputs: Array) -> Array:
        """Exact products, one rounding."""
        token, table, multiplier = inputs
        row = row_of(token, len(table))
        product = table[row].astype(np.int64) * multiplier[row, None]
        return saturated(rounded(product, self.shift))

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Any row of the table, for each token."""
        del inputs
        return (Along(0),), (Whole(), Along(1)), (Whole(),)


@dataclass(frozen=True, slots=True)
class LastRow(Op):
    """y[0] = x[n - 1]: the token whose logits somebody wants. Any element type."""

    def infer(self, *inputs: TensorType) -> TensorType:
        """One row."""
        (x,) = inputs
        if not x.shape:
            raise ValueError(f"{x} has no rows")
        return TensorType(x.dtype, (1, *x.shape[1:]))

    def evaluate(self, *inputs: Array) -> Array:
        """A copy."""
        return inputs[0][-1:].copy()

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """All rows: which one is the last differs from run to run."""
        return ((Whole(), *(Along(d) for d in range(1, len(inputs[0].shape)))),)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """The row is copied in one piece."""
        return frozenset(range(len(inputs[0].shape)))
