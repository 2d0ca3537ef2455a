"""Drawn cases for the operators of language models, with operands as a network has them."""

import numpy as np
from hypothesis import strategies as st

from case import Case, seeds, sizes, stored
from tilewright.ir.op import Op
from tilewright.ir.types import Array, DType
from tilewright.ops.llm.attention import CachedAttention
from tilewright.ops.llm.embedding import EmbedTokens, LastRow
from tilewright.ops.llm.heads import CentredHeadRows, HeadRows, TurnedHeadRows
from tilewright.ops.llm.linear import FinishRows, LinearRows, PackedLinearRows, SumRows
from tilewright.ops.llm.packed import group_count, packed, unpacked
from tilewright.ops.llm.row_ops import GatedRows, NormRows, ScaleRows
from tilewright.ops.llm.rows import head_rows, scaled_rows

TURN = 32767


@st.composite
def rows16(draw: st.DrawFn, rows: int, length: int) -> Array:
    """int16 rows as linear layers make them, wide, narrow or all zero."""
    x = draw(stored((rows, length), DType.S16))
    return np.clip(x >> draw(st.sampled_from((0, 0, 3, 9, 15))), -TURN, TURN).astype(np.int16)


@st.composite
def row_shapes(draw: st.DrawFn) -> tuple[int, int]:
    return draw(sizes(5)), draw(st.sampled_from((1, 2, 3, 4, 8, 12, 17, 64, 172)))


@st.composite
def scaled(draw: st.DrawFn, rows: int, length: int) -> Array:
    """Scaled rows of integers of any size up to 2**30."""
    wide = draw(rows16(rows, length)).astype(np.int64)
    return scaled_rows(wide << draw(st.integers(0, 15)))


@st.composite
def embed(draw: st.DrawFn) -> Case:
    rows, length = draw(row_shapes())
    words = draw(sizes(12))
    reach = draw(st.sampled_from((words, words, 3 * words, 2**31)))
    token = np.random.default_rng(draw(seeds())).integers(-reach, reach, rows).astype(np.int32)
    table, factor = draw(stored((words, length))), draw(stored((words,), DType.S16))
    return Case(EmbedTokens(draw(st.integers(1, 20))), (token, table, factor))


@st.composite
def last_row(draw: st.DrawFn) -> Case:
    return Case(LastRow(), (draw(rows16(*draw(row_shapes()))),))


@st.composite
def scale(draw: st.DrawFn) -> Case:
    return Case(ScaleRows(), (draw(rows16(*draw(row_shapes()))),))


@st.composite
def norm(draw: st.DrawFn) -> Case:
    rows, length = draw(row_shapes())
    epsilon = draw(st.sampled_from((1, 77, 2**20, 2**40)))
    return Case(
        NormRows(epsilon), (draw(rows16(rows, length)), draw(rows16(1, length)).reshape(-1))
    )


@st.composite
def gated(draw: st.DrawFn) -> Case:
    rows, length = draw(row_shapes())
    return Case(GatedRows(), (draw(rows16(rows, 2 * length)), draw(rows16(1, 257)).reshape(-1)))


@st.composite
def linear(draw: st.DrawFn) -> Case:
    """Weights of a byte each."""
    rows, length = draw(row_shapes())
    w = np.maximum(draw(stored((draw(sizes(9)), length))), -127)
    return draw(linear_on(rows, w, w, 8))


@st.composite
def packed_linear(draw: st.DrawFn) -> Case:
    """Weights of 4 and 6 bits."""
    (rows, length), outputs = draw(row_shapes()), draw(sizes(9))
    bits = draw(st.sampled_from((4, 6)))
    w = draw(stored((outputs, length))) >> (8 - bits)
    multiples = None
    if bits == 4:
        multiples = np.abs(draw(stored((outputs, group_count(length)))).astype(np.int64)) % 15 + 1
    kept = packed(w, bits, multiples)
    return draw(linear_on(rows, unpacked(kept, length, bits), kept, bits))


