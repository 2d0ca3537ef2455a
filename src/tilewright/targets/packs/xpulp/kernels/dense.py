"""Bindings of dense_xpulp.c: int8 dense layers."""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, MultipleOf, Signature
from tilewright.ir.types import Array
from tilewright.ops.dense import QDense
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.contract_variants import ROUNDINGS, rounds_as
from tilewright.targets.packs.xpulp.kernels.shared import (
    COMMON,
    CORES,
    DOT,
    HERE,
    MOST_PRODUCTS,
    OVERRUN,
    ROWS,
    finished,
    interleaved,
    padded,
    products,
    round_up,
    shared_out,
)

EIGHT = 8
"""Channels that meet a single row."""


def _refuse_any(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QDense)
    if op.w_zero:
        return "weights have a zero point"
    in_c = signature.inputs[1].shape[1]
    return f"{in_c:,} products per sum, at most {MOST_PRODUCTS:,}" if in_c > MOST_PRODUCTS else None


def _refuse(op: Op, signature: Signature) -> str | None:
    channels = signature.inputs[1].shape[0]
    if channels % ROWS:
        return f"{channels} output channels, no multiple of {ROWS}"
    return _refuse_any(op, signature)


def _rows(signature: Signature) -> int:
    return signature.output.size // signature.output.shape[-1]


def _blocks(signature: Signature) -> int:
    rows = _rows(signature)
    return rows if rows < ROWS else -(-rows // ROWS)


def _item_channels(signature: Signature) -> int:
    """All where every core has rows of its own; one row: an eighth of the groups; else eight or
    four."""
    channels, blocks = signature.inputs[1].shape[0], _blocks(signature)
    if blocks == 1:
        return min(-(-channels // (ROWS * CORES)) * ROWS, channels)
    if blocks % CORES == 0 or blocks >= 8 * CORES:
        return channels
    eights = blocks * -(-channels // EIGHT)
    return min(EIGHT if eights % CORES == 0 or eights >= 4 * CORES else ROWS, channels)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QDense)
    out_c, in_c = signature.inputs[1].shape
    return {
        "rows": _rows(signature), "in_c": in_c, "out_c": out_c,
        "words": round_up(in_c, 4) // 4,
        "y_zero": op.output.zero, "low": op.output.low, "high": op.output.high,
        "item_channels": _item_channels(signature),
    }  # fmt: skip


def _items(op: Op, signature: Signature) -> int:
    del op
    return _blocks(signature) * -(-signature.inputs[1].shape[0] // _item_channels(signature))


def _scratch_bytes(op: Op, signature: Signature) -> int:
    del op
    in_c = signature.inputs[1].shape[1]
    return 0 if in_c % 4 == 0 else min(ROWS, _rows(signature)) * round_up(in_c, 4) + OVERRUN


def _cycles(op: Op, signature: Signature) -> int:
    words = round_up(signature.inputs[1].shape[1], 4) // 4
    groups = -(-_item_channels(signature) // ROWS)
    one = 9 * words + 75 if _rows(signature) < ROWS else 24 * words + 150
    return shared_out(_items(op, signature), 60 + groups * one) + 300 * CORES


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    assert isinstance(op, QDense)
    x, w, bias, multiplier, shift = products(constants)
    tables = finished(w, (bias, multiplier, shift), op.output)
    return x, interleaved(padded(w)), *tables


def _kernel(rounding: Rounding) -> Kernel:
    return Kernel(
        op=QDense,
        symbol=f"dense_xpulp_{rounding.value}",
        struct="dense_xpulp_args",
        header=HERE / "dense_xpulp.h",
        source=HERE / "dense_xpulp.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=rounds_as(rounding, wraps=True),
        refuse=_refuse,
        fields=_fields,
        items=_items,
        cycles=_cycles,
        code_bytes=1700,
        scratch_bytes=_scratch_bytes,
        includes=(HERE / "dense_xpulp_core.h", HERE / "dense_xpulp_asm.h", *DOT, *COMMON),
        pack=_pack,
        limits=(MultipleOf(1, ROWS),),
    )


def _any(strict: Kernel, rounding: Rounding) -> Kernel:
    return replace(
        strict, symbol=f"dense_any_xpulp_{rounding.value}", refuse=_refuse_any, limits=()
    )


DENSE_XPULP = tuple(map(_kernel, ROUNDINGS))
DENSE_ANY_XPULP = tuple(map(_any, DENSE_XPULP, ROUNDINGS))
