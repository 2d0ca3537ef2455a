"""Binding of rescaled_norm_s8."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import DType
from tilewright.ops.norm_onnx import RescaledNorm
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.terms import ROWS

HERE = Path(__file__).parent


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.S8, DType.S32, DType.S32), DType.S8)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, RescaledNorm)
    return {
        "length": signature.output.shape[-1],
        "is_centred": int(op.is_centred), "x_zero": op.x_zero,
        "epsilon_high": op.epsilon >> 31, "epsilon": op.epsilon & (2**31 - 1),
        "fraction_bits": op.fraction_bits, "guard": op.guard, "output_shift": op.output_shift,
    }  # fmt: skip


RESCALED_NORM_S8 = Kernel(
    op=RescaledNorm,
    symbol="rescaled_norm_s8",
    struct="rescaled_norm_s8_args",
    header=HERE / "rescaled_norm_s8.h",
    source=HERE / "rescaled_norm_s8.c",
    pointers=("x", "scale", "bias", "y"),
    refuse=_refuse,
    fields=_fields,
    items=output_rows,
    terms=ROWS,
    replaces=0,
    includes=(HERE / "rescaled_norm_row.h", HERE / "square_root.h"),
)
