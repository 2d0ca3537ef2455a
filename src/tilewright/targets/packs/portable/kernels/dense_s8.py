"""Bindings of dense_s8_*.c: int8 dense layers."""

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ops.dense import QDense
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.contract_variants import (
    HERE,
    ROUNDINGS,
    rounds_as,
    widen_shifts,
)
from tilewright.targets.packs.portable.kernels.product_terms import (
    DOTS,
    FINISHED,
    FOURS,
    PATCHES,
    dots,
    finished,
    fours,
)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QDense)
    out_c, in_c = signature.inputs[1].shape
    return {
        "in_c": in_c, "out_c": out_c,
        "w_zero": op.w_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
        "table_step": int(signature.inputs[3].size > 1),
    }  # fmt: skip


def _items(op: Op, signature: Signature) -> int:
    del op
    return signature.output.size // signature.output.shape[-1]


def _scratch_bytes(op: Op, signature: Signature) -> int:
    return 2 * min(PATCHES, _items(op, signature)) * signature.inputs[1].shape[1]


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, QDense)
    rows, (channels, length) = _items(op, signature), signature.inputs[1].shape
    return (
        rows, rows * length,
        *fours(rows // PATCHES, channels, length),
        *dots(rows % PATCHES, channels, length, recentres=rows * (op.w_zero != 0)),
        *finished(rows, channels, signature.inputs[3].size),
    )  # fmt: skip


def _kernel(rounding: Rounding) -> Kernel:
    return Kernel(
        op=QDense,
        symbol=f"dense_s8_{rounding.value}",
        struct="dense_s8_args",
        header=HERE / "dense_s8.h",
        source=HERE / "dense_s8.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=rounds_as(rounding, wraps=True),
        fields=_fields,
        items=_items,
        terms=Terms(("rows", "widened", *FOURS, *DOTS, *FINISHED), _terms),
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=(HERE / "dot_s8.h", HERE / "requantise_s8.h"),
        pack=widen_shifts,
    )


DENSE_S8 = tuple(map(_kernel, ROUNDINGS))
