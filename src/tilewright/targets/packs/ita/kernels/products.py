"""Bindings of ita_product.c, ita_product_added.c and ita_normed.c."""

from dataclasses import replace
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import AtMost, Fields, Kernel, Signature
from tilewright.ops.tile_norm import TileNormed
from tilewright.ops.tiles import TILE, Activation, TileProduct, TileProductAdded
from tilewright.targets.packs.ita.cycles import product_cycles
from tilewright.targets.packs.ita.registers import LINEAR, MOST_TILES, settings

HERE = Path(__file__).parent
INCLUDES = tuple(HERE / f"{name}.h" for name in ("ita_queue", "ita_product_walk"))
RING_TILES = 4
"""Of weights on their way, as in ita_feed.h."""


def _inner(op: Op, signature: Signature) -> int:
    """Tiles that are summed over; what is added is one more."""
    return signature.inputs[0].shape[1] + isinstance(op, TileProductAdded)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, TileProduct | TileProductAdded)
    rows, columns = signature.output.shape[:2]
    tiles = (rows, _inner(op, signature), columns)
    return {
        "rows": rows, "columns": columns, "inner": signature.inputs[0].shape[1],
        "by_row": int(op.bias_by_row), **settings(LINEAR, tiles, {0: op.scale}, op.activation),
    }  # fmt: skip


def _normed_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, TileNormed)
    blocks, columns = signature.output.shape[:2]
    return {
        "blocks": blocks, "columns": columns,
        **settings(LINEAR, (blocks, 1, columns), {0: op.scale}, Activation()),
    }  # fmt: skip


def _normed_cycles(op: Op, signature: Signature) -> int:
    del op
    blocks, columns = signature.output.shape[:2]
    return product_cycles(blocks, columns, 1)


def _refuse(op: Op, signature: Signature) -> str | None:
    inner = _inner(op, signature)
    if inner > MOST_TILES:
        return f"sums over {inner} tiles of 64, its counters hold {MOST_TILES}"
    return None


def _cycles(op: Op, signature: Signature) -> int:
    rows, columns = signature.output.shape[:2]
    return product_cycles(rows, columns, _inner(op, signature))


def _one_item(op: Op, signature: Signature) -> int:
    del op, signature
    return 1


def _ring_bytes(op: Op, signature: Signature) -> int:
    del op, signature
    return RING_TILES * TILE * TILE


PRODUCT = Kernel(
    op=TileProduct,
    symbol="ita_product",
    struct="ita_product_args",
    header=HERE / "ita.h",
    source=HERE / "ita_product.c",
    pointers=("x", "w", "bias", "y"),
    fields=_fields,
    items=_one_item,
    cycles=_cycles,
    refuse=_refuse,
    scratch_bytes=_ring_bytes,
    includes=INCLUDES,
    tables=frozenset({2}),
    limits=(AtMost(0, MOST_TILES), AtMost(1, MOST_TILES)),
)

PRODUCT_ADDED = replace(
    PRODUCT,
    op=TileProductAdded,
    symbol="ita_product_added",
    struct="ita_added_args",
    source=HERE / "ita_product_added.c",
    pointers=("x", "w", "bias", "r", "d", "y"),
    tables=frozenset({2, 3}),
)
"""A residual is cut along both axes, so that parts of a constant one are no runs of bytes."""

NORMED = Kernel(
    op=TileNormed,
    symbol="ita_normed",
    struct="ita_normed_args",
    header=HERE / "ita.h",
    source=HERE / "ita_normed.c",
    pointers=("n", "x", "y"),
    fields=_normed_fields,
    items=_one_item,
    cycles=_normed_cycles,
    includes=(HERE / "ita_queue.h",),
    tables=frozenset({0, 1}),
    limits=PRODUCT.limits,
)
