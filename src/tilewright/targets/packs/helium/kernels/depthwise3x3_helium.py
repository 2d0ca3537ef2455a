"""Bindings of depthwise3x3_helium_*.c."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QDepthwiseConv2d
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.helium.kernels.variants import HERE
from tilewright.targets.packs.helium.kernels.weights import (
    LANES,
    per_channel,
    products,
    round_up,
    vector_shifts,
)
from tilewright.targets.packs.portable.kernels.contract_variants import rounds_as
from tilewright.targets.packs.portable.kernels.refusals import above
from tilewright.targets.packs.terms import groups

VARIANTS = ("double", "double_signed", "half_even")

KERNEL = (3, 3)

LARGEST_ROWS = 8192
"""Bytes of three transposed input rows; wider images are left to other kernels."""

QUICK_STRIDE = 2
"""The largest step from window to window of the short sequence."""


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QDepthwiseConv2d)
    if op.window.kernel != KERNEL or op.window.dilations != (1, 1):
        return f"the window is {op.window}, not a dense 3x3"
    if signature.inputs[0].shape[3] != signature.output.shape[3]:
        return "an input channel has several output channels"
    if op.w_zero:
        return "weights have a zero point"
    return above("the size of three input rows", _scratch_bytes(op, signature), LARGEST_ROWS)


@dataclass(frozen=True, slots=True)
class _Planes:
    """Three input rows in scratch, one plane per channel, their bytes alternating.

    Padding at a row's right end is the padding at the left end of the next channel's rows, as far
    as both go.
    """

    columns: int
    """Of the input, that windows read."""
    plane: int
    """Bytes from channel to channel."""
    filled: int
    """Bytes of all planes, and of the padding after the last."""

    @staticmethod
    def of(op: QDepthwiseConv2d, signature: Signature) -> "_Planes":
        _, _, out_w, channels = signature.output.shape
        wanted = (out_w - 1) * op.window.strides[1] + KERNEL[1]
        left = min(op.window.pads[1], wanted)
        columns = min(signature.inputs[0].shape[2], wanted - left)
        shared = min(left, wanted - left - columns)
        plane = KERNEL[0] * (wanted - shared)
        return _Planes(columns, plane, round_up(channels, 4) * plane + KERNEL[0] * shared)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QDepthwiseConv2d)
    _, h, w, c = signature.inputs[0].shape
    _, out_h, out_w, _ = signature.output.shape
    window, planes = op.window, _Planes.of(op, signature)
    return {
        "in_h": h, "in_w": w, "channels": c,
        "out_h": out_h, "out_w": out_w,
        "stride_h": window.strides[0], "stride_w": window.strides[1],
        "pad_top": window.pads[0], "pad_left": window.pads[1],
        "columns": planes.columns, "plane": planes.plane, "planes": planes.filled,
        "x_zero": op.x_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _items(op: Op, signature: Signature) -> int:
    del op
    n, out_h, out_w, _ = signature.output.shape
    return n * out_h * out_w


def _scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, QDepthwiseConv2d)
    read_in_vain = LANES - KERNEL[0] * KERNEL[1]
    return round_up(_Planes.of(op, signature).filled + read_in_vain, 4)


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    assert isinstance(op, QDepthwiseConv2d)
    x, w, bias, multiplier, shift = products(constants)
    channels = w.shape[2]
    taps = np.zeros((round_up(channels, 4), 3, 3), np.int8)
    taps[:channels] = w.transpose(2, 1, 0)
    return (
        x,
        taps,
        per_channel(bias, channels),
        per_channel(multiplier, channels),
        per_channel(vector_shifts(shift, op.output.rounding), channels),
    )


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Input rows are transposed, eight channels at a time; output rows go by four channels."""
    assert isinstance(op, QDepthwiseConv2d)
    n, out_h, out_w, c = signature.output.shape
    window, planes = op.window, _Planes.of(op, signature)
    lines, fours = n * out_h, groups(c, 4)
    rows = n * ((out_h - 1) * min(window.strides[0], 3) + 3)
    quick, slow = (lines, 0) if window.strides[1] <= QUICK_STRIDE else (0, lines)
    is_clipped = (op.output.low, op.output.high) != (-128, 127)
    return (
        rows, rows * groups(c, 8), rows * groups(c, 8) * planes.columns, planes.filled // 16,
        lines, quick * fours, quick * fours * out_w, quick * is_clipped,
        quick * is_clipped * groups(out_w * c, LANES), slow * fours, slow * fours * out_w,
    )  # fmt: skip


TERMS = Terms(
    (
        "rows", "row_eights", "transposed", "filled", "lines", "quick_fours", "quick_outputs",
        "clipped_lines", "clipped_vectors", "slow_fours", "slow_outputs",
    ),
    _terms,
)  # fmt: skip


def _variant(name: str) -> Callable[[Op], str | None]:
    """Of VARIANTS: results below the zero point are rounded in ways of their own."""
    rounding = Rounding.HALF_EVEN if name == "half_even" else Rounding.DOUBLE

    def refuse(op: Op) -> str | None:
        assert isinstance(op, QDepthwiseConv2d)
        reason = rounds_as(rounding)(op)
        if reason is not None or rounding is Rounding.HALF_EVEN:
            return reason
        is_signed = op.output.low < op.output.zero
        if is_signed is not (name == "double_signed"):
            return f"results below the zero point {'count' if is_signed else 'are clipped'}"
        return None

    return refuse


def _kernel(name: str) -> Kernel:
    return Kernel(
        op=QDepthwiseConv2d,
        symbol=f"depthwise3x3_helium_{name}",
        struct="depthwise3x3_helium_args",
        header=HERE / "depthwise3x3_helium.h",
        source=HERE / f"depthwise3x3_helium_{name}.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=_variant(name),
        refuse=_refuse,
        fields=_fields,
        items=_items,
        terms=TERMS,
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=(
            HERE / "clip_helium.h",
            HERE / "depthwise3x3_helium_core.h",
            HERE / "fill_helium.h",
            HERE / "helium_rescale.h",
        ),
        pack=_pack,
    )


DEPTHWISE3X3_HELIUM = tuple(map(_kernel, VARIANTS))
