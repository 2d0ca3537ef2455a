"""Rows of int8 that carry their own factor, and what makes and reads them.

A *scaled row* of N elements is s8[N + 4]: N bytes y, then a factor M > 0 as a little-endian int32.
It stands for ``y * M / 127``. A *head row* of H heads of D elements is s8[H * (D + 2)]: H vectors
of D bytes, then H factors as little-endian int16, each for its vector.

``rounded(x, s) = (x + 2**(s - 1)) >> s``, half up, is the only rounding of the contract.
"""

import numpy as np

from tilewright.ir.types import Array

FACTOR_BYTES = 4
"""What a scaled row has behind its elements."""

HEAD_FACTOR_BYTES = 2
"""What a head row has behind its elements, per head."""

FACTOR_BITS = 15
"""Bits of a factor that multiplications see."""

RECIPROCAL_BITS = 24
LARGEST = 127


def rounded(x: Array, shift: Array | int) -> Array:
    """x / 2**shift in int64, half up; shift in [0, 62]."""
    bits = np.asarray(shift, np.int64)
    return (x.astype(np.int64) + ((np.int64(1) << bits) >> 1)) >> bits


def saturated(x: Array) -> Array:
    """Clipped to -32767 .. 32767 and narrowed to int16: magnitudes have 15 bits."""
    return np.clip(x, -32767, 32767).astype(np.int16)


def bit_length(x: Array) -> Array:
    """Bits of integers in [0, 2**53); 0 for 0."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64)


def quantised(x: Array) -> tuple[Array, Array]:
    """Vectors along the last axis as int8 and a factor each: x is about y * M / 127.

    x  any shape, magnitudes of at most 2**30

    p = max(1, max|x|)
    e = max(0, bits(p) - 15)
    m = rounded(p, e)
    r = 127 * 2**24 / m                    without remainder
    y = rounded(rounded(x, e) * r, 24)     the product fits int32, since |rounded(x, e)| <= m
    M = m * 2**e
    """
    wide = x.astype(np.int64)
    peak = np.maximum(np.abs(wide).max(axis=-1, keepdims=True), 1)
    excess = np.maximum(bit_length(peak) - FACTOR_BITS, 0)
    short = rounded(peak, excess)
    reciprocal = (LARGEST << RECIPROCAL_BITS) // short
    y = rounded(rounded(wide, excess) * reciprocal, RECIPROCAL_BITS)
    return y.astype(np.int8), (short << excess)[..., 0]


def scaled_rows(x: Array) -> Array:
    """Scaled rows s8[n, N + 4] of integers [n, N]."""
    y, factor = quantised(x)
    behind = factor.astype("<i4").view(np.int8).reshape(-1, FACTOR_BYTES)
    return np.concatenate([y, behind], axis=1)


def row_parts(rows: Array) -> tuple[Array, Array]:
    """Elements s8[n, N] and factors [n, 1], int64, of scaled rows."""
    behind = np.ascontiguousarray(rows[:, -FACTOR_BYTES:]).view("<i4")
    return rows[:, :-FACTOR_BYTES], behind.astype(np.int64)


def head_rows(x: Array) -> Array:
    """Head rows s8[n, H * (D + 2)] of integers [n, H, D] within -32767 .. 32767."""
    y, factor = quantised(x)
    behind = factor.astype("<i2").view(np.int8)
    return np.concatenate([y.reshape(len(x), -1), behind], axis=1)


def head_parts(rows: Array, heads: int) -> tuple[Array, Array]:
    """Elements s8[n, H, D] and factors [n, H], int64, of head rows."""
    behind = np.ascontiguousarray(rows[:, -HEAD_FACTOR_BYTES * heads :]).view("<i2")
    return rows[:, : -HEAD_FACTOR_BYTES * heads].reshape(len(rows), heads, -1), behind.astype(
        np.int64
    )


def normal_factor(factor: Array) -> tuple[Array, Array]:
    """(m, e) with m below 2**15 and m * 2**e the factor, which has no more bits than that."""
    excess = np.maximum(bit_length(factor) - FACTOR_BITS, 0)
    return factor >> excess, excess


def products(x: Array, w: Array) -> Array:
    """Exact sums x @ w of integers that stay below 2**53, as int64.

    float64 holds all of them exactly, and numpy multiplies matrices of float64 much faster.
    """
    return (x.astype(np.float64) @ w.astype(np.float64)).astype(np.int64)
