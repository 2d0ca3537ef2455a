"""Bindings of the kernels of language models: the operators of ``ops/llm``."""

from collections.abc import Callable
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import DType
from tilewright.ops.llm.attention import CachedAttention
from tilewright.ops.llm.embedding import EmbedTokens, LastRow
from tilewright.ops.llm.heads import CentredHeadRows, HeadRows, TurnedHeadRows
from tilewright.ops.llm.linear import FinishRows, LinearRows, PackedLinearRows, SumRows
from tilewright.ops.llm.packed import PACKED_BITS
from tilewright.ops.llm.row_ops import GatedRows, NormRows, ScaleRows
from tilewright.ops.llm.rows import FACTOR_BYTES
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.refusals import wrong_types

HERE = Path(__file__).parent
SHARED = (HERE / "scaled_row.h",)
WORD_BYTES = 4


def _refuses(*inputs: DType, output: DType) -> Callable[[Op, Signature], str | None]:
    def refuse(op: Op, signature: Signature) -> str | None:
        del op
        return wrong_types(signature, inputs, output)

    return refuse


def _embed_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, EmbedTokens)
    rows, length = signature.inputs[1].shape
    return {"rows": rows, "length": length, "shift": op.shift}


EMBED_TOKENS = Kernel(
    op=EmbedTokens,
    symbol="embed_tokens",
    struct="embed_tokens_args",
    header=HERE / "embed_tokens.h",
    source=HERE / "embed_tokens.c",
    pointers=("token", "table", "multiplier", "y"),
    refuse=_refuses(DType.S32, DType.S8, DType.S16, output=DType.S16),
    fields=_embed_fields,
    items=output_rows,
    includes=SHARED,
)


def _last_fields(op: Op, signature: Signature) -> Fields:
    del op
    row_bytes = signature.output.nbytes
    return {"before": signature.inputs[0].nbytes - row_bytes, "row_bytes": row_bytes}


def _one(op: Op, signature: Signature) -> int:
    del op, signature
    return 1


LAST_ROW = Kernel(
    op=LastRow,
    symbol="last_row",
    struct="last_row_args",
    header=HERE / "last_row.h",
    source=HERE / "last_row.c",
    pointers=("x", "y"),
    fields=_last_fields,
    items=_one,
)


def _head_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, HeadRows)
    return {
        "width": signature.inputs[0].shape[1], "column": op.column,
        "heads": op.heads, "head_dim": op.head_dim,
    }  # fmt: skip


def _turned_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, TurnedHeadRows)
    return {**_head_fields(op, signature), "first": op.position}


def _heads(op: Op, signature: Signature) -> int:
    assert isinstance(op, HeadRows | CachedAttention)
    return signature.output.shape[0] * op.heads


def _head_scratch(op: Op, signature: Signature) -> int:
    assert isinstance(op, HeadRows)
    del signature
    return WORD_BYTES * op.head_dim


def _refuse_turned(op: Op, signature: Signature) -> str | None:
    if isinstance(op, TurnedHeadRows):
        return "takes heads as they are, without turning them"
    return wrong_types(signature, (DType.S16,), DType.S8)


def _refuse_centred(op: Op, signature: Signature) -> str | None:
    if isinstance(op, CentredHeadRows):
        return "subtracts no centre"
    return wrong_types(signature, (DType.S16, DType.S16), DType.S8)


HEAD_ROWS = Kernel(
    op=HeadRows,
    symbol="head_rows",
    struct="head_rows_args",
    header=HERE / "head_rows.h",
    source=HERE / "head_rows.c",
    pointers=("x", "y"),
    refuse=_refuse_turned,
    fields=_head_fields,
    items=_heads,
    scratch_bytes=_head_scratch,
    includes=SHARED,
)

TURNED_HEAD_ROWS = Kernel(
    op=TurnedHeadRows,
    symbol="turned_head_rows",
    struct="turned_head_rows_args",
    header=HERE / "head_rows.h",
    source=HERE / "head_rows.c",
    pointers=("x", "turns", "y"),
    refuse=_refuse_centred,
    fields=_turned_fields,
    items=_heads,
    scratch_bytes=_head_scratch,
    includes=SHARED,
    tables=frozenset({1}),
)

