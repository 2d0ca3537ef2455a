"""Bindings of mul_helium_*.c: products of two int8 tensors, either of which may be repeated."""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.arithmetic_onnx import RescaledMul
from tilewright.ops.arithmetic_tflite import QMul
from tilewright.targets.packs.helium.kernels.scalar import refuse_scale, scalar_fields
from tilewright.targets.packs.helium.kernels.variants import HERE
from tilewright.targets.packs.portable.kernels.arithmetic_tflite import MUL_S8_TFLITE
from tilewright.targets.packs.portable.kernels.broadcast import refuse_beyond_rows, row_fields
from tilewright.targets.packs.portable.kernels.rescaled_arithmetic import RESCALED_MUL_S8


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, (QMul, RescaledMul))
    zeros = {"a_zero": op.a_zero, "b_zero": op.b_zero, "y_zero": op.output.zero}
    return row_fields(op, signature) | zeros | scalar_fields(op.scale, op.output)


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, (QMul, RescaledMul))
    return refuse_beyond_rows(op, signature) or refuse_scale(op.scale, op.output)


def _cycles(op: Op, signature: Signature) -> int:
    del op
    return 60 + 6 * signature.output.size


def _kernel(portable: Kernel, rounding: str) -> Kernel:
    headers = ("helium_rescale.h", "helium_scalar.h")
    return replace(
        portable,
        symbol=f"mul_helium_{rounding}",
        struct="mul_helium_args",
        header=HERE / "mul_helium.h",
        source=HERE / "mul_helium.c",
        refuse=_refuse,
        fields=_fields,
        cycles=_cycles,
        includes=tuple(HERE / header for header in headers),
    )


MUL_HELIUM = (_kernel(MUL_S8_TFLITE, "double"), _kernel(RESCALED_MUL_S8[0], "half_even"))
