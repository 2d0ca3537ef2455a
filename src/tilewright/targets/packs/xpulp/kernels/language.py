"""Bindings of the kernels of language models: the operators of ``ops/llm``."""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.llm.attention import CachedAttention
from tilewright.ops.llm.heads import HeadRows
from tilewright.ops.llm.rows import FACTOR_BYTES
from tilewright.targets.packs.portable.kernels.language import (
    ATTENTION_CORE,
    CACHED_ATTENTION,
    CENTRED_HEAD_ROWS,
    EMBED_TOKENS,
    FINISH_ROWS,
    FINISH_ROWS_ADD,
    GATED_ROWS,
    HEAD_ROWS,
    LINEAR_FINISH,
    LINEAR_ROWS,
    LINEAR_ROWS_ADD,
    NORM_ROWS,
    SCALE_ROWS,
    TURNED_HEAD_ROWS,
)
from tilewright.targets.packs.portable.kernels.language import HERE as PORTABLE
from tilewright.targets.packs.xpulp.kernels.shared import CORES, HERE, shared_out

FOUR = 4
FINISH_CYCLES = 13
"""Of one output."""

ROW_PARTS = (HERE / "scaled_row_xpulp.h", HERE / "xp_meet.h", HERE / "xpulp.h")
LINEAR_PARTS = (*LINEAR_FINISH, *ROW_PARTS, HERE / "linear_finish_xpulp.h")


