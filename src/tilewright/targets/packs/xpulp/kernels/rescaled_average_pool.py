"""Binding of rescaled_average_pool_xpulp: average pooling under the pulp contract."""

from math import prod

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import DType
from tilewright.ops.pool_onnx import RescaledAveragePool2d
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.contract_variants import rounds_as
from tilewright.targets.packs.portable.kernels.window2d import window_fields
from tilewright.targets.packs.xpulp.kernels.average_pool import AVERAGE_POOL_XPULP
from tilewright.targets.packs.xpulp.kernels.shared import CALL, HERE, shared_out


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    x, y = signature.inputs[0].dtype, signature.output.dtype
    return None if (x, y) == (DType.S8, DType.S8) else f"takes s8 and makes s8, not {x} and {y}"


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, RescaledAveragePool2d)
    x = signature.inputs[0].shape
    return window_fields(op.window, x, signature.output.shape) | {
        "channels": x[3], "x_zero": op.x_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
        "table_step": int(signature.inputs[1].size > 1),
    }  # fmt: skip


def _cycles(op: Op, signature: Signature) -> int:
    assert isinstance(op, RescaledAveragePool2d)
    kernel_h, kernel_w = op.window.kernel
    items = AVERAGE_POOL_XPULP.items(op, signature)
    _, in_w = signature.inputs[0].shape[1:3]
    # Rows that the window fills are one.
    runs = 1 if kernel_w == in_w else kernel_h
    pixels = shared_out(prod(signature.output.shape[:3]), 150)
    return pixels + shared_out(items, 115 + 14 * runs + 5 * kernel_h * kernel_w) + CALL


RESCALED_AVERAGE_POOL_XPULP = Kernel(
    op=RescaledAveragePool2d,
    symbol="rescaled_average_pool_xpulp",
    struct="rescaled_average_pool_xpulp_args",
    header=HERE / "rescaled_average_pool_xpulp.h",
    source=HERE / "rescaled_average_pool_xpulp.c",
    pointers=("x", "multiplier", "shift", "y"),
    variant=rounds_as(Rounding.HALF_UP),
    refuse=_refuse,
    fields=_fields,
    items=AVERAGE_POOL_XPULP.items,
    cycles=_cycles,
    code_bytes=900,
    includes=AVERAGE_POOL_XPULP.includes,
)
