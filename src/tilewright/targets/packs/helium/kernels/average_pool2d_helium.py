"""Binding of average_pool2d_helium."""

from functools import partial
from math import prod

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import DType
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.targets.packs.helium.kernels.max_pool2d_helium import WINDOWS, window_terms
from tilewright.targets.packs.helium.kernels.variants import HERE
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.refusals import above, wrong_types
from tilewright.targets.packs.portable.kernels.window2d import window_fields

LARGEST_WINDOW = 256
"""Elements whose sum fits in int16, whatever they are: 256 * -128."""


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QAveragePool2d)
    types = wrong_types(signature, (DType.S8,), DType.S8)
    return types or above("the window's size", prod(op.window.kernel), LARGEST_WINDOW)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QAveragePool2d)
    x = signature.inputs[0].shape
    return window_fields(op.window, x, signature.output.shape) | {
        "channels": x[3], "offset": op.offset, "low": op.low, "high": op.high,
    }  # fmt: skip


AVERAGE_POOL2D_HELIUM = Kernel(
    op=QAveragePool2d,
    symbol="average_pool2d_helium",
    struct="average_pool2d_helium_args",
    header=HERE / "average_pool2d_helium.h",
    source=HERE / "average_pool2d_helium.c",
    pointers=("x", "y"),
    refuse=_refuse,
    fields=_fields,
    items=output_rows,
    terms=Terms(WINDOWS, partial(window_terms, 8)),
    streaming=Streaming(inputs=(0,), block_axes=0),
    includes=(HERE / "taps_helium.h",),
)
