"""Bindings of depthwise_s8_*.c: int8 depthwise convolution.

The planes variants go channel by channel and may write where they read: slower, for machines whose
memory has no room for a row more than the tensor itself.
"""

from dataclasses import replace
from math import prod

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ops.conv2d import QDepthwiseConv2d
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.contract_variants import (
    HERE,
    ROUNDINGS,
    rounds_as,
    widen_shifts,
)
from tilewright.targets.packs.portable.kernels.product_terms import FINISHED, finished
from tilewright.targets.packs.terms import split_runs, taps_inside

NINE = 9
"""DEPTHWISE_TAPS of depthwise_s8_core.h: window elements that share one pass."""


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QDepthwiseConv2d)
    _, h, w, c = signature.inputs[0].shape
    _, out_h, out_w, out_c = signature.output.shape
    window = op.window
    return {
        "in_h": h, "in_w": w, "in_c": c,
        "out_h": out_h, "out_w": out_w, "out_c": out_c,
        "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
        "stride_h": window.strides[0], "stride_w": window.strides[1],
        "dilation_h": window.dilations[0], "dilation_w": window.dilations[1],
        "pad_top": window.pads[0], "pad_left": window.pads[1],
        "x_zero": op.x_zero, "w_zero": op.w_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
        "table_step": int(signature.inputs[3].size > 1),
    }  # fmt: skip


def _items(op: Op, signature: Signature) -> int:
    del op
    n, out_h, out_w, _ = signature.output.shape
    return n * out_h * out_w


def _scratch_bytes(op: Op, signature: Signature) -> int:
    del op
    return 4 * signature.output.shape[-1] + signature.inputs[0].shape[-1]


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Nine elements of the window in one pass over the channels, the others in one pass each."""
    assert isinstance(op, QDepthwiseConv2d)
    in_c, channels = signature.inputs[0].shape[3], signature.output.shape[3]
    pixels = _items(op, signature)
    taps = prod(op.window.kernel)
    nines = pixels * (taps // NINE) if channels == in_c else 0
    lone = pixels * taps - nines * NINE
    multiplied = lone if channels > in_c else 0
    lone -= multiplied
    recentred = (op.w_zero != 0) * pixels * taps * channels
    return (
        pixels, pixels * taps, nines, *split_runs(nines, channels), lone,
        *split_runs(lone, channels), multiplied * channels, recentred,
        *finished(pixels, channels, signature.inputs[3].size)[1:],
    )  # fmt: skip


PIXELWISE = Terms(
    (
        "pixels", "taps", "nines", "nine_vectors", "nine_halves", "nine_rest", "lone_taps",
        "lone_vectors", "lone_halves", "lone_rest", "multiplied", "recentred", *FINISHED[1:],
    ),
    _terms,
)  # fmt: skip


def _planes_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, QDepthwiseConv2d)
    (n, h, w, c), (_, out_h, out_w, _) = signature.inputs[0].shape, signature.output.shape
    rows, columns = taps_inside(op.window, (h, w), (out_h, out_w))
    planes = n * c
    return (
        planes, planes * prod(op.window.kernel), planes * h * w, planes * out_h,
        planes * out_h * out_w, planes * rows * out_w, planes * rows * columns,
    )  # fmt: skip


PLANES = Terms(
    ("planes", "weights", "copied", "lines", "outputs", "window_rows", "products"), _planes_terms
)


def _kernel(rounding: Rounding) -> Kernel:
    return Kernel(
        op=QDepthwiseConv2d,
        symbol=f"depthwise_s8_{rounding.value}",
        struct="depthwise_s8_args",
        header=HERE / "depthwise_s8.h",
        source=HERE / "depthwise_s8.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=rounds_as(rounding, wraps=True),
        fields=_fields,
        items=_items,
        terms=PIXELWISE,
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=(HERE / "requantise_s8.h",),
        pack=widen_shifts,
    )


def _planes_scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, QDepthwiseConv2d)
    _, h, w, _ = signature.inputs[0].shape
    return 2 * op.window.kernel[0] * op.window.kernel[1] + h * w


def _planes_items(op: Op, signature: Signature) -> int:
    del op
    return signature.inputs[0].shape[0] * signature.inputs[0].shape[3]


def _refuse_planes(op: Op, signature: Signature) -> str | None:
    del op
    channels, in_c = signature.output.shape[3], signature.inputs[0].shape[3]
    return None if channels == in_c else f"{channels // in_c} output channels per input channel"


def _planes(pixelwise: Kernel, rounding: Rounding) -> Kernel:
    return replace(
        pixelwise,
        symbol=f"depthwise_s8_planes_{rounding.value}",
        source=HERE / "depthwise_s8_planes.c",
        refuse=_refuse_planes,
        items=_planes_items,
        terms=PLANES,
        scratch_bytes=_planes_scratch_bytes,
        streaming=None,
        replaces=0,
        includes=(
            HERE / "requantise_s8.h",
            HERE / "window2d.h",
        ),
    )


DEPTHWISE_S8 = tuple(map(_kernel, ROUNDINGS))
DEPTHWISE_S8_PLANES = tuple(map(_planes, DEPTHWISE_S8, ROUNDINGS))
