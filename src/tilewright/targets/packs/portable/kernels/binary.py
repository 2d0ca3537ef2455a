"""Bindings of binary_f32, compare_f32 and binary_s32."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import DType
from tilewright.ops.binary import Binary, BinaryKind
from tilewright.targets.packs.portable.kernels.broadcast import broadcast_fields, refuse_broadcast
from tilewright.targets.packs.portable.kernels.counts import output_elements
from tilewright.targets.packs.portable.kernels.refusals import wrong_types

HERE = Path(__file__).parent

KINDS = tuple(BinaryKind)
"""In the order of the enum in binary.h."""


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, Binary)
    return {"kind": KINDS.index(op.kind), **broadcast_fields(op, signature)}


def _binary(symbol: str, takes: DType, makes: DType, *includes: str) -> Kernel:
    def refuse(op: Op, signature: Signature) -> str | None:
        del op
        return wrong_types(signature, (takes, takes), makes) or refuse_broadcast(signature)

    return Kernel(
        op=Binary,
        symbol=symbol,
        struct=f"{symbol}_args",
        header=HERE / "binary.h",
        source=HERE / f"{symbol}.c",
        pointers=("a", "b", "y"),
        refuse=refuse,
        fields=_fields,
        items=output_elements,
        streaming=Streaming(inputs=(0, 1), block_axes=0),
        includes=tuple(HERE / name for name in ("broadcast.h", *includes)),
    )


BINARY = (
    _binary("binary_f32", DType.F32, DType.F32),
    _binary("compare_f32", DType.F32, DType.S32),
    _binary("binary_s32", DType.S32, DType.S32, "wrapped_s32.h"),
)
