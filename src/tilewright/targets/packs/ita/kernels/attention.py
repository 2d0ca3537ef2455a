"""Bindings of ita_attention.c and ita_attention_masked.c."""

from dataclasses import replace
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.tiles import TILE, Activation, TileAttention, TileAttentionMasked
from tilewright.targets.packs.ita.cycles import attention_cycles
from tilewright.targets.packs.ita.registers import ATTENTION, MOST_TILES, settings

HERE = Path(__file__).parent
LOGITS, VALUES = 3, 4
"""Steps, as scales are numbered."""


def _sizes(signature: Signature) -> tuple[int, int, int, int]:
    """Tiles: rows, heads, depth of a head, keys."""
    rows, heads, depth = signature.output.shape[:3]
    return rows, heads, depth, signature.inputs[1].shape[0]


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, TileAttention | TileAttentionMasked)
    rows, heads, depth, keys = _sizes(signature)
    scales = {LOGITS: op.logits, VALUES: op.values}
    return {
        "rows": rows, "heads": heads, "depth": depth, "keys": keys,
        **settings(ATTENTION, (keys, 1, depth), scales, Activation()),
    }  # fmt: skip


def _refuse(op: Op, signature: Signature) -> str | None:
    _, _, depth, keys = _sizes(signature)
    if max(depth, keys) > MOST_TILES:
        return f"{keys} tiles of keys, heads of {depth}: the engine's counters hold {MOST_TILES}"
    return None


def _cycles(op: Op, signature: Signature) -> int:
    assert isinstance(op, TileAttention | TileAttentionMasked)
    return attention_cycles(*_sizes(signature), op.softmax_shift)


def _logits_bytes(op: Op, signature: Signature) -> int:
    del op
    return signature.inputs[1].shape[0] * TILE * TILE


def _one_item(op: Op, signature: Signature) -> int:
    del op, signature
    return 1


ATTENTION_KERNEL = Kernel(
    op=TileAttention,
    symbol="ita_attention",
    struct="ita_attention_args",
    header=HERE / "ita.h",
    source=HERE / "ita_attention.c",
    pointers=("q", "k", "v", "y"),
    fields=_fields,
    items=_one_item,
    cycles=_cycles,
    refuse=_refuse,
    scratch_bytes=_logits_bytes,
    includes=tuple(HERE / f"{name}.h" for name in ("ita_queue", "ita_attention_walk")),
    tables=frozenset({0, 1, 2}),
)

MASKED_KERNEL = replace(
    ATTENTION_KERNEL,
    op=TileAttentionMasked,
    symbol="ita_attention_masked",
    struct="ita_masked_args",
    source=HERE / "ita_attention_masked.c",
    pointers=("q", "k", "v", "mask", "y"),
    tables=frozenset({0, 1, 2, 3}),
)
