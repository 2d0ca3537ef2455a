"""Bindings of depthwise_xpulp.c: int8 depthwise convolution."""

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QDepthwiseConv2d
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.contract_variants import ROUNDINGS, rounds_as
from tilewright.targets.packs.xpulp.kernels.shared import (
    COMMON,
    CORES,
    HERE,
    finished,
    products,
    round_up,
    shared_out,
)

MOST_BLOCKS = 16
"""Of rows."""

LEFT = 4
"""DEPTHWISE_XPULP_LEFT of depthwise_xpulp_core.h."""


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QDepthwiseConv2d)
    if op.w_zero:
        return "weights have a zero point"
    if op.window.dilations != (1, 1):
        return "elements of the window lie apart"
    if op.window.pads[1] > LEFT:
        return f"{op.window.pads[1]} columns of padding to the left, at most {LEFT}"
    channels, in_c = signature.output.shape[3], signature.inputs[0].shape[3]
    return None if channels == in_c else f"{channels // in_c} output channels per input channel"


def _groups(signature: Signature) -> int:
    return signature.output.shape[0] * round_up(signature.output.shape[3], 4) // 4


def _item_rows(op: QDepthwiseConv2d, signature: Signature) -> int:
    """As many as make the call shortest: blocks share the work, but turn rows twice."""
    out_h = signature.output.shape[1]
    choices = {-(-out_h // blocks) for blocks in range(1, min(out_h, MOST_BLOCKS) + 1)}
    return min(choices, key=lambda rows: (_shared(op, signature, rows), -rows))


def _pitch(op: QDepthwiseConv2d, signature: Signature) -> int:
    """Bytes of a plane's row: all that windows reach, and what whole words reach beyond."""
    out_w, in_w = signature.output.shape[2], signature.inputs[0].shape[2]
    reached = (out_w - 1) * op.window.strides[1] + round_up(op.window.kernel[1], 4)
    return round_up(LEFT + max(reached, in_w) + 4, 4)


def _taken(op: QDepthwiseConv2d, rows: int) -> int:
    return (rows - 1) * op.window.strides[0] + op.window.kernel[0]


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QDepthwiseConv2d)
    _, h, w, _ = signature.inputs[0].shape
    _, out_h, out_w, out_c = signature.output.shape
    window = op.window
    return {
        "in_h": h, "in_w": w,
        "out_h": out_h, "out_w": out_w, "channels": out_c,
        "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
        "stride_h": window.strides[0], "stride_w": window.strides[1],
        "pad_top": window.pads[0], "pad_left": window.pads[1],
        "x_zero": op.x_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
        "item_rows": _item_rows(op, signature),
        "pitch": _pitch(op, signature),
    }  # fmt: skip


def _items(op: Op, signature: Signature) -> int:
    assert isinstance(op, QDepthwiseConv2d)
    return _groups(signature) * -(-signature.output.shape[1] // _item_rows(op, signature))


def _scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, QDepthwiseConv2d)
    return 4 * _taken(op, _item_rows(op, signature)) * _pitch(op, signature)


def _each(op: QDepthwiseConv2d, signature: Signature, rows: int) -> int:
    """Cycles of one item of so many rows."""
    (kernel_h, kernel_w), (stride_h, _) = op.window.kernel, op.window.strides
    out_w, in_w = signature.output.shape[2], signature.inputs[0].shape[2]
    turned = _taken(op, rows) * (6 + 18 * (in_w // 4) + 24 * (in_w % 4 > 0))
    if kernel_h == 3 and kernel_w <= 4 and stride_h <= 2:
        column = 31 + (20 if stride_h == 1 else 24) * rows
        return 90 + turned + 2 * (80 + column * out_w)
    words = kernel_h * round_up(kernel_w, 4) // 4
    return 90 + turned + 4 * rows * (20 + (45 + 11 * words) * out_w)


def _shared(op: QDepthwiseConv2d, signature: Signature, rows: int) -> int:
    """Cycles on one core if eight shared the call: items, and padding once per block and core."""
    blocks = -(-signature.output.shape[1] // rows)
    items = _groups(signature) * blocks
    padded = min(blocks, -(-items // CORES)) * _taken(op, rows) * _pitch(op, signature)
    return shared_out(items, _each(op, signature, rows)) + CORES * padded


def _cycles(op: Op, signature: Signature) -> int:
    assert isinstance(op, QDepthwiseConv2d)
    return _shared(op, signature, _item_rows(op, signature)) + 300 * CORES


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    assert isinstance(op, QDepthwiseConv2d)
    x, w, bias, multiplier, shift = products(constants)
    kernel_h, kernel_w = op.window.kernel
    channels = w.shape[-1]
    whole = np.zeros((round_up(channels, 4), kernel_h, round_up(kernel_w, 4)), np.int8)
    whole[:channels, :, :kernel_w] = w.reshape(kernel_h, kernel_w, channels).transpose(2, 0, 1)
    rows = whole[:channels].reshape(channels, -1)
    return x, whole, *finished(rows, (bias, multiplier, shift), op.output, absorbs_bias=True)


def _kernel(rounding: Rounding) -> Kernel:
    return Kernel(
        op=QDepthwiseConv2d,
        symbol=f"depthwise_xpulp_{rounding.value}",
        struct="depthwise_xpulp_args",
        header=HERE / "depthwise_xpulp.h",
        source=HERE / "depthwise_xpulp.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=rounds_as(rounding, wraps=True),
        refuse=_refuse,
        fields=_fields,
        items=_items,
        cycles=_cycles,
        code_bytes=2200,
        scratch_bytes=_scratch_bytes,
        includes=(HERE / "depthwise_xpulp_core.h", HERE / "depthwise_xpulp_asm.h", *COMMON),
        pack=_pack,
    )


DEPTHWISE_XPULP = tuple(map(_kernel, ROUNDINGS))
