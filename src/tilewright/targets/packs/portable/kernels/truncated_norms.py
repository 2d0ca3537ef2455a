"""Bindings of truncated_layer_norm_s8 and truncated_rms_norm_s8."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import DType
from tilewright.ops.norm_pulp import TruncatedLayerNorm, TruncatedRmsNorm
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.terms import ROWS

HERE = Path(__file__).parent


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    tables = (DType.S32,) * (len(signature.inputs) - 1)
    return wrong_types(signature, (DType.S8, *tables), DType.S8)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, (TruncatedLayerNorm, TruncatedRmsNorm))
    return {"length": signature.output.shape[-1], "x_zero": op.x_zero, "shift": op.shift}


TRUNCATED_LAYER_NORM_S8 = Kernel(
    op=TruncatedLayerNorm,
    symbol="truncated_layer_norm_s8",
    struct="truncated_layer_norm_s8_args",
    header=HERE / "truncated_layer_norm_s8.h",
    source=HERE / "truncated_layer_norm_s8.c",
    pointers=("x", "scale", "bias", "y"),
    refuse=_refuse,
    fields=_fields,
    items=output_rows,
    terms=ROWS,
    replaces=0,
    includes=(HERE / "square_root.h", HERE / "truncated_norm.h"),
)

TRUNCATED_RMS_NORM_S8 = Kernel(
    op=TruncatedRmsNorm,
    symbol="truncated_rms_norm_s8",
    struct="truncated_rms_norm_s8_args",
    header=HERE / "truncated_rms_norm_s8.h",
    source=HERE / "truncated_rms_norm_s8.c",
    pointers=("x", "scale", "y"),
    refuse=_refuse,
    fields=_fields,
    items=output_rows,
    terms=ROWS,
    replaces=0,
    includes=(HERE / "square_root.h", HERE / "truncated_norm.h"),
)