@st.composite
def linear_on(draw: st.DrawFn, rows: int, w: Array, kept: Array, bits: int) -> Case:
    """With and without something to add; sums stay within what the operator wants."""
    outputs, length = w.shape
    multiplier = draw(rows16(1, outputs)).reshape(-1)
    largest = int(np.abs(w.astype(np.int64)).sum(axis=1).max()) * 127 * TURN
    shifts = max(largest.bit_length() - 30, 0), draw(st.integers(17, 50))
    op = LinearRows(*shifts) if bits == 8 else PackedLinearRows(*shifts, bits)
    residual = (draw(rows16(rows, outputs)),) if draw(st.booleans()) else ()
    return Case(op, (draw(scaled(rows, length)), kept, multiplier, *residual))


@st.composite
def sums(draw: st.DrawFn) -> Case:
    return Case(SumRows(), draw(linear()).inputs[:2])


@st.composite
def finish(draw: st.DrawFn) -> Case:
    """What is left of a linear layer behind its sums."""
    whole = draw(linear())
    x, w, multiplier, *residual = whole.inputs
    op = FinishRows(whole.op.sum_shift, whole.op.shift)
    return Case(op, (SumRows().evaluate(x, w), x, multiplier, *residual), varying=2)


@st.composite
def heads(draw: st.DrawFn) -> Case:
    rows, count, head_dim = draw(sizes(4)), draw(sizes(4)), draw(st.sampled_from((2, 4, 8, 18)))
    column = draw(st.sampled_from((0, 3, 8)))
    x = draw(rows16(rows, column + count * head_dim + draw(st.integers(0, 3))))
    return Case(HeadRows(count, head_dim, column), (x,))


@st.composite
def turned(draw: st.DrawFn) -> Case:
    plain = draw(heads())
    rows, first = len(plain.inputs[0]), draw(st.integers(0, 40))
    angle = np.outer(np.arange(first + rows + 2), 1.7 ** -np.arange(plain.op.head_dim // 2))
    turns = np.stack([np.cos(angle), np.sin(angle)], axis=-1).reshape(len(angle), -1) * TURN
    op = TurnedHeadRows(plain.op.heads, plain.op.head_dim, plain.op.column, first)
    return Case(op, (plain.inputs[0], np.rint(turns).astype(np.int16)))


@st.composite
def centred(draw: st.DrawFn) -> Case:
    plain = draw(turned())
    op = CentredHeadRows(plain.op.heads, plain.op.head_dim, plain.op.column, plain.op.first)
    return Case(op, (*plain.inputs, draw(rows16(1, op.heads * op.head_dim)).reshape(-1)))


@st.composite
def attention(draw: st.DrawFn) -> Case:
    kv_heads, times = draw(sizes(3)), draw(sizes(3))
    head_dim = draw(st.sampled_from((2, 4, 8, 12, 18, 32)))
    rows, before = draw(sizes(4)), draw(st.integers(0, 30))

    def vectors(count: int, of: int) -> Array:
        return head_rows(draw(rows16(count, of * head_dim)).reshape(count, of, head_dim))

    q = vectors(rows, kv_heads * times)
    k, v = vectors(before + rows, kv_heads), vectors(before + rows, kv_heads)
    powers = np.minimum(np.rint(2.0 ** (15 - np.arange(256) / 256)), TURN).astype(np.int16)
    multiplier, shift = draw(st.integers(2**14, TURN)), draw(st.integers(20, 48))
    op = CachedAttention(kv_heads * times, kv_heads, head_dim, multiplier, shift, 15)
    return Case(op, (q, k, v, powers), varying=3)


LLM: dict[type[Op], st.SearchStrategy[Case]] = {
    EmbedTokens: embed(),
    LastRow: last_row(),
    ScaleRows: scale(),
    NormRows: norm(),
    GatedRows: gated(),
    LinearRows: linear(),
    PackedLinearRows: packed_linear(),
    SumRows: sums(),
    FinishRows: finish(),
    HeadRows: heads(),
    TurnedHeadRows: turned(),
    CentredHeadRows: centred(),
    CachedAttention: attention(),
}
