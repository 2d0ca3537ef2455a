"""Binding of rescaled_add_xpulp: sums under the pulp contract."""

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import DType
from tilewright.ops.arithmetic_onnx import RescaledAdd
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.contract_variants import rounds_as
from tilewright.targets.packs.portable.kernels.counts import output_elements
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.xpulp.kernels.shared import COMMON, CORES, HERE


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    if any(t.size != signature.output.size for t in signature.inputs):
        return "an operand is repeated"
    return wrong_types(signature, (DType.S8, DType.S8), DType.S8)


def _fields(op: Op, signature: Signature) -> Fields:
    del signature
    assert isinstance(op, RescaledAdd)
    return {
        "a_multiplier": op.a_multiplier, "b_multiplier": op.b_multiplier,
        "start": -op.a_zero * op.a_multiplier - op.b_zero * op.b_multiplier, "shift": op.shift,
        "y_zero": op.output.zero, "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _cycles(op: Op, signature: Signature) -> int:
    del op
    return CORES * 150 + 9 * signature.output.size


RESCALED_ADD_XPULP = Kernel(
    op=RescaledAdd,
    symbol="rescaled_add_xpulp",
    struct="rescaled_add_xpulp_args",
    header=HERE / "rescaled_add_xpulp.h",
    source=HERE / "rescaled_add_xpulp.c",
    pointers=("a", "b", "y"),
    variant=rounds_as(Rounding.HALF_UP),
    refuse=_refuse,
    fields=_fields,
    items=output_elements,
    cycles=_cycles,
    code_bytes=700,
    includes=(HERE / "rescaled_add_xpulp_asm.h", *COMMON),
)
