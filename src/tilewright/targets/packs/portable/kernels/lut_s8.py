"""Binding of lut_s8."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import DType
from tilewright.ops.lut import Lut
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.terms import ELEMENTS

HERE = Path(__file__).parent


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.S8, DType.S8), DType.S8)


def _fields(op: Op, signature: Signature) -> Fields:
    del op, signature
    return {}


def _items(op: Op, signature: Signature) -> int:
    del op
    return signature.output.size


LUT_S8 = Kernel(
    op=Lut,
    symbol="lut_s8",
    struct="lut_s8_args",
    header=HERE / "lut_s8.h",
    source=HERE / "lut_s8.c",
    pointers=("x", "table", "y"),
    refuse=_refuse,
    fields=_fields,
    items=_items,
    terms=ELEMENTS,
    streaming=Streaming(inputs=(0,), block_axes=0),
)
