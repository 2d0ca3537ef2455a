"""Bindings of average_pool2d_helium and rescaled_average_pool2d_helium."""

from dataclasses import replace
from functools import partial
from math import prod

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import Array, DType
from tilewright.ops.pool_onnx import RescaledAveragePool2d
from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.helium.kernels.max_pool2d_helium import WINDOWS, window_terms
from tilewright.targets.packs.helium.kernels.variants import HERE
from tilewright.targets.packs.helium.kernels.weights import vector_shifts
from tilewright.targets.packs.portable.kernels.counts import output_rows
from tilewright.targets.packs.portable.kernels.refusals import above, wrong_types
from tilewright.targets.packs.portable.kernels.rescaled_means import RESCALED_AVERAGE_POOL2D_S8
from tilewright.targets.packs.portable.kernels.window2d import window_fields

WINDOW_HEADERS = (HERE / "pool_window_helium.h", HERE / "taps_helium.h")

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
    includes=WINDOW_HEADERS,
)


def _refuse_rescaled(op: Op, signature: Signature) -> str | None:
    del signature
    assert isinstance(op, RescaledAveragePool2d)
    return above("the window's size", prod(op.window.kernel), LARGEST_WINDOW)


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    del op
    x, multiplier, shift = constants
    assert shift is not None
    return x, multiplier, vector_shifts(shift, Rounding.HALF_EVEN)


_HALF_EVEN = next(k for k in RESCALED_AVERAGE_POOL2D_S8 if k.symbol.endswith("_half_even"))

RESCALED_AVERAGE_POOL2D_HELIUM = replace(
    _HALF_EVEN,
    symbol="rescaled_average_pool2d_helium",
    struct="rescaled_average_pool2d_helium_args",
    header=HERE / "rescaled_average_pool2d_helium.h",
    source=HERE / "rescaled_average_pool2d_helium.c",
    refuse=_refuse_rescaled,
    terms=Terms(WINDOWS, partial(window_terms, 8)),
    includes=(HERE / "helium_rescale.h", *WINDOW_HEADERS),
    pack=_pack,
)
