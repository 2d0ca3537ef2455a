"""Bindings of linear_rows_helium.c and cached_attention_helium.c: language models."""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature
from tilewright.ops.llm.attention import CachedAttention
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
    """Four sums of 16 products take some 14 instructions, an output's end about 40."""
    rows, outputs = signature.output.shape
    steps = -(-signature.inputs[1].shape[1] // 16)
    return rows * (-(-outputs // FOUR) * (14 * steps + 20) + 40 * outputs)


def _attention_cycles(op: Op, signature: Signature) -> int:
    """Some 40 instructions per key and head, and per four elements of it."""
    assert isinstance(op, CachedAttention)
    rows, known = signature.inputs[0].shape[0], signature.inputs[1].shape[0]
    return rows * op.heads * known * (40 + 8 * -(-op.head_dim // 4))


def _kernel(portable: Kernel) -> Kernel:
    symbol = f"{portable.symbol}_helium"
    return replace(
        portable,
        symbol=symbol,
        struct=f"{symbol}_args",
        header=HERE / "linear_rows_helium.h",
        source=HERE / "linear_rows_helium.c",
        items=_fours,
        cycles=_cycles,
        includes=LINEAR_FINISH,
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
