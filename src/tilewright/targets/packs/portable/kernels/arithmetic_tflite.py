"""Bindings of add_s8_tflite and mul_s8_tflite."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import DType
from tilewright.ops.arithmetic_tflite import QAdd, QMul
from tilewright.targets.packs.portable.kernels.broadcast import (
    BROADCAST,
    broadcast_fields,
    refuse_broadcast,
)
from tilewright.targets.packs.portable.kernels.counts import output_elements
from tilewright.targets.packs.portable.kernels.refusals import wrong_types

HERE = Path(__file__).parent

INCLUDES = (HERE / "broadcast.h", HERE / "centred_s8.h")


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    types = wrong_types(signature, (DType.S8, DType.S8), DType.S8)
    return types or refuse_broadcast(signature)


def _add_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QAdd)
    return broadcast_fields(op, signature) | {
        "a_zero": op.a_zero, "b_zero": op.b_zero, "y_zero": op.output.zero,
        "a_multiplier": op.a_scale.multiplier, "a_shift": op.a_scale.shift,
        "b_multiplier": op.b_scale.multiplier, "b_shift": op.b_scale.shift,
        "multiplier": op.sum_scale.multiplier, "shift": op.sum_scale.shift,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _mul_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QMul)
    return broadcast_fields(op, signature) | {
        "a_zero": op.a_zero, "b_zero": op.b_zero, "y_zero": op.output.zero,
        "multiplier": op.scale.multiplier, "shift": op.scale.shift,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


ADD_S8_TFLITE = Kernel(
    op=QAdd,
    symbol="add_s8_tflite",
    struct="add_s8_tflite_args",
    header=HERE / "add_s8_tflite.h",
    source=HERE / "add_s8_tflite.c",
    pointers=("a", "b", "y"),
    refuse=_refuse,
    fields=_add_fields,
    items=output_elements,
    terms=BROADCAST,
    streaming=Streaming(inputs=(0, 1), block_axes=0),
    includes=INCLUDES,
)

MUL_S8_TFLITE = Kernel(
    op=QMul,
    symbol="mul_s8_tflite",
    struct="mul_s8_tflite_args",
    header=HERE / "mul_s8_tflite.h",
    source=HERE / "mul_s8_tflite.c",
    pointers=("a", "b", "y"),
    refuse=_refuse,
    fields=_mul_fields,
    items=output_elements,
    terms=BROADCAST,
    streaming=Streaming(inputs=(0, 1), block_axes=0),
    includes=INCLUDES,
)