def _fours(op: Op, signature: Signature) -> int:
    del op
    return -(-signature.output.shape[1] // FOUR)


def _cycles(op: Op, signature: Signature) -> int:
    """Four sums of four products take nine cycles, an output's end about twenty."""
    rows, outputs = signature.output.shape
    steps = -(-signature.inputs[1].shape[1] // 4)
    return rows * shared_out(-(-outputs // FOUR), 9 * steps + 118 + FINISH_CYCLES * FOUR)


def _attention_cycles(op: Op, signature: Signature) -> int:
    """Some 35 cycles per key and head, and 9 per four elements of it."""
    assert isinstance(op, CachedAttention)
    rows, known = signature.inputs[0].shape[0], signature.inputs[1].shape[0]
    return shared_out(rows * op.heads, known * (35 + 9 * -(-op.head_dim // 4)))


def _attention_scratch(op: Op, signature: Signature) -> int:
    """Scores, then a byte more of each weight."""
    assert isinstance(op, CachedAttention)
    known = signature.inputs[1].shape[0]
    return FOUR * (known + op.head_dim) + -(-known // FOUR) * FOUR


def _kernel(portable: Kernel) -> Kernel:
    """With and without a residual: one function, so that its code is fetched once."""
    return replace(
        portable,
        symbol="linear_rows_xpulp",
        struct="linear_rows_xpulp_args",
        header=HERE / "linear_rows_xpulp.h",
        source=HERE / "linear_rows_xpulp.c",
        items=_fours,
        cycles=_cycles,
        code_bytes=860,
        includes=LINEAR_PARTS,
    )


LINEAR_ROWS_XPULP = (_kernel(LINEAR_ROWS), _kernel(LINEAR_ROWS_ADD))


def _twos(op: Op, signature: Signature) -> int:
    del op
    return -(-signature.output.shape[1] // 2)


def _finish_cycles(op: Op, signature: Signature) -> int:
    del op
    rows, outputs = signature.output.shape
    return rows * (shared_out(-(-outputs // 2), 2 * FINISH_CYCLES) + CORES * 60)


def _finish_kernel(portable: Kernel) -> Kernel:
    """As ``_kernel``."""
    return replace(
        portable,
        symbol="finish_rows_xpulp",
        struct="finish_rows_xpulp_args",
        header=HERE / "finish_rows_xpulp.h",
        source=HERE / "finish_rows_xpulp.c",
        items=_twos,
        cycles=_finish_cycles,
        code_bytes=520,
        includes=LINEAR_PARTS,
    )


FINISH_ROWS_XPULP = (_finish_kernel(FINISH_ROWS), _finish_kernel(FINISH_ROWS_ADD))


def _parts(op: Op, signature: Signature) -> int:
    """Every core has some of them at the same time: ``Engine.cores`` is at most this."""
    del op, signature
    return CORES


def _row_kernel(portable: Kernel, each: int) -> Kernel:
    """``each``: cycles per element."""
    symbol = f"{portable.symbol}_xpulp"

    def fields(op: Op, signature: Signature) -> Fields:
        return {"rows": signature.output.shape[0], **portable.fields(op, signature)}

    def cycles(op: Op, signature: Signature) -> int:
        del op
        rows, width = signature.output.shape
        meets = rows if rows < CORES else 0
        return each * rows * (width - FACTOR_BYTES) + CORES * (60 * rows + 150 * meets)

    return replace(
        portable,
        symbol=symbol,
        struct=f"{symbol}_args",
        header=HERE / "scale_rows_xpulp.h",
        source=HERE / "scale_rows_xpulp.c",
        fields=fields,
        items=_parts,
        cycles=cycles,
        code_bytes=600,
        includes=(*ROW_PARTS, PORTABLE / "scaled_row.h", PORTABLE / "square_root.h"),
    )


SCALE_ROWS_XPULP = (
    _row_kernel(SCALE_ROWS, 11),
    _row_kernel(NORM_ROWS, 20),
    _row_kernel(GATED_ROWS, 23),
)

CACHED_ATTENTION_XPULP = replace(
    CACHED_ATTENTION,
    symbol="cached_attention_xpulp",
    struct="cached_attention_xpulp_args",
    header=HERE / "cached_attention_xpulp.h",
    source=HERE / "cached_attention_xpulp.c",
    cycles=_attention_cycles,
    code_bytes=2000,
    scratch_bytes=_attention_scratch,
    includes=(*ATTENTION_CORE, *ROW_PARTS),
)


def _head_cycles(op: Op, signature: Signature) -> int:
    """Some 16 cycles an element, and 100 a head."""
    assert isinstance(op, HeadRows)
    return shared_out(signature.output.shape[0] * op.heads, 100 + 16 * op.head_dim)


def _head_kernel(portable: Kernel) -> Kernel:
    """Queries, keys and values: one function."""
    return replace(
        portable,
        symbol="head_rows_xpulp",
        struct="head_rows_xpulp_args",
        header=HERE / "head_rows_xpulp.h",
        source=HERE / "head_rows_xpulp.c",
        cycles=_head_cycles,
        code_bytes=440,
        includes=(*ROW_PARTS, PORTABLE / "scaled_row.h"),
    )


HEAD_ROWS_XPULP = _head_kernel(HEAD_ROWS)
TURNED_HEAD_ROWS_XPULP = (_head_kernel(TURNED_HEAD_ROWS), _head_kernel(CENTRED_HEAD_ROWS))

LANGUAGE_XPULP = (
    *LINEAR_ROWS_XPULP,
    *FINISH_ROWS_XPULP,
    HEAD_ROWS_XPULP,
    *SCALE_ROWS_XPULP,
    CACHED_ATTENTION_XPULP,
)
"""Each computes every call of its operator."""


def _eighths(op: Op, signature: Signature) -> int:
    del op
    return CORES * signature.output.shape[0]


def _embed_cycles(op: Op, signature: Signature) -> int:
    """Eight cycles an element, and four of them are one load from memory outside L1."""
    del op
    rows, length = signature.output.shape
    return rows * (12 * length + CORES * 100)


EMBED_TOKENS_XPULP = replace(
    EMBED_TOKENS,
    symbol="embed_tokens_xpulp",
    struct="embed_tokens_xpulp_args",
    header=HERE / "embed_tokens_xpulp.h",
    source=HERE / "embed_tokens_xpulp.c",
    items=_eighths,
    cycles=_embed_cycles,
    code_bytes=290,
    includes=(*ROW_PARTS, PORTABLE / "scaled_row.h"),
    tables=frozenset({1, 2}),
)

LOOKUPS_XPULP = (EMBED_TOKENS_XPULP, *TURNED_HEAD_ROWS_XPULP)
"""Of an engine that reaches tables where they are: they read few bytes of large ones."""
