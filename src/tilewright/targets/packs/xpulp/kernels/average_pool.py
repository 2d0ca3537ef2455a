"""Binding of average_pool_xpulp."""

from math import prod

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import DType
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.targets.packs.portable.kernels.refusals import wrong_types
from tilewright.targets.packs.portable.kernels.window2d import window_fields
from tilewright.targets.packs.portable.pack import PORTABLE
from tilewright.targets.packs.xpulp.kernels.shared import HERE, shared_out

WINDOWS = next(k.header.parent for k in PORTABLE) / "window2d.h"


def _refuse(op: Op, signature: Signature) -> str | None:
    del op
    return wrong_types(signature, (DType.S8,), DType.S8)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QAveragePool2d)
    x = signature.inputs[0].shape
    return window_fields(op.window, x, signature.output.shape) | {
        "channels": x[3], "offset": op.offset, "low": op.low, "high": op.high,
    }  # fmt: skip


def _items(op: Op, signature: Signature) -> int:
    del op
    *outer, channels = signature.output.shape
    return prod(outer) * -(-channels // 4)


def _cycles(op: Op, signature: Signature) -> int:
    assert isinstance(op, QAveragePool2d)
    kernel_h, kernel_w = op.window.kernel
    return shared_out(_items(op, signature), 260 + kernel_h * (14 + 9 * kernel_w)) + 60


AVERAGE_POOL_XPULP = Kernel(
    op=QAveragePool2d,
    symbol="average_pool_xpulp",
    struct="average_pool_xpulp_args",
    header=HERE / "average_pool_xpulp.h",
    source=HERE / "average_pool_xpulp.c",
    pointers=("x", "y"),
    refuse=_refuse,
    fields=_fields,
    items=_items,
    cycles=_cycles,
    code_bytes=900,
    includes=(HERE / "xpulp.h", WINDOWS),
)
