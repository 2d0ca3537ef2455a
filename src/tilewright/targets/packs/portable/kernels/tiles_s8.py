"""Bindings of tile_product_s8, tile_product_added_s8 and tile_attention_s8."""

from dataclasses import replace
from math import prod
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.tile_norm import TileNormed, TileNormFactors, reciprocal
from tilewright.ops.tiles import (
    TILE,
    TileAttention,
    TileAttentionMasked,
    TileProduct,
    TileProductAdded,
)

HERE = Path(__file__).parent


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, TileProduct | TileProductAdded)
    rows, columns = signature.output.shape[:2]
    curve = op.activation
    return {
        "rows": rows, "columns": columns, "inner": signature.inputs[0].shape[1],
        "by_row": int(op.bias_by_row), "multiplier": op.scale.multiplier,
        "shift": op.scale.shift, "add": op.scale.add, "curve": curve.curve.value,
        "b": curve.b, "c": curve.c, "curve_multiplier": curve.scale.multiplier,
        "curve_shift": curve.scale.shift, "curve_add": curve.scale.add,
    }  # fmt: skip


def _attention_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, TileAttention | TileAttentionMasked)
    rows, heads, depth = signature.output.shape[:3]
    return {
        "rows": rows, "heads": heads, "depth": depth, "keys": signature.inputs[1].shape[0],
        "multiplier": op.logits.multiplier, "shift": op.logits.shift, "add": op.logits.add,
        "values_multiplier": op.values.multiplier, "values_shift": op.values.shift,
        "values_add": op.values.add, "softmax_shift": op.softmax_shift,
    }  # fmt: skip


def _factors_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, TileNormFactors)
    tiles, blocks = signature.inputs[0].shape[:2]
    return {
        "tiles": tiles, "blocks": blocks, "reciprocal": reciprocal(op.channels),
        "strength": op.strength,
    }  # fmt: skip


def _normed_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, TileNormed)
    tiles, blocks = signature.inputs[1].shape[:2]
    return {
        "tiles": tiles, "blocks": blocks, "multiplier": op.scale.multiplier,
        "shift": op.scale.shift, "add": op.scale.add,
    }  # fmt: skip


def _tokens(op: Op, signature: Signature) -> int:
    del op
    return signature.output.shape[0] * TILE


def _rows_of_tiles(op: Op, signature: Signature) -> int:
    del op
    return prod(signature.output.shape[:2]) * TILE


def _logits_bytes(op: Op, signature: Signature) -> int:
    del op
    return signature.inputs[1].shape[0] * TILE


TILE_PRODUCT_S8 = Kernel(
    op=TileProduct,
    symbol="tile_product_s8",
    struct="tile_product_args",
    header=HERE / "tiles_s8.h",
    source=HERE / "tile_product_s8.c",
    pointers=("x", "w", "bias", "y"),
    fields=_fields,
    items=_rows_of_tiles,
    includes=(HERE / "tile_core.h",),
)

TILE_PRODUCT_ADDED_S8 = replace(
    TILE_PRODUCT_S8,
    op=TileProductAdded,
    symbol="tile_product_added_s8",
    struct="tile_added_args",
    source=HERE / "tile_product_added_s8.c",
    pointers=("x", "w", "bias", "r", "d", "y"),
)

TILE_ATTENTION_S8 = replace(
    TILE_PRODUCT_S8,
    op=TileAttention,
    symbol="tile_attention_s8",
    struct="tile_attention_args",
    source=HERE / "tile_attention_s8.c",
    pointers=("q", "k", "v", "y"),
    fields=_attention_fields,
    scratch_bytes=_logits_bytes,
    includes=(HERE / "tile_core.h", HERE / "tile_attention_core.h"),
)
"""An item is a row of a tile of one head."""

TILE_ATTENTION_MASKED_S8 = replace(
    TILE_ATTENTION_S8,
    op=TileAttentionMasked,
    symbol="tile_attention_masked_s8",
    struct="tile_masked_args",
    source=HERE / "tile_attention_masked_s8.c",
    pointers=("q", "k", "v", "mask", "y"),
)

TILE_NORM_FACTORS_S8 = Kernel(
    op=TileNormFactors,
    symbol="tile_norm_factors_s8",
    struct="tile_norm_factors_args",
    header=HERE / "tile_norm_s8.h",
    source=HERE / "tile_norm_factors_s8.c",
    pointers=("x", "y"),
    fields=_factors_fields,
    items=_tokens,
    includes=tuple(HERE / f"{name}.h" for name in ("tile_core", "tile_norm_core", "tiles_s8")),
)

TILE_NORMED_S8 = replace(
    TILE_NORM_FACTORS_S8,
    op=TileNormed,
    symbol="tile_normed_s8",
    struct="tile_normed_args",
    source=HERE / "tile_normed_s8.c",
    pointers=("n", "x", "y"),
    fields=_normed_fields,
)

TILE_KERNELS = (
    TILE_PRODUCT_S8, TILE_PRODUCT_ADDED_S8, TILE_ATTENTION_S8, TILE_ATTENTION_MASKED_S8,
    TILE_NORM_FACTORS_S8, TILE_NORMED_S8,
)  # fmt: skip
