"""Attention of new tokens over all tokens up to themselves, head by head, in integers."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Op, Whole
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.llm.rows import (
    FACTOR_BITS,
    HEAD_FACTOR_BYTES,
    bit_length,
    head_parts,
    products,
    rounded,
    saturated,
)

SCORE_SHIFT = 7
"""Of products of a score with a key's factor."""

RECIPROCAL_BITS = 38
RECIPROCAL_OF_127 = 2**RECIPROCAL_BITS // 127


@dataclass(frozen=True, slots=True)
class CachedAttention(Op):
    """y s16[n, heads * head_dim]: what n new tokens take from the t tokens up to and with them.

    Inputs: q s8[n, heads * (head_dim + 2)], k and v s8[t, kv_heads * (head_dim + 2)] head rows,
    powers s16[256] with powers[f] = min(32767, round(2**(15 - f/256))). Query i sees keys 0 ..
    t - n + i. Head h reads the keys and values of head h // (heads / kv_heads). Per query and head:

    s[j]  = rounded((q . k[j]) * factor of k[j], 7)            below 2**31
    z[j]  = rounded((max(s) - s[j]) * (factor of q * multiplier), shift)   log2 with 8 fraction bits
    p[j]  = powers[z[j] & 255] >> (z[j] >> 8), 0 from 15 on    numerators, never normalised
    a     = sum of rounded(p[j] * factor of v[j], value_shift) * v[j]      int32
    L     = sum of p[j] = m * 2**e + rest, m below 2**15, e >= 0
    y     = saturated(rounded(a * (floor(2**38 / 127) / m), 38 - value_shift + e))

    The last quotient is without remainder. y has the scale that v had before it was cached.
    multiplier  below 2**15; with ``shift``: what a step of q times one of k is, in log2 units
    value_shift at least 15, and large enough that ``a`` fits int32 for the longest context
    """

    heads: int
    kv_heads: int
    head_dim: int
    multiplier: int
    shift: int
    value_shift: int

    def infer(self, *inputs: TensorType) -> TensorType:
        """Raises ValueError where rows have other lengths, or are fewer than queries."""
        q, k, v, powers = inputs
        one = self.head_dim + HEAD_FACTOR_BYTES
        fits = (
            q.shape[1] == self.heads * one
            and k == v
            and k.shape[1] == self.kv_heads * one
            and q.shape[0] <= k.shape[0]
            and powers.shape == (256,)
        )
        if not fits:
            raise ValueError(f"{self} cannot read {q}, {k}, {v} and {powers}")
        return TensorType(DType.S16, (q.shape[0], self.heads * self.head_dim))

    def evaluate(self, *inputs: Array) -> Array:
        """All heads and queries at once."""
        (q, q_factor), (k, k_factor), (v, v_factor) = (
            self._by_head(x, heads)
            for x, heads in zip(inputs, (self.heads, self.kv_heads, self.kv_heads), strict=False)
        )
        powers = inputs[3].astype(np.int64)
        rows, known = q.shape[1], k.shape[1]
        # [1, n, t]: the last query sees everything.
        is_seen = np.tri(rows, known, known - rows, dtype=bool)[None]
        score = rounded(products(q, k.transpose(0, 2, 1)) * k_factor[:, None, :], SCORE_SHIFT)
        peak = np.where(is_seen, score, np.iinfo(np.int64).min).max(axis=2, keepdims=True)
        behind = np.where(is_seen, peak - score, 0)
        log = rounded(behind * (q_factor * self.multiplier)[..., None], self.shift)
        p = np.where(is_seen, powers[log & 255] >> np.minimum(log >> 8, FACTOR_BITS), 0)
        weighted = rounded(p * v_factor[:, None, :], self.value_shift)
        total = p.sum(axis=2, keepdims=True)
        e = np.maximum(bit_length(total) - FACTOR_BITS, 0)
        reciprocal = RECIPROCAL_OF_127 // (total >> e)
        mixed = products(weighted, v) * reciprocal
        y = saturated(rounded(mixed, RECIPROCAL_BITS - self.value_shift + e))
        return np.ascontiguousarray(y.transpose(1, 0, 2)).reshape(rows, -1)

    def _by_head(self, rows: Array, heads: int) -> tuple[Array, Array]:
        """Elements [heads, n, head_dim] and factors [heads, n] for every query head."""
        elements, factors = head_parts(rows, heads)
        times = self.heads // heads
        return elements.transpose(1, 0, 2).repeat(times, 0), factors.T.repeat(times, 0)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Everything: how many keys a query sees depends on how many queries there are."""
        return tuple(tuple(Whole() for _ in x.shape) for x in inputs)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Computed in one piece."""
        del inputs
        return frozenset({0, 1})

    def macs(self, *inputs: TensorType) -> int:
        """Two per key that a query sees, and element of a head."""
        rows, known = inputs[0].shape[0], inputs[1].shape[0]
        seen = rows * known - rows * (rows - 1) // 2
        return 2 * seen * self.heads * self.head_dim
