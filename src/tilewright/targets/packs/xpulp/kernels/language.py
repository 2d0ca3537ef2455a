"""Bindings of linear_rows_xpulp.c, scale_rows_xpulp.c and cached_attention_xpulp.c: language
models."""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.llm.attention import CachedAttention
from tilewright.ops.llm.rows import FACTOR_BYTES
from tilewright.targets.packs.portable.kernels.language import (
    ATTENTION_CORE,
    CACHED_ATTENTION,
    GATED_ROWS,
    LINEAR_FINISH,
    LINEAR_ROWS,
    LINEAR_ROWS_ADD,
    NORM_ROWS,
    SCALE_ROWS,
)
from tilewright.targets.packs.portable.kernels.language import HERE as PORTABLE
from tilewright.targets.packs.xpulp.kernels.shared import CORES, HERE, shared_out

FOUR = 4
ROW_PARTS = (HERE / "scaled_row_xpulp.h", HERE / "xpulp.h")


def _fours(op: Op, signature: Signature) -> int:
    del op
    return -(-signature.output.shape[1] // FOUR)


def _cycles(op: Op, signature: Signature) -> int:
    """Four sums of four products take nine cycles, an output's end about twenty."""
    rows, outputs = signature.output.shape
    steps = -(-signature.inputs[1].shape[1] // 4)
    return rows * shared_out(-(-outputs // FOUR), 9 * steps + 40 + 20 * FOUR)


def _attention_cycles(op: Op, signature: Signature) -> int:
    """Some 45 cycles per key and head, and 13 per four elements of it."""
    assert isinstance(op, CachedAttention)
    rows, known = signature.inputs[0].shape[0], signature.inputs[1].shape[0]
    return shared_out(rows * op.heads, known * (45 + 13 * -(-op.head_dim // 4)))


def _kernel(portable: Kernel) -> Kernel:
    symbol = f"{portable.symbol}_xpulp"
    return replace(
        portable,
        symbol=symbol,
        struct=f"{symbol}_args",
        header=HERE / "linear_rows_xpulp.h",
        source=HERE / "linear_rows_xpulp.c",
        items=_fours,
        cycles=_cycles,
        includes=(*LINEAR_FINISH, *ROW_PARTS),
    )


LINEAR_ROWS_XPULP = (_kernel(LINEAR_ROWS), _kernel(LINEAR_ROWS_ADD))


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
        includes=(*ROW_PARTS, PORTABLE / "scaled_row.h", PORTABLE / "square_root.h"),
    )


SCALE_ROWS_XPULP = (
    _row_kernel(SCALE_ROWS, 16),
    _row_kernel(NORM_ROWS, 32),
    _row_kernel(GATED_ROWS, 32),
)

CACHED_ATTENTION_XPULP = replace(
    CACHED_ATTENTION,
    symbol="cached_attention_xpulp",
    struct="cached_attention_xpulp_args",
    header=HERE / "cached_attention_xpulp.h",
    source=HERE / "cached_attention_xpulp.c",
    cycles=_attention_cycles,
    includes=(*ATTENTION_CORE, *ROW_PARTS),
)

LANGUAGE_XPULP = (*LINEAR_ROWS_XPULP, *SCALE_ROWS_XPULP, CACHED_ATTENTION_XPULP)
"""Each computes every call of its operator."""
