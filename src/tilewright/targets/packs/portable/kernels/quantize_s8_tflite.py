"""Bindings of quantize_s8_tflite and quantize_s16_tflite."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import DType
from tilewright.ops.quantise_tflite import QuantizeHalfAway
from tilewright.targets.packs.portable.kernels.counts import output_elements
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.terms import ELEMENTS

HERE = Path(__file__).parent


def _fields(op: Op, signature: Signature) -> Fields:
    del signature
    assert isinstance(op, QuantizeHalfAway)
    return {"zero_point": op.zero_point, "scale": op.scale}


def _kernel(dtype: DType, header: str) -> Kernel:
    def refuse(op: Op, signature: Signature) -> str | None:
        del op
        return wrong_types(signature, (DType.F32,), dtype)

    symbol = f"quantize_{dtype}_tflite"
    return Kernel(
        op=QuantizeHalfAway,
        symbol=symbol,
        struct=f"{symbol}_args",
        header=HERE / header,
        source=HERE / f"{symbol}.c",
        pointers=("x", "y"),
        refuse=refuse,
        fields=_fields,
        items=output_elements,
        terms=ELEMENTS if dtype is DType.S8 else None,
        streaming=Streaming(inputs=(0,), block_axes=0),
        includes=(HERE / "half_away.h",),
    )


QUANTIZE_S8_TFLITE = _kernel(DType.S8, "quantize_s8_tflite.h")
QUANTIZE_S16_TFLITE = _kernel(DType.S16, "border_s16.h")
