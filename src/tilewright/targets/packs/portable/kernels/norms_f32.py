"""Bindings of layer_norm_f32 and rms_norm_f32."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import DType
from tilewright.ops.normalisation import LayerNorm, RmsNorm
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.terms import ROWS

HERE = Path(__file__).parent


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.F32,) * len(signature.inputs), DType.F32)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, (LayerNorm, RmsNorm))
    return {"length": signature.output.shape[-1], "epsilon": float(op.epsilon)}


def _kernel(name: str, kind: type[LayerNorm | RmsNorm], pointers: tuple[str, ...]) -> Kernel:
    return Kernel(
        op=kind,
        symbol=name,
        struct=f"{name}_args",
        header=HERE / f"{name}.h",
        source=HERE / f"{name}.c",
        pointers=pointers,
        refuse=_refuse,
        fields=_fields,
        items=output_rows,
        terms=ROWS,
        replaces=0,
    )


LAYER_NORM_F32 = _kernel("layer_norm_f32", LayerNorm, ("x", "scale", "bias", "y"))
RMS_NORM_F32 = _kernel("rms_norm_f32", RmsNorm, ("x", "scale", "y"))
