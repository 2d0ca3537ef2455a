"""Binding of curve_f32."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import DType
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Activation
from tilewright.targets.packs.portable.kernels.counts import output_elements
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.portable.kernels.unary_f32 import CURVES as COMMON

HERE = Path(__file__).parent

CURVES = tuple(curve for curve in Curve if curve not in COMMON)
"""In the order of the enum in curve_f32.h."""


def _variant(op: Op) -> str | None:
    assert isinstance(op, Activation)
    return f"does not know {op.curve.value}" if op.curve in COMMON else None


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.F32,), DType.F32)


def _fields(op: Op, signature: Signature) -> Fields:
    del signature
    assert isinstance(op, Activation)
    return {"curve": CURVES.index(op.curve), "alpha": float(op.alpha), "beta": float(op.beta)}


CURVE_F32 = Kernel(
    op=Activation,
    symbol="curve_f32",
    struct="curve_f32_args",
    header=HERE / "curve_f32.h",
    source=HERE / "curve_f32.c",
    pointers=("x", "y"),
    variant=_variant,
    refuse=_refuse,
    fields=_fields,
    items=output_elements,
    streaming=Streaming(inputs=(0,), block_axes=0),
)
