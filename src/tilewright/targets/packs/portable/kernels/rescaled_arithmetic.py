"""Bindings of rescaled_add_s8_*.c and rescaled_mul_s8_*.c."""

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ops.arithmetic_onnx import RescaledAdd, RescaledMul
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.broadcast import (
    BROADCAST,
    broadcast_fields,
    refuse_broadcast,
)
from tilewright.targets.packs.portable.kernels.contract_variants import (
    HERE,
    rounds_as,
)
from tilewright.targets.packs.portable.kernels.counts import output_elements

SINGLE_ROUNDINGS = (Rounding.HALF_EVEN, Rounding.HALF_UP)
"""The roundings of contracts that round once."""


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, (RescaledAdd, RescaledMul))
    fields = broadcast_fields(op, signature) | {
        "a_zero": op.a_zero, "b_zero": op.b_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip
    if isinstance(op, RescaledMul):
        return fields | {"multiplier": op.scale.multiplier, "shift": op.scale.shift}
    return fields | {
        "a_multiplier": op.a_multiplier, "b_multiplier": op.b_multiplier, "shift": op.shift,
    }  # fmt: skip


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    return refuse_broadcast(signature)


def _kernel(kind: type[Op], name: str, rounding: Rounding) -> Kernel:
    return Kernel(
        op=kind,
        symbol=f"{name}_{rounding.value}",
        struct=f"{name}_args",
        header=HERE / f"{name}.h",
        source=HERE / f"{name}.c",
        pointers=("a", "b", "y"),
        variant=rounds_as(rounding, wraps=True),
        refuse=_refuse,
        fields=_fields,
        items=output_elements,
        terms=BROADCAST,
        streaming=Streaming(inputs=(0, 1), block_axes=0),
        includes=(HERE / "broadcast.h", HERE / "centred_s8.h"),
    )


RESCALED_ADD_S8 = tuple(_kernel(RescaledAdd, "rescaled_add_s8", r) for r in SINGLE_ROUNDINGS)
RESCALED_MUL_S8 = tuple(_kernel(RescaledMul, "rescaled_mul_s8", r) for r in SINGLE_ROUNDINGS)
