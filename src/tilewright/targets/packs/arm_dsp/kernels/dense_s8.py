"""Bindings of dense_s8_dsp_*.c: int8 dense layers by SMLAD."""

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import Array
from tilewright.ops.dense import QDense
from tilewright.targets.packs.arm_dsp.kernels.finish import VARIANTS, Variant, finish
from tilewright.targets.packs.arm_dsp.kernels.matrix import pack_matrix, quads
from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE, Tables
from tilewright.targets.packs.arm_dsp.kernels.words import is_clipped
from tilewright.targets.packs.terms import groups

PIECE = 128
"""Elements of a row that are widened at a time where all accumulators take less memory."""


def _widened_bytes(signature: Signature) -> int:
    return 8 * quads(signature.inputs[1].shape[1])


def _pieces_bytes(signature: Signature) -> int:
    return 2 * PIECE + 16 * quads(signature.output.shape[-1])


def _is_in_pieces(signature: Signature) -> bool:
    is_long = signature.inputs[1].shape[1] > PIECE
    return is_long and _pieces_bytes(signature) < _widened_bytes(signature)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QDense)
    out_c, in_c = signature.inputs[1].shape
    return {
        "in_c": in_c, "out_c": out_c,
        "piece": PIECE if _is_in_pieces(signature) else in_c,
        "w_zero": op.w_zero, "y_zero": op.output.zero, "low": op.output.low, "high": op.output.high,
        "table_step": int(signature.inputs[3].size > 1),
    }  # fmt: skip


def _items(op: Op, signature: Signature) -> int:
    del op
    return signature.output.size // signature.output.shape[-1]


def _scratch_bytes(op: Op, signature: Signature) -> int:
    del op
    is_in_pieces = _is_in_pieces(signature)
    return _pieces_bytes(signature) if is_in_pieces else _widened_bytes(signature)


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """(x, w[O,K], bias, multiplier, number)."""
    assert isinstance(op, QDense)
    w, bias, multiplier, shift = (a for a in constants if a is not None)
    tables = finish(
        w.T.astype(np.int16) - op.w_zero, Tables(bias, multiplier, shift), op.output
    ).by_channel()
    return None, pack_matrix(w), *tables


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Rows, widened whole or in pieces, meet four channels at a time."""
    assert isinstance(op, QDense)
    rows, (channels, length) = _items(op, signature), signature.inputs[1].shape
    fours = rows * groups(channels, 4)
    pieces = groups(length, PIECE) if _is_in_pieces(signature) else 1
    is_short = signature.inputs[3].size == 1
    quick = rows * channels if is_short else 0
    return (
        rows, rows * pieces, rows * quads(length), fours * pieces, fours * quads(length), quick,
        rows * channels - quick, rows * quads(length) * (op.w_zero != 0),
        is_clipped(op.output) * rows * channels,
    )  # fmt: skip


TERMS = Terms(
    (
        "rows", "pieces", "widened", "fours", "products", "quick_outputs", "outputs", "summed",
        "clipped",
    ),
    _terms,
)  # fmt: skip


def _kernel(variant: Variant) -> Kernel:
    symbol = f"dense_s8_dsp_{variant.name}"
    return Kernel(
        op=QDense,
        symbol=symbol,
        struct="dense_s8_dsp_args",
        header=HERE / "dense_s8_dsp.h",
        source=HERE / "dense_s8_dsp.c",
        pointers=("x", "w", "bias", "multiplier", "number", "y"),
        variant=variant.refuse,
        fields=_fields,
        items=_items,
        terms=TERMS,
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=(
            HERE / "dsp_finish.h",
            HERE / "dsp_requantise.h",
            HERE / "dsp_row.h",
            HERE / "dsp_widen.h",
            HERE / "dsp_words.h",
        ),
        pack=_pack,
    )


DENSE_S8_DSP = tuple(map(_kernel, VARIANTS))