CENTRED_HEAD_ROWS = Kernel(
    op=CentredHeadRows,
    symbol="centred_head_rows",
    struct="centred_head_rows_args",
    header=HERE / "head_rows.h",
    source=HERE / "head_rows.c",
    pointers=("x", "turns", "centre", "y"),
    refuse=_refuses(DType.S16, DType.S16, DType.S16, output=DType.S8),
    fields=_turned_fields,
    items=_heads,
    scratch_bytes=_head_scratch,
    includes=SHARED,
    tables=frozenset({1, 2}),
)


def _linear_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, LinearRows)
    rows, outputs = signature.output.shape
    return {
        "rows": rows, "inputs": signature.inputs[1].shape[1], "outputs": outputs,
        "sum_shift": op.sum_shift, "shift": op.shift,
    }  # fmt: skip


def _outputs(op: Op, signature: Signature) -> int:
    del op
    return signature.output.shape[1]


LINEAR_FINISH = (*SHARED, HERE / "linear_rows_finish.h")
LINEAR_TYPES = (DType.S8, DType.S8, DType.S16)

LINEAR_ROWS = Kernel(
    op=LinearRows,
    symbol="linear_rows",
    struct="linear_rows_args",
    header=HERE / "linear_rows.h",
    source=HERE / "linear_rows.c",
    pointers=("x", "w", "multiplier", "y"),
    refuse=_refuses(*LINEAR_TYPES, output=DType.S16),
    fields=_linear_fields,
    items=_outputs,
    includes=LINEAR_FINISH,
)

LINEAR_ROWS_ADD = Kernel(
    op=LinearRows,
    symbol="linear_rows_add",
    struct="linear_rows_add_args",
    header=HERE / "linear_rows.h",
    source=HERE / "linear_rows.c",
    pointers=("x", "w", "multiplier", "residual", "y"),
    refuse=_refuses(*LINEAR_TYPES, DType.S16, output=DType.S16),
    fields=_linear_fields,
    items=_outputs,
    includes=LINEAR_FINISH,
)


def _packed_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, PackedLinearRows)
    x, w = signature.inputs[:2]
    return {
        "rows": x.shape[0], "inputs": x.shape[1] - FACTOR_BYTES, "outputs": w.shape[0],
        "row_bytes": w.shape[1], "sum_shift": op.sum_shift, "shift": op.shift,
    }  # fmt: skip


def _packed_kernel(bits: int, *residual: DType) -> Kernel:
    inputs = (DType.S8, DType.U8, DType.S16, *residual)

    def refuse(op: Op, signature: Signature) -> str | None:
        assert isinstance(op, PackedLinearRows)
        if op.bits != bits:
            return f"reads weights of {bits} bits, not of {op.bits}"
        return wrong_types(signature, inputs, DType.S16)

    return Kernel(
        op=PackedLinearRows,
        symbol=f"linear_rows_w{bits}_add" if residual else f"linear_rows_w{bits}",
        struct="packed_rows_add_args" if residual else "packed_rows_args",
        header=HERE / "packed_rows.h",
        source=HERE / "packed_rows.c",
        pointers=("x", "w", "multiplier", *(("residual",) if residual else ()), "y"),
        refuse=refuse,
        fields=_packed_fields,
        items=_outputs,
        includes=LINEAR_FINISH,
    )


def _sum_fields(op: Op, signature: Signature) -> Fields:
    del op
    rows, outputs = signature.output.shape
    return {"rows": rows, "inputs": signature.inputs[1].shape[1], "outputs": outputs}


SUM_ROWS = Kernel(
    op=SumRows,
    symbol="sum_rows",
    struct="sum_rows_args",
    header=HERE / "sum_rows.h",
    source=HERE / "sum_rows.c",
    pointers=("x", "w", "y"),
    refuse=_refuses(DType.S8, DType.S8, output=DType.S32),
    fields=_sum_fields,
    items=_outputs,
    includes=LINEAR_FINISH,
)


def _finish_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, FinishRows)
    rows, outputs = signature.output.shape
    return {
        "rows": rows, "inputs": signature.inputs[1].shape[1] - FACTOR_BYTES, "outputs": outputs,
        "sum_shift": op.sum_shift, "shift": op.shift,
    }  # fmt: skip


