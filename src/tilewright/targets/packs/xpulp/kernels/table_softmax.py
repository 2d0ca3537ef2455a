"""Binding of table_softmax_xpulp: softmax rounded half up, the ``pulp`` contract."""

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ops.rescale import Rounding
from tilewright.ops.softmax_onnx import TableSoftmax
from tilewright.targets.packs.portable.kernels.contract_variants import rounds_as
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.xpulp.kernels.shared import CALL, HERE, shared_out

SHIFTS = range(33, 63)
"""Of products of two words: half of the result's last place lies in the upper one."""


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, TableSoftmax)
    if signature.output.shape[-1] == 0:
        return "has rows without elements"
    shift = op.scale.shift + op.bits
    if shift not in SHIFTS:
        return f"shifts products by {SHIFTS[0]} to {SHIFTS[-1]}, not by {shift}"
    return None


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, TableSoftmax)
    return {
        "length": signature.output.shape[-1], "bits": op.bits,
        "multiplier": op.scale.multiplier, "shift": op.scale.shift + op.bits - 32,
        "y_zero": op.output.zero, "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _scratch_bytes(op: Op, signature: Signature) -> int:
    del op
    return 4 * signature.output.shape[-1]


def _cycles(op: Op, signature: Signature) -> int:
    """A row has three loops and up to five divisions."""
    return shared_out(output_rows(op, signature), 260 + 30 * signature.output.shape[-1]) + CALL


TABLE_SOFTMAX_XPULP = Kernel(
    op=TableSoftmax,
    symbol="table_softmax_xpulp",
    struct="table_softmax_xpulp_args",
    header=HERE / "table_softmax_xpulp.h",
    source=HERE / "table_softmax_xpulp.c",
    pointers=("x", "table", "y"),
    variant=rounds_as(Rounding.HALF_UP),
    refuse=_refuse,
    fields=_fields,
    items=output_rows,
    cycles=_cycles,
    scratch_bytes=_scratch_bytes,
    code_bytes=450,
    streaming=Streaming(inputs=(0,), block_axes=1),
    includes=(HERE / "xpulp.h",),
)
