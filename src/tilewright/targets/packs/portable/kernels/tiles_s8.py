"""Bindings of tile_product_s8, tile_product_added_s8 and tile_attention_s8."""

from dataclasses import replace
from math import prod
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.tiles import TILE, TileAttention, TileProduct, TileProductAdded

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
    assert isinstance(op, TileAttention)
    rows, heads, depth = signature.output.shape[:3]
    return {
        "rows": rows, "heads": heads, "depth": depth, "keys": signature.inputs[1].shape[0],
        "multiplier": op.logits.multiplier, "shift": op.logits.shift, "add": op.logits.add,
        "values_multiplier": op.values.multiplier, "values_shift": op.values.shift,
        "values_add": op.values.add, "softmax_shift": op.softmax_shift,
    }  # fmt: skip


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
)
"""An item is a row of a tile of one head."""

TILE_KERNELS = (TILE_PRODUCT_S8, TILE_PRODUCT_ADDED_S8, TILE_ATTENTION_S8)