def _finish_kernel(symbol: str, *residual: str) -> Kernel:
    inputs = (DType.S32, DType.S8, DType.S16, *(DType.S16 for _ in residual))
    return Kernel(
        op=FinishRows,
        symbol=symbol,
        struct=f"{symbol}_args",
        header=HERE / "sum_rows.h",
        source=HERE / "sum_rows.c",
        pointers=("sums", "x", "multiplier", *residual, "y"),
        refuse=_refuses(*inputs, output=DType.S16),
        fields=_finish_fields,
        items=_outputs,
        includes=LINEAR_FINISH,
    )


PACKED_ROWS = tuple(
    _packed_kernel(bits, *residual) for bits in PACKED_BITS for residual in ((), (DType.S16,))
)
FINISH_ROWS = _finish_kernel("finish_rows")
FINISH_ROWS_ADD = _finish_kernel("finish_rows_add", "residual")


def _row_fields(op: Op, signature: Signature) -> Fields:
    fields: Fields = {"length": signature.output.shape[1] - FACTOR_BYTES}
    if not isinstance(op, NormRows):
        return fields
    return {**fields, "epsilon_high": op.epsilon >> 31, "epsilon": op.epsilon & (2**31 - 1)}


def _row_scratch(op: Op, signature: Signature) -> int:
    del op
    return WORD_BYTES * (signature.output.shape[1] - FACTOR_BYTES)


def _row_kernel(op: type[Op], symbol: str, *table: str) -> Kernel:
    inputs = (DType.S16,) * (1 + len(table))
    return Kernel(
        op=op,
        symbol=symbol,
        struct=f"{symbol}_args",
        header=HERE / "scale_rows.h",
        source=HERE / "scale_rows.c",
        pointers=("x", *table, "y"),
        refuse=_refuses(*inputs, output=DType.S8),
        fields=_row_fields,
        items=output_rows,
        scratch_bytes=_row_scratch,
        includes=(*SHARED, HERE / "square_root.h"),
        tables=frozenset(range(1, len(inputs))),
    )


SCALE_ROWS = _row_kernel(ScaleRows, "scale_rows")
NORM_ROWS = _row_kernel(NormRows, "norm_rows", "gain")
GATED_ROWS = _row_kernel(GatedRows, "gated_rows", "curve")


def _attention_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, CachedAttention)
    return {
        "rows": signature.inputs[0].shape[0], "known": signature.inputs[1].shape[0],
        "heads": op.heads, "kv_heads": op.kv_heads, "head_dim": op.head_dim,
        "multiplier": op.multiplier, "shift": op.shift, "value_shift": op.value_shift,
    }  # fmt: skip


def _attention_scratch(op: Op, signature: Signature) -> int:
    assert isinstance(op, CachedAttention)
    return WORD_BYTES * (signature.inputs[1].shape[0] + op.head_dim)


ATTENTION_CORE = (*SHARED, HERE / "cached_attention_core.h")

CACHED_ATTENTION = Kernel(
    op=CachedAttention,
    symbol="cached_attention",
    struct="cached_attention_args",
    header=HERE / "cached_attention.h",
    source=HERE / "cached_attention.c",
    pointers=("q", "k", "v", "powers", "y"),
    refuse=_refuses(DType.S8, DType.S8, DType.S8, DType.S16, output=DType.S16),
    fields=_attention_fields,
    items=_heads,
    scratch_bytes=_attention_scratch,
    includes=ATTENTION_CORE,
    tables=frozenset({3}),
)

LANGUAGE = (
    EMBED_TOKENS,
    LAST_ROW,
    HEAD_ROWS,
    TURNED_HEAD_ROWS,
    CENTRED_HEAD_ROWS,
    LINEAR_ROWS,
    LINEAR_ROWS_ADD,
    *PACKED_ROWS,
    SUM_ROWS,
    FINISH_ROWS,
    FINISH_ROWS_ADD,
    SCALE_ROWS,
    NORM_ROWS,
    GATED_ROWS,
    CACHED_ATTENTION,
)
"""Priced by the rough rule, so far."""
