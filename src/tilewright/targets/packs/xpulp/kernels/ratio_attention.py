"""Binding of ratio_attention_xpulp: attention of the integer dialect."""

from dataclasses import replace

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Signature
from tilewright.ir.types import Array
from tilewright.ops.attention_pulp import UNMASKED, RatioAttention
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.ratio_attention import (
    RATIO_ATTENTION_S8,
    attention_fields,
    refuse_attention,
)
from tilewright.targets.packs.xpulp.kernels.shared import (
    COMMON,
    CORES,
    HERE,
    MOST_PRODUCTS,
    round_up,
    shared_out,
)

MOST_BYTES = 24 << 10
"""Of scratch of one core."""

ROWS = 16
"""ATTENTION_ROWS of ratio_attention_xpulp.c."""

STATE_BYTES = 336
"""ATTENTION_STATE_BYTES, the same."""

COLD = 1000
"""Cycles in which a call's code is fetched."""

UNUSED = np.zeros(1, np.int32)

TABLE = 4
"""The input that holds exponentials."""

MOST_PEAK = 16
"""Bits of an entry of the table."""

DISTANCES = 16
"""Of which one bound is kept."""


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, RatioAttention)
    q, k, v = signature.inputs[:3]
    keys, depth, columns = k.shape[-2], q.shape[-1], v.shape[-1]
    most = op.peak * (op.softmax.levels - 1)
    if depth % 4 or columns % 4:
        return f"heads of {depth} and {columns} elements; multiples of four are computed"
    if keys < 4 or max(keys, depth) > MOST_PRODUCTS:
        return f"{keys} keys of {depth} elements; 4 to {MOST_PRODUCTS:,} are computed"
    if (op.logits.a_zero, op.logits.b_zero, op.values.b_zero) != (0, 0, 0):
        return "queries, keys or values have a zero point"
    if keys * most >= 1 << 31 or op.peak >= 1 << MOST_PEAK:
        return f"{keys} numerators of up to {most:,} may leave 31 bits, or one exponential 16"
    if _scratch_bytes(op, signature) > MOST_BYTES:
        return f"more than {MOST_BYTES:,} B of scratch per core"
    return refuse_attention(op, signature)


def _scratch_bytes(op: Op, signature: Signature) -> int:
    del op
    keys, (rows, columns) = signature.inputs[1].shape[-2], signature.output.shape[-2:]
    return STATE_BYTES + round_up(keys, 4) * (columns + min(rows, ROWS) + 4) + 4 * columns


def _cycles(op: Op, signature: Signature) -> int:
    del op
    q, k, v = signature.inputs[:3]
    keys, depth, columns = k.shape[-2], q.shape[-1], v.shape[-1]
    rows = q.shape[-2]
    heads = q.size // (rows * depth)
    one = 250 + keys * (20 + (depth + columns) // 2)
    laid_out = heads * keys * columns * 2 if rows > 1 else 0
    return laid_out + shared_out(heads * rows, one) + CORES * COLD


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """The tables before and after it become part of ``table``."""
    assert isinstance(op, RatioAttention)
    before, table, after = constants[TABLE - 1 : TABLE + 2]
    assert before is not None
    assert table is not None
    assert after is not None
    twice = MOST_PEAK - max(op.peak, 1).bit_length()
    entries = table[::-1].astype(np.int64)
    bounds = np.maximum.accumulate(entries)[255 - DISTANCES * np.arange(256 // DISTANCES)]
    way = np.array(_way(op, before, twice, may_skip=after[0] == 0 and op.values.a_zero == 0))
    words = np.concatenate([entries | entries << (16 + twice), bounds, way])
    bytes_after = np.concatenate([before.reshape(-1), after.reshape(-1)]).astype(np.int8)
    packed = np.concatenate([words.astype(np.uint32).view(np.int32), bytes_after.view(np.int32)])
    return (*constants[: TABLE - 1], UNUSED, packed, UNUSED, *constants[TABLE + 2 :])


def _way(op: RatioAttention, before: Array, twice: int, *, may_skip: bool) -> tuple[int, ...]:
    """attention_way behind its bounds and before its tables."""
    scores = np.arange(-128, 128)
    folds = [f for f in range(8) if np.array_equal(before, np.trunc(scores / (1 << f)))]
    fold = folds[0] if folds else 0
    logits, mask, values = op.logits, op.mask_sum, op.values
    scale, clip, y = logits.scale, logits.output, values.output
    start = -mask.a_zero * mask.a_multiplier - mask.b_zero * mask.b_multiplier
    return (
        scale.multiplier, scale.shift, clip.high, fold, ((1 << fold) - 1) * 0x0101_0101,
        _kind(op, is_folded=bool(folds)), int(may_skip), max(op.peak, 1), twice,
        max(9 - 2 * twice, 0), int(before.max()), 0,
        op.softmax.levels, int(mask != UNMASKED), values.a_zero,
        values.scale.multiplier, values.scale.shift, y.low - y.zero, y.high - y.zero, y.zero,
        clip.zero, clip.low, clip.high,
        mask.a_multiplier, mask.b_multiplier, start,
        mask.shift, mask.output.zero, mask.output.low, mask.output.high,
    )  # fmt: skip


def _kind(op: RatioAttention, *, is_folded: bool) -> int:
    """How scores are computed: ATTENTION_STEPWISE and what follows it."""
    added = op.mask_sum == UNMASKED or op.mask_sum == replace(UNMASKED, b_multiplier=1)
    scale, output = op.logits.scale, op.logits.output
    if not added or output.zero != 0 or output.low != -output.high - 1:
        return 0
    if not is_folded:
        return 1
    # Sums of sixteen bits are then beyond all bounds if larger ones are: 258 * 2**15 >> 16 > 128.
    return 3 if scale.shift == 16 and 258 <= scale.multiplier < 1 << 15 else 2


def _fields(op: Op, signature: Signature) -> Fields:
    q, k, v = signature.inputs[:3]
    members = attention_fields(op, signature)
    return {
        "rows": q.shape[-2], "keys": k.shape[-2], "depth": q.shape[-1], "columns": v.shape[-1],
        "mask_step": members["mask_step"],
    }  # fmt: skip


RATIO_ATTENTION_XPULP = replace(
    RATIO_ATTENTION_S8,
    symbol="ratio_attention_xpulp",
    struct="ratio_attention_xpulp_args",
    fields=_fields,
    tables=frozenset({TABLE}),
    header=HERE / "ratio_attention_xpulp.h",
    source=HERE / "ratio_attention_xpulp.c",
    refuse=_refuse,
    items=output_rows,
    cycles=_cycles,
    code_bytes=3800,
    scratch_bytes=_scratch_bytes,
    pack=_pack,
    includes=(
        HERE / "xp_quotient.h",
        HERE / "xp_fours.h",
        HERE / "ratio_attention_asm.h",
        HERE / "ratio_attention_scores.h",
        *COMMON,
    ),
)
