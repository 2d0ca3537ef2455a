"""Bindings of linear_rows_helium.c and cached_attention_helium.c: language models."""

from collections.abc import Callable
from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature
from tilewright.ops.llm.attention import CachedAttention
from tilewright.ops.llm.linear import LinearRows
from tilewright.targets.packs.helium.kernels.variants import HERE
from tilewright.targets.packs.portable.kernels.language import (
    ATTENTION_CORE,
    CACHED_ATTENTION,
    LINEAR_FINISH,
    LINEAR_ROWS,
    LINEAR_ROWS_ADD,
)

FOUR = 4


def _fours(op: Op, signature: Signature) -> int:
    del op
    return -(-signature.output.shape[1] // FOUR)


def _cycles(op: Op, signature: Signature) -> int:
    """Four sums of 16 products take ten instructions, their end about 40."""
    rows, outputs = signature.output.shape
    steps = -(-signature.inputs[1].shape[1] // 16)
    return rows * -(-outputs // FOUR) * (10 * steps + 40)


def _attention_cycles(op: Op, signature: Signature) -> int:
    """Per key and head some 13 instructions, and 3 per four elements of it."""
    assert isinstance(op, CachedAttention)
    rows, known = signature.inputs[0].shape[0], signature.inputs[1].shape[0]
    return rows * op.heads * known * (13 + 3 * -(-op.head_dim // 4))


HELIUM_FINISH = (*LINEAR_FINISH, HERE / "linear_rows_finish_helium.h")
MOST_SUM_SHIFT = 31
"""Sums of 31 bits times multipliers of 15 need far less."""


def _refuses_shift(portable: Kernel) -> Callable[[Op, Signature], str | None]:
    def refuse(op: Op, signature: Signature) -> str | None:
        assert isinstance(op, LinearRows)
        if op.sum_shift > MOST_SUM_SHIFT:
            return f"shifts sums by {MOST_SUM_SHIFT} bits at most, not by {op.sum_shift}"
        return portable.refuse(op, signature)

    return refuse


def _kernel(portable: Kernel) -> Kernel:
    symbol = f"{portable.symbol}_helium"
    return replace(
        portable,
        symbol=symbol,
        struct=f"{symbol}_args",
        header=HERE / "linear_rows_helium.h",
        source=HERE / "linear_rows_helium.c",
        refuse=_refuses_shift(portable),
        items=_fours,
        cycles=_cycles,
        includes=HELIUM_FINISH,
    )


LINEAR_ROWS_HELIUM = (_kernel(LINEAR_ROWS), _kernel(LINEAR_ROWS_ADD))

CACHED_ATTENTION_HELIUM = replace(
    CACHED_ATTENTION,
    symbol="cached_attention_helium",
    struct="cached_attention_helium_args",
    header=HERE / "cached_attention_helium.h",
    source=HERE / "cached_attention_helium.c",
    cycles=_attention_cycles,
    includes=ATTENTION_CORE,
)
