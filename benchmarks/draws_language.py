"""Drawn calls of the operators of language models that engines have kernels of their own for."""

import numpy as np
from chosen import Call, Draw
from draws_products import Made

from tilewright.ir.op import Op
from tilewright.ir.types import Array
from tilewright.ops.llm.attention import CachedAttention
from tilewright.ops.llm.embedding import EmbedTokens
from tilewright.ops.llm.heads import CentredHeadRows, HeadRows, TurnedHeadRows
from tilewright.ops.llm.linear import FinishRows, LinearRows, SumRows
from tilewright.ops.llm.row_ops import GatedRows, NormRows, ScaleRows
from tilewright.ops.llm.rows import head_rows, scaled_rows
from tilewright.ops.rescale import Rounding


def linear_rows(draw: Draw, rounding: Rounding) -> Call:
    """One row mostly, as decoding has; with something to add or without."""
    del rounding
    rows, inputs, outputs = draw.one(1, 1, 3), draw.channels(), draw.channels()
    wide = draw.rng.integers(-(2**29), 2**29, (rows, inputs)) >> draw.one(0, 9, 20)
    w = draw.weights(outputs, inputs)
    multiplier = draw.rng.integers(0, 2**15, outputs).astype(np.int16)
    reach = int(np.abs(w.astype(np.int64)).sum(axis=1).max()) * 127 * 2**15
    op = LinearRows(max(reach.bit_length() - 30, 0), int(draw.rng.integers(17, 46)))
    residual = draw.rng.integers(-9999, 9999, (rows, outputs)).astype(np.int16)
    return Call(op, (scaled_rows(wide), w, multiplier, *draw.one((), (residual,))))


def finish_rows(draw: Draw, rounding: Rounding) -> Call:
    """What is left of a linear layer behind its sums."""
    whole = linear_rows(draw, rounding)
    assert isinstance(whole.op, LinearRows)
    x, w, multiplier, *residual = whole.inputs
    op = FinishRows(whole.op.sum_shift, whole.op.shift)
    return Call(op, (SumRows().evaluate(x, w), x, multiplier, *residual), varying=2)


def embed_tokens(draw: Draw, rounding: Rounding) -> Call:
    """Tokens inside and outside of the table."""
    del rounding
    words, length, count = draw.upto(20), draw.channels(), draw.one(1, 1, 5)
    token = draw.rng.integers(-2 * words, 2 * words, count).astype(np.int32)
    table = draw.s8(words, length)
    return Call(EmbedTokens(draw.one(1, 7, 12, 20)), (token, table, _table(draw, words)))


def _rows(draw: Draw, length: int) -> Array:
    """Rows of int16: one, a few, or more than a cluster has cores; narrow ones, and zeros."""
    rows = draw.one(1, 1, 3, 11)
    return (draw.rng.integers(-32767, 32768, (rows, length)) >> draw.one(0, 4, 15)).astype(np.int16)


def _table(draw: Draw, length: int) -> Array:
    return draw.rng.integers(-32767, 32768, length).astype(np.int16)


def scale_rows(draw: Draw, rounding: Rounding) -> Call:
    """Rows of any length, shorter than a cluster has cores as well."""
    del rounding
    return Call(ScaleRows(), (_rows(draw, draw.channels()),))


def norm_rows(draw: Draw, rounding: Rounding) -> Call:
    """With any epsilon."""
    del rounding
    length = draw.channels()
    op = NormRows(draw.one(1, 77, 2**20, 2**40))
    return Call(op, (_rows(draw, length), _table(draw, length)))


def gated_rows(draw: Draw, rounding: Rounding) -> Call:
    """With any curve."""
    del rounding
    return Call(GatedRows(), (_rows(draw, 2 * draw.channels()), _table(draw, 257)))


def head_rows_of(draw: Draw, rounding: Rounding) -> Call:
    """Heads as they are, turned, or turned and centred."""
    del rounding
    count, size, column = draw.upto(9), draw.one(2, 4, 8, 18), draw.one(0, 3, 8)
    x = _rows(draw, column + count * size + draw.one(0, 3))
    first = draw.upto(40)
    angle = np.outer(np.arange(first + len(x)), 1.7 ** -np.arange(size // 2))
    turns = np.stack([np.cos(angle), np.sin(angle)], axis=-1).reshape(len(angle), -1) * 32767
    turn = np.rint(turns).astype(np.int16)
    return draw.one(
        Call(HeadRows(count, size, column), (x,)),
        Call(TurnedHeadRows(count, size, column, first), (x, turn)),
        Call(CentredHeadRows(count, size, column, first), (x, turn, _table(draw, count * size))),
    )


def cached_attention(draw: Draw, rounding: Rounding) -> Call:
    """Queries of one row mostly, over up to some dozens of keys."""
    del rounding
    kv_heads, times, size = draw.upto(4), draw.upto(3), draw.one(2, 4, 8, 18, 32)
    rows = draw.one(1, 1, 3)
    known = rows + draw.upto(40)

    def vectors(count: int, heads: int) -> Array:
        wide = draw.rng.integers(-32767, 32768, (count, heads, size)) >> draw.one(0, 0, 4)
        return head_rows(wide)

    powers = np.minimum(np.rint(2.0 ** (15 - np.arange(256) / 256)), 32767).astype(np.int16)
    multiplier, shift = int(draw.rng.integers(2**14, 2**15)), int(draw.rng.integers(20, 49))
    op = CachedAttention(kv_heads * times, kv_heads, size, multiplier, shift, draw.one(15, 18))
    inputs = (vectors(rows, kv_heads * times), vectors(known, kv_heads), vectors(known, kv_heads))
    return Call(op, (*inputs, powers), varying=3)


LANGUAGE_CALLS: dict[type[Op], Made] = {
    LinearRows: linear_rows,
    FinishRows: finish_rows,
    EmbedTokens: embed_tokens,
    CachedAttention: cached_attention,
    ScaleRows: scale_rows,
    NormRows: norm_rows,
    GatedRows: gated_rows,
    HeadRows: head_rows_of,
    TurnedHeadRows: head_rows_of,
    CentredHeadRows: head_rows_of,
}
