"""Drawn calls of operators that only files in the integer dialect have, for draws.py."""

import numpy as np
from chosen import Call, Draw, scale
from draws_products import Made, zero

from tilewright.ir.op import Op
from tilewright.ir.types import Array
from tilewright.ops.arithmetic_onnx import LARGEST_PRODUCT, RescaledAdd, RescaledMul
from tilewright.ops.attention_pulp import UNMASKED, RatioAttention
from tilewright.ops.mapped_pulp import MappedConcat, MappedMul
from tilewright.ops.matmul import QMatMul, largest_product
from tilewright.ops.norm_pulp import TruncatedLayerNorm, TruncatedRmsNorm
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding
from tilewright.ops.softmax_pulp import RatioSoftmax

UP = Rounding.HALF_UP


def _product(draw: Draw, depth: int, a_zero: int, *, by_rows: bool) -> QMatMul:
    common = scale(40 / (depth**0.5 * 5476), depth * largest_product(a_zero, 0), UP)
    point = draw.one(common, FixedPoint(713, 16))
    output = draw.one(Requantise(UP), Requantise(UP, -7, -100, 90))
    return QMatMul(transposes_b=by_rows, a_zero=a_zero, scale=point, output=output)


def _causal(draw: Draw, rows: int, keys: int) -> Array:
    """A prompt's mask, s8[rows, keys]: each query sees one key more than the one before."""
    seen = np.tril(np.ones((rows, keys), np.bool_), draw.upto(keys) - rows)
    return np.where(seen, 0, draw.one(-128, -40)).astype(np.int8)


def ratio_attention(draw: Draw, rounding: Rounding) -> Call:
    """Heads of four elements and more, with masks and without; the dialect rounds half up."""
    del rounding
    heads, rows, keys = draw.upto(6), draw.upto(12), draw.upto(90, 4)
    depth, columns = draw.one(4, 4 * draw.upto(8)), 4 * draw.upto(6)
    table = (draw.one(1.0, 11_000.0) * 0.5 ** (np.arange(256) / draw.upto(60))).astype(np.int32)
    mask_sum = draw.one(
        UNMASKED,
        RescaledAdd(0, 0, 1, 1, 0, Requantise(UP)),
        RescaledAdd(3, -9, 1700, 900, 11, Requantise(UP, 4, -120, 127)),
    )
    op = RatioAttention(
        logits=_product(draw, depth, 0, by_rows=True), mask_sum=mask_sum,
        softmax=RatioSoftmax(draw.one(256, 256, 100)),
        values=_product(draw, keys, draw.one(0, -128), by_rows=False), peak=int(table.max()),
    )  # fmt: skip
    before = draw.one(draw.s8(256), np.trunc(np.arange(-128, 128) / draw.one(1, 2, 8)))
    after = draw.one(draw.s8(256), np.minimum(np.arange(256) * 4 // 3, 127))
    mask = draw.one(draw.s8(keys), draw.s8(1, rows, keys), _causal(draw, rows, keys))
    constant = before.astype(np.int8), table, after.astype(np.int8), mask
    heads_of = draw.s8(heads, rows, depth), draw.s8(heads, keys, depth)
    return Call(op, (*heads_of, draw.s8(heads, keys, columns), *constant), varying=3)


def truncated(kind: type[TruncatedLayerNorm] | type[TruncatedRmsNorm]) -> Made:
    """The integer dialect's normalisations."""

    def make(draw: Draw, rounding: Rounding) -> Call:
        del rounding
        x = draw.s8(*draw.shape(3000, rank=2))
        count = 2 if kind is TruncatedLayerNorm else 1
        reach = draw.one(300, 1 << 22)
        tables = (
            draw.rng.integers(-reach, reach, x.shape[-1]).astype(np.int32) for _ in range(count)
        )
        return Call(kind(draw.one(8, 16, 24), zero(draw), reach), (x, *tables))

    return make


def mapped_mul(draw: Draw, rounding: Rounding) -> Call:
    """A gate."""
    del rounding
    shape = draw.shape()
    common = RescaledMul(zero(draw), zero(draw), scale(0.01, LARGEST_PRODUCT, UP), draw.output(UP))
    bounds = draw.one(Requantise(UP), Requantise(UP, 0, -77, 76))
    product = draw.one(common, RescaledMul(0, 0, FixedPoint(draw.upto(32_767), 16), bounds))
    inputs = draw.s8(*shape), draw.s8(256), draw.s8(*shape)
    return Call(MappedMul(product), inputs, varying=1)


def mapped_concat(draw: Draw, rounding: Rounding) -> Call:
    """A cache and a row behind it."""
    del rounding
    shape = list(draw.shape(3000, rank=3))
    new = [shape[0], draw.upto(4), shape[2]]
    return Call(MappedConcat(1), (draw.s8(*shape), draw.s8(*new), draw.s8(256)), varying=2)


DIALECT_CALLS: dict[type[Op], Made] = {
    MappedConcat: mapped_concat,
    MappedMul: mapped_mul,
    RatioAttention: ratio_attention,
    TruncatedLayerNorm: truncated(TruncatedLayerNorm),
    TruncatedRmsNorm: truncated(TruncatedRmsNorm),
}
