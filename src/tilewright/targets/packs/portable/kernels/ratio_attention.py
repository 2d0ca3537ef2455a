"""Binding of ratio_attention_s8: attention of the integer dialect."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.attention_pulp import UNMASKED, RatioAttention
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.counts import output_rows

HERE = Path(__file__).parent

ROUNDED_UP = (Rounding.HALF_UP, Rounding.WRAPPING)


def refuse_attention(op: Op, signature: Signature) -> str | None:
    """Why the kernel does not compute it; None where it does."""
    del signature
    assert isinstance(op, RatioAttention)
    steps = (op.logits.output, op.mask_sum.output, op.values.output)
    other = [step.rounding.value for step in steps if step.rounding not in ROUNDED_UP]
    return f"rounds half up, a step of it as {other[0]}" if other else None


def attention_fields(op: Op, signature: Signature) -> Fields:
    """Members behind the pointers."""
    assert isinstance(op, RatioAttention)
    q, k = signature.inputs[:2]
    rows, keys = q.shape[-2], k.shape[-2]
    mask, logits, values = op.mask_sum, op.logits, op.values
    is_row = len(signature.inputs[6].shape) == 1 or signature.inputs[6].shape[-2] == 1
    return {
        "rows": rows, "keys": keys, "depth": q.shape[-1], "columns": signature.output.shape[-1],
        "levels": op.softmax.levels, "is_masked": int(mask != UNMASKED),
        "mask_step": 0 if is_row else keys,
        "q_zero": logits.a_zero, "k_zero": logits.b_zero,
        "weight_zero": values.a_zero, "v_zero": values.b_zero,
        "score_factor": mask.a_multiplier, "mask_factor": mask.b_multiplier,
        "mask_start": -mask.a_zero * mask.a_multiplier - mask.b_zero * mask.b_multiplier,
        "mask_shift": mask.shift, "mask_zero": mask.output.zero,
        "mask_low": mask.output.low, "mask_high": mask.output.high,
        "multiplier": logits.scale.multiplier, "shift": logits.scale.shift,
        "zero": logits.output.zero, "low": logits.output.low, "high": logits.output.high,
        "y_multiplier": values.scale.multiplier, "y_shift": values.scale.shift,
        "y_zero": values.output.zero, "y_low": values.output.low, "y_high": values.output.high,
    }  # fmt: skip


def _scratch_bytes(op: Op, signature: Signature) -> int:
    del op
    return signature.inputs[1].shape[-2]


def _cycles(op: Op, signature: Signature) -> int:
    """Per score a product, a distance and a quotient."""
    keys = signature.inputs[1].shape[-2]
    return 3 * op.macs(*signature.inputs) + 200 * keys * output_rows(op, signature)


RATIO_ATTENTION_S8 = Kernel(
    op=RatioAttention,
    symbol="ratio_attention_s8",
    struct="ratio_attention_s8_args",
    header=HERE / "ratio_attention_s8.h",
    source=HERE / "ratio_attention_s8.c",
    pointers=("q", "k", "v", "before", "table", "after", "mask", "y"),
    refuse=refuse_attention,
    fields=attention_fields,
    items=output_rows,
    cycles=_cycles,
    scratch_bytes=_scratch_bytes,
    tables=frozenset({3, 4, 5}),
    includes=(HERE / "ratio.h",),
)
