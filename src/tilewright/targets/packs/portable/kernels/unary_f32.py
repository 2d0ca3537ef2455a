"""Bindings of clip_f32 and activation_f32."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import DType
from tilewright.ops.curves import Curve
from tilewright.ops.elementwise import Activation, Clip
from tilewright.targets.packs.portable.kernels.counts import output_elements
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.terms import ELEMENTS

HERE = Path(__file__).parent

CURVES = (
    Curve.SIGMOID,
    Curve.TANH,
    Curve.HARD_SWISH,
    Curve.HARD_SIGMOID,
    Curve.LEAKY_RELU,
)
"""In the order of the enum in activation_f32.h."""


def _refuse_clip(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.F32,), DType.F32)


def _clip_fields(op: Op, signature: Signature) -> Fields:
    del signature
    assert isinstance(op, Clip)
    return {"low": float(op.low), "high": float(op.high)}


def _variant(op: Op) -> str | None:
    assert isinstance(op, Activation)
    return None if op.curve in CURVES else f"does not know {op.curve.value}"


def _refuse_activation(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.F32,), DType.F32)


def _activation_fields(op: Op, signature: Signature) -> Fields:
    del signature
    assert isinstance(op, Activation)
    return {
        "curve": CURVES.index(op.curve),
        "alpha": float(op.alpha),
        "beta": float(op.beta),
    }


def _curve_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, Activation)
    is_exponential = op.curve in (Curve.SIGMOID, Curve.TANH)
    return is_exponential * signature.output.size, (not is_exponential) * signature.output.size


CLIP_F32 = Kernel(
    op=Clip,
    symbol="clip_f32",
    struct="clip_f32_args",
    header=HERE / "clip_f32.h",
    source=HERE / "clip_f32.c",
    pointers=("x", "y"),
    refuse=_refuse_clip,
    fields=_clip_fields,
    items=output_elements,
    terms=ELEMENTS,
    streaming=Streaming(inputs=(0,), block_axes=0),
    includes=(HERE / "clip_f32_core.h",),
)

ACTIVATION_F32 = Kernel(
    op=Activation,
    symbol="activation_f32",
    struct="activation_f32_args",
    header=HERE / "activation_f32.h",
    source=HERE / "activation_f32.c",
    pointers=("x", "y"),
    variant=_variant,
    refuse=_refuse_activation,
    fields=_activation_fields,
    items=output_elements,
    terms=Terms(("exponentials", "polynomials"), _curve_terms),
    streaming=Streaming(inputs=(0,), block_axes=0),
    includes=(HERE / "clip_f32_core.h",),
)
