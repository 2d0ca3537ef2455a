"""Bindings of dense_s8_*.c: int8 dense layers."""

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ops.dense import QDense
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.contract_variants import (
    HERE,
    rounds_as,
    widen_shifts,
)
from tilewright.targets.packs.portable.kernels.conv2d_s8 import PATCHES


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


def _cycles(op: Op, signature: Signature) -> int:
    return op.macs(*signature.inputs) + signature.inputs[0].size + 12 * signature.output.size


def _kernel(rounding: Rounding) -> Kernel:
    return Kernel(
        op=QDense,
        symbol=f"dense_s8_{rounding.value}",
        struct="dense_s8_args",
        header=HERE / "dense_s8.h",
        source=HERE / "dense_s8.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=rounds_as(rounding),
        fields=_fields,
        items=_items,
        cycles=_cycles,
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=(HERE / "dot_s8.h", HERE / "requantise_s8.h"),
        pack=widen_shifts,
    )


DENSE_S8 = tuple(map(_kernel, Rounding))
