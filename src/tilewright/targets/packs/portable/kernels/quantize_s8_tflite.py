"""Binding of quantize_s8_tflite."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import DType
from tilewright.ops.quantise_tflite import QuantizeHalfAway
from tilewright.targets.packs.portable.kernels.counts import output_elements
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.terms import ELEMENTS

HERE = Path(__file__).parent


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.F32,), DType.S8)


def _fields(op: Op, signature: Signature) -> Fields:
    del signature
    assert isinstance(op, QuantizeHalfAway)
    return {"zero_point": op.zero_point, "scale": op.scale}


QUANTIZE_S8_TFLITE = Kernel(
    op=QuantizeHalfAway,
    symbol="quantize_s8_tflite",
    struct="quantize_s8_tflite_args",
    header=HERE / "quantize_s8_tflite.h",
    source=HERE / "quantize_s8_tflite.c",
    pointers=("x", "y"),
    refuse=_refuse,
    fields=_fields,
    items=output_elements,
    terms=ELEMENTS,
    streaming=Streaming(inputs=(0,), block_axes=0),
)
