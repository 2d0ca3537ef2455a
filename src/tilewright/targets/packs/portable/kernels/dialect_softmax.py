"""Bindings of ratio_softmax_s8 and shift_softmax_s8."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.softmax_pulp import RatioSoftmax, ShiftSoftmax
from tilewright.targets.packs.portable.kernels.counts import output_rows

HERE = Path(__file__).parent


def _ratio_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, RatioSoftmax)
    return {"length": signature.output.shape[-1], "levels": op.levels}


def _shift_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, ShiftSoftmax)
    return {"length": signature.output.shape[-1], "levels": op.levels, "group": op.group}


RATIO_SOFTMAX_S8 = Kernel(
    op=RatioSoftmax,
    symbol="ratio_softmax_s8",
    struct="ratio_softmax_s8_args",
    header=HERE / "dialect_softmax.h",
    source=HERE / "ratio_softmax_s8.c",
    pointers=("x", "table", "y"),
    fields=_ratio_fields,
    items=output_rows,
    replaces=0,
    tables=frozenset({1}),
    includes=(HERE / "ratio.h",),
)

SHIFT_SOFTMAX_S8 = Kernel(
    op=ShiftSoftmax,
    symbol="shift_softmax_s8",
    struct="shift_softmax_s8_args",
    header=HERE / "dialect_softmax.h",
    source=HERE / "shift_softmax_s8.c",
    pointers=("x", "y"),
    fields=_shift_fields,
    items=output_rows,
    replaces=0,
)
