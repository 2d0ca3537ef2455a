"""Bindings of quantize_s8, dequantize_f32, dequantize_s16, recentre: borders of stored integers."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import DType
from tilewright.ops.quantise import Dequantize, Quantize, Recentre
from tilewright.targets.packs.portable.kernels.counts import no_fields, output_elements
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.terms import ELEMENTS

HERE = Path(__file__).parent


def _refuse_quantize(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.F32,), DType.S8)


def _refuse_dequantize(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.S8,), DType.F32)


def _refuse_dequantize_wide(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.S16,), DType.F32)


def _scale_fields(op: Op, signature: Signature) -> Fields:
    del signature
    assert isinstance(op, (Quantize, Dequantize))
    return {"zero_point": op.zero_point, "scale": float(op.scale)}


QUANTIZE_S8 = Kernel(
    op=Quantize,
    symbol="quantize_s8",
    struct="quantize_s8_args",
    header=HERE / "quantize_s8.h",
    source=HERE / "quantize_s8.c",
    pointers=("x", "y"),
    refuse=_refuse_quantize,
    fields=_scale_fields,
    items=output_elements,
    terms=ELEMENTS,
    streaming=Streaming(inputs=(0,), block_axes=0),
)

DEQUANTIZE_F32 = Kernel(
    op=Dequantize,
    symbol="dequantize_f32",
    struct="dequantize_f32_args",
    header=HERE / "dequantize_f32.h",
    source=HERE / "dequantize_f32.c",
    pointers=("x", "y"),
    refuse=_refuse_dequantize,
    fields=_scale_fields,
    items=output_elements,
    terms=ELEMENTS,
    streaming=Streaming(inputs=(0,), block_axes=0),
)

DEQUANTIZE_S16 = Kernel(
    op=Dequantize,
    symbol="dequantize_s16",
    struct="dequantize_s16_args",
    header=HERE / "border_s16.h",
    source=HERE / "dequantize_s16.c",
    pointers=("x", "y"),
    refuse=_refuse_dequantize_wide,
    fields=_scale_fields,
    items=output_elements,
    streaming=Streaming(inputs=(0,), block_axes=0),
)

RECENTRE = Kernel(
    op=Recentre,
    symbol="recentre",
    struct="recentre_args",
    header=HERE / "recentre.h",
    source=HERE / "recentre.c",
    pointers=("x", "y"),
    fields=no_fields,
    items=output_elements,
    terms=ELEMENTS,
    streaming=Streaming(inputs=(0,), block_axes=0),
)
