"""Binding of rescaled_add_neureka.c: sums of two tensors as a 1x1 convolution over both.

Two jobs copy what is added side by side, 32 bytes of each to a pixel of 64; a third one sums with
two weights per output. It is exact where both multipliers are bytes times one number, as
``weighted_bytes`` chooses them.
"""

from math import gcd, prod

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import DType
from tilewright.ops.arithmetic_onnx import LARGEST_STEP, RescaledAdd
from tilewright.ops.rescale import INT32_MAX, Rounding
from tilewright.targets.packs.neureka.cycles import AROUND, BETWEEN, job_cycles
from tilewright.targets.packs.neureka.job import Job, Mode, Rescale, registers
from tilewright.targets.packs.neureka.kernels.planes import best_plane
from tilewright.targets.packs.neureka.kernels.shared import HERE, too_large
from tilewright.targets.packs.portable.kernels.contract_variants import rounds_as
from tilewright.targets.packs.portable.kernels.refusals import wrong_types

CHUNK, PIXEL = 32, 64
"""Bytes of each tensor in a pixel, and of the pixel."""

LEAST_CHUNK = 8
"""With less, most of what the engine reads is nothing."""

LEAST_SIZE = 1024
"""Elements. The core prepares weights and scales for some 2,800 cycles; with fewer elements the
cluster is done by then, and where nothing else is under way nobody hides the wait."""

TABLES = 1024 + 2048 + 32 + 128 + 128
"""Bytes of scratch: weights of both kinds of jobs, ones, multipliers, biases."""

LARGEST_WEIGHT = 255


def _chunk(signature: Signature) -> int:
    size = signature.output.size
    return max(n for n in range(1, CHUNK + 1) if size % n == 0)


def _jobs(op: Op, signature: Signature) -> tuple[Job, Job]:
    """What copies one of the tensors, and what sums."""
    assert isinstance(op, RescaledAdd)
    chunk = _chunk(signature)
    one = Job(
        Mode.POINT, chunk, chunk, 1, 1, weight_offset=0, rescale=Rescale(8, 0, has_bias=False)
    )
    copy = best_plane(one, signature.output.size // chunk)
    total = Job(
        Mode.POINT, CHUNK + chunk, chunk, copy.rows, copy.columns, in_pixel=PIXEL, weight_offset=0,
        rescale=Rescale(32, op.shift),
    )  # fmt: skip
    return copy, total


def _bias(op: RescaledAdd) -> int:
    """Zero points and the rounding's half."""
    start = -op.a_zero * op.a_multiplier - op.b_zero * op.b_multiplier
    return start + ((1 << op.shift) >> 1) + (op.output.zero << op.shift)


def _common(op: RescaledAdd) -> int:
    return max(gcd(op.a_multiplier, op.b_multiplier), 1)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, RescaledAdd)
    copy, total = _jobs(op, signature)
    words, common = registers(total), _common(op)
    return {
        "chunk": copy.inputs, "columns": copy.columns,
        "a_weight": op.a_multiplier // common, "b_weight": op.b_multiplier // common,
        "multiplier": common, "offset": _bias(op), "last_channels": words["last_channels"],
        "last_pixels": words["last_out"], "pixel_tiles": words["pixel_tiles"],
        "copy_config": registers(copy)["config"], "config": words["config"],
    }  # fmt: skip


def _cycles(op: Op, signature: Signature) -> int:
    copy, total = (job_cycles(job, in_weight_memory=False) for job in _jobs(op, signature))
    return 2 * copy + total + 2 * (BETWEEN - AROUND)


def _scratch_bytes(op: Op, signature: Signature) -> int:
    copy, _ = _jobs(op, signature)
    return TABLES + PIXEL * copy.rows * copy.columns


def _wrong_numbers(op: RescaledAdd) -> str | None:
    """None where bytes times one number sum exactly within int32."""
    if (op.output.low, op.output.high) != (-128, 127):
        return f"clips int8 to -128..127, the operator to {op.output.low}..{op.output.high}"
    weights = max(op.a_multiplier, op.b_multiplier) // _common(op)
    if min(op.a_multiplier, op.b_multiplier) < 0 or weights > LARGEST_WEIGHT:
        return f"multipliers {op.a_multiplier} and {op.b_multiplier} are no bytes times one number"
    reach = LARGEST_STEP * (op.a_multiplier + op.b_multiplier) + (129 << op.shift)
    if max(reach, abs(_bias(op))) > INT32_MAX:
        return "sums and zero points have no room in int32"
    return None


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, RescaledAdd)
    if any(t.size != signature.output.size for t in signature.inputs):
        return "an operand is repeated"
    wrong = wrong_types(signature, (DType.S8, DType.S8), DType.S8) or _wrong_numbers(op)
    if wrong is not None:
        return wrong
    if signature.output.size < LEAST_SIZE:
        return f"has {signature.output.size:,} elements; below {LEAST_SIZE:,} the cluster is faster"
    if (chunk := _chunk(signature)) < LEAST_CHUNK:
        return f"has {signature.output.size} elements, no multiple of {LEAST_CHUNK} to {CHUNK}"
    return too_large(prod(signature.output.shape) // chunk, 1)


def _one_item(op: Op, signature: Signature) -> int:
    del op, signature
    return 1


RESCALED_ADD_NEUREKA = Kernel(
    op=RescaledAdd,
    symbol="rescaled_add_neureka",
    struct="neureka_add_args",
    header=HERE / "neureka_job.h",
    source=HERE / "rescaled_add_neureka.c",
    pointers=("a", "b", "y"),
    fields=_fields,
    items=_one_item,
    cycles=_cycles,
    variant=rounds_as(Rounding.HALF_UP),
    refuse=_refuse,
    includes=(HERE / "neureka_start.h",),
    scratch_bytes=_scratch_bytes,
)
