"""Bindings of mul_s8_dsp_*.c: products of two int8 tensors, either of which may be repeated."""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.arithmetic_onnx import RescaledMul
from tilewright.ops.arithmetic_tflite import QMul
from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE
from tilewright.targets.packs.arm_dsp.kernels.short_scale import short_scale
from tilewright.targets.packs.arm_dsp.kernels.words import BROADCAST
from tilewright.targets.packs.portable.kernels.arithmetic_tflite import MUL_S8_TFLITE
from tilewright.targets.packs.portable.kernels.broadcast import refuse_beyond_rows, row_fields
from tilewright.targets.packs.portable.kernels.quick_loops import QUICK_LOOPS
from tilewright.targets.packs.portable.kernels.rescaled_arithmetic import RESCALED_MUL_S8

HEADERS = ("dsp_bytes.h", "dsp_requantise.h", "dsp_words.h")


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, (QMul, RescaledMul))
    scale = short_scale(op.scale, op.output.rounding)
    return row_fields(op, signature) | {
        "a_zero": op.a_zero, "b_zero": op.b_zero, "y_zero": op.output.zero,
        "multiplier": scale.multiplier, "shift": scale.shift,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _kernel(portable: Kernel, rounding: str) -> Kernel:
    def refuse(op: Op, signature: Signature) -> str | None:
        return refuse_beyond_rows(op, signature) or portable.refuse(op, signature)

    return replace(
        portable,
        symbol=f"mul_s8_dsp_{rounding}",
        struct="mul_s8_dsp_args",
        header=HERE / "mul_s8_dsp.h",
        source=HERE / "mul_s8_dsp.c",
        refuse=refuse,
        fields=_fields,
        terms=BROADCAST,
        includes=(QUICK_LOOPS, *(HERE / header for header in HEADERS)),
    )


MUL_S8_DSP = (
    _kernel(MUL_S8_TFLITE, "double"),
    *(_kernel(k, k.symbol.removeprefix("rescaled_mul_s8_")) for k in RESCALED_MUL_S8),
)
