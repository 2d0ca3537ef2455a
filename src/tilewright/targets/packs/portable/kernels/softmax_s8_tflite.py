"""Binding of softmax_s8_tflite."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import DType
from tilewright.ops.softmax_tflite import QSoftmax
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.terms import ROWS

HERE = Path(__file__).parent


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.S8, DType.S32), DType.S8)


def _fields(op: Op, signature: Signature) -> Fields:
    del op
    return {"length": signature.output.shape[-1]}


SOFTMAX_S8_TFLITE = Kernel(
    op=QSoftmax,
    symbol="softmax_s8_tflite",
    struct="softmax_s8_tflite_args",
    header=HERE / "softmax_s8_tflite.h",
    source=HERE / "softmax_s8_tflite.c",
    pointers=("x", "table", "y"),
    refuse=_refuse,
    fields=_fields,
    items=output_rows,
    terms=ROWS,
    streaming=Streaming(inputs=(0,), block_axes=0),
)
