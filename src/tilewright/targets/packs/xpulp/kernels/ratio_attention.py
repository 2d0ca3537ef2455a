"""Binding of ratio_attention_xpulp: attention of the integer dialect."""

from dataclasses import replace

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Signature
from tilewright.ir.types import Array
from tilewright.ops.attention_pulp import RatioAttention
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.ratio_attention import (
    HERE as PORTABLE,
)
from tilewright.targets.packs.portable.kernels.ratio_attention import (
    RATIO_ATTENTION_S8,
    refuse_attention,
)
from tilewright.targets.packs.xpulp.kernels.shared import (
    CALL,
    COMMON,
    HERE,
    MOST_PRODUCTS,
    round_up,
    shared_out,
)

MOST_BYTES = 24 << 10
"""Of scratch of one core."""

ROWS = 8
"""ATTENTION_ROWS of ratio_attention_xpulp.c."""

STATE_BYTES = 240
"""ATTENTION_STATE_BYTES, the same."""

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
    one = 300 + keys * (30 + 2 * depth // 4 + columns // 2)
    return heads * keys * columns * 2 + shared_out(heads * rows, one) + 4 * CALL


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    assert isinstance(op, RatioAttention)
    before, table = constants[TABLE - 1], constants[TABLE]
    assert before is not None
    assert table is not None
    bits = max(op.peak, 1).bit_length()
    entries = table[::-1].astype(np.int64)
    scores = np.arange(-128, 128)
    folds = [f for f in range(8) if np.array_equal(before, np.trunc(scores / (1 << f)))]
    fold = folds[0] if folds else -1
    later = np.maximum.accumulate(entries)[255 - DISTANCES * np.arange(256 // DISTANCES)]
    known = np.array([fold, int(before.max()), max(op.peak, 1), 0])
    words = np.concatenate([entries | entries << (32 - bits), known, later])
    packed = words.astype(np.uint32).view(np.int32)
    return (*constants[:TABLE], packed, *constants[TABLE + 1 :])


RATIO_ATTENTION_XPULP = replace(
    RATIO_ATTENTION_S8,
    symbol="ratio_attention_xpulp",
    header=HERE / "ratio_attention_xpulp.h",
    source=HERE / "ratio_attention_xpulp.c",
    refuse=_refuse,
    items=output_rows,
    cycles=_cycles,
    code_bytes=1500,
    scratch_bytes=_scratch_bytes,
    pack=_pack,
    includes=(
        PORTABLE / "ratio_attention_s8.h",
        HERE / "xp_quotient.h",
        HERE / "xp_fours.h",
        HERE / "ratio_attention_asm.h",
        *COMMON,
    ),
)
