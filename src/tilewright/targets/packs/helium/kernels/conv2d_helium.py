"""Bindings of conv2d_helium_*.c."""

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QConv2d
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.helium.kernels.variants import HERE, ROUNDINGS
from tilewright.targets.packs.helium.kernels.weights import (
    ROWS,
    interleave,
    per_channel,
    products,
    round_up,
    vector_shifts,
)
from tilewright.targets.packs.portable.kernels.contract_variants import Refuse, refuse_unless

STRIP_BYTES = 2048
"""Gathered input columns take no more, unless two output pixels need more."""


def _refuse(rounding: Rounding) -> Refuse:
    by_rounding = refuse_unless(QConv2d, rounding)

    def refuse(op: Op, signature: Signature) -> str | None:
        reason = by_rounding(op, signature)
        if reason is not None:
            return reason
        assert isinstance(op, QConv2d)
        if op.groups > 1 or op.is_channels_first:
            return "channels are in groups or come first"
        if op.window.dilations[1] > 1:
            return f"columns are {op.window.dilations[1]} apart, at most 1"
        return "weights have a zero point" if op.w_zero else None

    return refuse


def _is_direct(op: QConv2d) -> bool:
    return op.window.kernel == (1, 1) and not any(op.window.pads)


def _strip(op: QConv2d, signature: Signature) -> int:
    """Output pixels per gathered strip; 0 where the input is read in place."""
    if _is_direct(op):
        return 0
    kernel_h, kernel_w = op.window.kernel
    column = kernel_h * signature.inputs[0].shape[3]
    pixels = (STRIP_BYTES // column - kernel_w) // op.window.strides[1] + 1
    return min(signature.output.shape[2], max(pixels & ~1, 2))


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QConv2d)
    _, h, w, c = signature.inputs[0].shape
    _, out_h, out_w, out_c = signature.output.shape
    window = op.window
    return {
        "in_h": h, "in_w": w, "in_c": c,
        "out_h": out_h, "out_w": out_w, "out_c": out_c,
        "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
        "stride_h": window.strides[0], "stride_w": window.strides[1],
        "dilation_h": window.dilations[0],
        "pad_top": window.pads[0], "pad_left": window.pads[1],
        "x_zero": op.x_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
        "strip": _strip(op, signature),
    }  # fmt: skip


def _items(op: Op, signature: Signature) -> int:
    del op
    n, out_h, out_w, _ = signature.output.shape
    return n * out_h * out_w


def _scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, QConv2d)
    kernel_h, kernel_w = op.window.kernel
    strip = _strip(op, signature)
    columns = (strip - 1) * op.window.strides[1] + kernel_w if strip else 0
    accumulators = 2 * 4 * round_up(signature.output.shape[3], 4)
    return accumulators + round_up(columns * kernel_h * signature.inputs[0].shape[3], 4)


def _cycles(op: Op, signature: Signature) -> int:
    assert isinstance(op, QConv2d)
    out_c, length = signature.inputs[1].shape[0], signature.inputs[1].size
    length //= out_c
    pairs = -(-_items(op, signature) // 2)
    groups = -(-out_c // ROWS)
    dots = pairs * groups * (8 + 12 * round_up(length, 16) // 16)
    gathered = 0 if _is_direct(op) else signature.output.size // out_c * length // 4
    return dots + gathered + 3 * signature.output.size


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    assert isinstance(op, QConv2d)
    x, w, bias, multiplier, shift = products(constants)
    channels = len(w)
    rows = np.ascontiguousarray(w.transpose(0, 2, 1, 3)).reshape(channels, -1)
    return (
        x,
        interleave(rows, ROWS, rest_apart=True),
        per_channel(bias, channels),
        per_channel(multiplier, channels),
        per_channel(vector_shifts(shift, op.output.rounding), channels),
    )


def _kernel(rounding: Rounding) -> Kernel:
    return Kernel(
        symbol=f"conv2d_helium_{rounding.value}",
        struct="conv2d_helium_args",
        header=HERE / "conv2d_helium.h",
        source=HERE / f"conv2d_helium_{rounding.value}.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        refuse=_refuse(rounding),
        fields=_fields,
        items=_items,
        cycles=_cycles,
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=(
            HERE / "conv2d_helium_core.h",
            HERE / "dot_helium.h",
            HERE / "fill_helium.h",
            HERE / "finish_helium.h",
            HERE / "helium_rescale.h",
        ),
        pack=_pack,
    )


CONV2D_HELIUM = tuple(map(_kernel, ROUNDINGS))
