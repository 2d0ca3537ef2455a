"""Bindings of add_f32 and mul_f32."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import DType
from tilewright.ops.elementwise import Add, Mul
from tilewright.targets.packs.portable.kernels.broadcast import (
    BROADCAST,
    broadcast_fields,
    refuse_broadcast,
)
from tilewright.targets.packs.portable.kernels.refusals import wrong_types

HERE = Path(__file__).parent


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    types = wrong_types(signature, (DType.F32, DType.F32), DType.F32)
    return types or refuse_broadcast(signature)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, (Add, Mul))
    return {
        **broadcast_fields(op, signature),
        "low": float(op.low),
        "high": float(op.high),
    }


def _items(op: Op, signature: Signature) -> int:
    del op
    return signature.output.size


def _binary(kind: type[Op], symbol: str) -> Kernel:
    return Kernel(
        op=kind,
        symbol=symbol,
        struct=f"{symbol}_args",
        header=HERE / f"{symbol}.h",
        source=HERE / f"{symbol}.c",
        pointers=("a", "b", "y"),
        refuse=_refuse,
        fields=_fields,
        items=_items,
        terms=BROADCAST,
        streaming=Streaming(inputs=(0, 1), block_axes=0),
        includes=(HERE / "binary_f32.h", HERE / "broadcast.h", HERE / "clip_f32_core.h"),
    )


ADD_F32 = _binary(Add, "add_f32")
MUL_F32 = _binary(Mul, "mul_f32")
