"""Queries, keys and values of one token, head by head in int8, with a factor each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from tilewright.ir.index import Affine, amount_at
from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.llm.rows import HEAD_FACTOR_BYTES, head_rows, rounded, saturated

TURN_BITS = 16
"""Cosines and sines are Q15; one bit more keeps turned pairs within 15 bits and a sign."""


@dataclass(frozen=True, slots=True)
class HeadRows(Op):
    """Head rows s8[n, heads * (head_dim + 2)] of columns [column, column + heads * head_dim) of x.

    Inputs: x s16[n, ...] within -32767 .. 32767, as linear layers make it.
    """

    heads: int
    head_dim: int
    column: int = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        """Raises ValueError where x has no such columns."""
        x = inputs[0]
        if x.dtype is not DType.S16 or x.shape[1] < self.column + self.heads * self.head_dim:
            raise ValueError(
                f"{self.heads} heads of {self.head_dim} from column {self.column} on: not in {x}"
            )
        width = self.heads * (self.head_dim + HEAD_FACTOR_BYTES)
        return TensorType(DType.S8, (x.shape[0], width))

    def evaluate(self, *inputs: Array) -> Array:
        """``rows.quantised``, per head."""
        return head_rows(self._heads(inputs[0]))

    def _heads(self, x: Array) -> Array:
        """[n, heads, head_dim], int64."""
        columns = x[:, self.column : self.column + self.heads * self.head_dim]
        return columns.astype(np.int64).reshape(len(x), self.heads, self.head_dim)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Row by row."""
        del inputs
        return ((Along(0), Whole()),)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Factors stand behind all heads."""
        del inputs
        return frozenset({1})


@dataclass(frozen=True, slots=True)
class TurnedHeadRows(HeadRows):
    """As HeadRows, after RoPE: row t is turned by the angles of position ``first`` + t.

    Inputs: x s16[n, ...], turns s16[context, head_dim]: cosine and sine in Q15 per pair of
    neighbours. (a, b) becomes (rounded(a*cos - b*sin, 16), rounded(a*sin + b*cos, 16)): half of
    the turned vector. Sums stay within 2**31 since |(a, b)| <= 2**15 * sqrt(2).
    """

    first: int | Affine = 0

    @property
    def amounts(self) -> tuple[Affine, ...]:
        """The position."""
        return () if isinstance(self.first, int) else (self.first,)

    def with_arguments(self, values: Mapping[str, int]) -> Self:
        """With the position that the arguments give."""
        return replace(self, first=amount_at(self.first, values))

    @property
    def position(self) -> int:
        """Of row 0, where every argument is as large as it may be."""
        return amount_at(self.first)

    def infer(self, *inputs: TensorType) -> TensorType:
        """Raises ValueError where there are no angles for a row."""
        x, turns = inputs
        if turns.shape[1:] != (self.head_dim,) or self.head_dim % 2:
            raise ValueError(f"heads of {self.head_dim} cannot be turned by {turns}")
        if not 0 <= self.position <= turns.shape[0] - x.shape[0]:
            raise ValueError(
                f"{x.shape[0]} rows from position {self.position} on: {turns} has "
                f"{turns.shape[0]} positions"
            )
        return super(TurnedHeadRows, self).infer(x)

    def evaluate(self, *inputs: Array) -> Array:
        """By definition."""
        return head_rows(self._turned(*inputs))

    def _turned(self, x: Array, turns: Array) -> Array:
        """Half of the turned heads, [n, heads, head_dim]."""
        here = turns[self.position : self.position + len(x)].astype(np.int64)[:, None, :]
        cos, sin = here[..., 0::2], here[..., 1::2]
        heads = self._heads(x)
        a, b = heads[..., 0::2], heads[..., 1::2]
        turned = np.stack([a * cos - b * sin, a * sin + b * cos], axis=-1)
        return rounded(turned, TURN_BITS).reshape(heads.shape)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Row by row, with any of the angles."""
        del inputs
        return (Along(0), Whole()), (Whole(), Whole())

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """All: a row's position is counted from the first one."""
        del inputs
        return frozenset({0, 1})


@dataclass(frozen=True, slots=True)
class CentredHeadRows(TurnedHeadRows):
    """As TurnedHeadRows, of saturated(turned - centre): keys without what they have in common.

    Inputs: x, turns, centre s16[heads * head_dim]. Every score of a query changes by the same
    number, so its softmax does not.
    """

    def infer(self, *inputs: TensorType) -> TensorType:
        """Raises ValueError for a centre of another length."""
        if inputs[2].shape != (self.heads * self.head_dim,):
            raise ValueError(f"{inputs[2]} is no centre of {self.heads} heads of {self.head_dim}")
        return super(CentredHeadRows, self).infer(*inputs[:2])

    def evaluate(self, *inputs: Array) -> Array:
        """By definition."""
        x, turns, centre = inputs
        turned = self._turned(x, turns)
        return head_rows(saturated(turned - centre.reshape(turned.shape[1:])))

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """And all of the centre."""
        return (*super(CentredHeadRows, self).reads(*inputs[:2]), (Whole(),))
