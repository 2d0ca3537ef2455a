"""Bindings of dense_s8_dsp_*.c: int8 dense layers by SMLAD."""

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import Array
from tilewright.ops.dense import QDense
from tilewright.targets.packs.arm_dsp.kernels.estimates import faster_than
from tilewright.targets.packs.arm_dsp.kernels.finish import VARIANTS, Variant, finish
from tilewright.targets.packs.arm_dsp.kernels.matrix import pack_matrix, quads
from tilewright.targets.packs.arm_dsp.kernels.refusals import refuse_zero_point
from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE, Tables
from tilewright.targets.packs.portable.kernels.dense_s8 import DENSE_S8

PIECE = 128
"""Elements of a row that are widened at a time where all accumulators take less memory."""


def _refuse(op: Op, signature: Signature) -> str | None:
    del signature
    assert isinstance(op, QDense)
    return refuse_zero_point(op)


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
        "y_zero": op.output.zero, "low": op.output.low, "high": op.output.high,
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
    tables = finish(w.T, Tables(bias, multiplier, shift), op.output).by_channel()
    return None, pack_matrix(w), *tables


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
        refuse=_refuse,
        fields=_fields,
        items=_items,
        cycles=faster_than(DENSE_S8[0]),
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
