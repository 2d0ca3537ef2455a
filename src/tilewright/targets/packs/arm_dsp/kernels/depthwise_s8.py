"""Bindings of depthwise_s8_dsp_*.c: int8 depthwise convolution, four channels at a time."""

from math import prod

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QDepthwiseConv2d
from tilewright.ops.window2d import Window2d
from tilewright.targets.packs.arm_dsp.kernels.finish import VARIANTS, Variant, finish
from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE, Tables
from tilewright.targets.packs.arm_dsp.kernels.words import is_clipped
from tilewright.targets.packs.columns import as_row
from tilewright.targets.packs.terms import groups, whole_windows

FEW_WEIGHTS = 567
"""Up to so many, weights of 3x3 windows are stored as int16: two instructions in ten less."""

FEW_OF_OTHERS = 4096
"""Up to so many, those of other windows are: most of their instructions are for products."""

FOUR = 4
"""Channels that are computed together."""


def _is_3x3(window: Window2d) -> bool:
    return window.kernel == (3, 3) and window.dilations == (1, 1)


def _refuse(op: Op, signature: Signature, *, is_3x3: bool) -> str | None:
    assert isinstance(op, QDepthwiseConv2d)
    channels, in_c = signature.output.shape[3], signature.inputs[0].shape[3]
    if channels != in_c:
        return f"{channels // in_c} output channels per input channel, not 1"
    if channels < FOUR:
        return f"{channels} channels, not at least {FOUR}"
    if _is_3x3(op.window) is not is_3x3:
        return f"the window is {op.window}"
    return None


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QDepthwiseConv2d)
    op, signature = as_row(op, signature, dilates=True)
    _, h, w, c = signature.inputs[0].shape
    _, out_h, out_w, _ = signature.output.shape
    window = op.window
    return {
        "in_h": h, "in_w": w, "channels": c,
        "out_h": out_h, "out_w": out_w,
        "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
        "stride_h": window.strides[0], "stride_w": window.strides[1],
        "dilation_h": window.dilations[0], "dilation_w": window.dilations[1],
        "pad_top": window.pads[0], "pad_left": window.pads[1],
        "x_zero": op.x_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
        "is_wide": int(_is_wide(op, signature.inputs[1].size)),
        "times": 1, "window_bytes": _scratch_bytes(op, signature),
    }  # fmt: skip


def _items(op: Op, signature: Signature) -> int:
    del op
    return prod(signature.output.shape[:-1])


def _scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, QDepthwiseConv2d)
    return -(-signature.inputs[1].size // 4) * 4 if op.window.is_padded else 0


def _is_wide(op: QDepthwiseConv2d, weights: int) -> bool:
    """Whether weights are stored as int16, for fewer instructions and some more flash; less a zero
    point, they may need it."""
    few = FEW_WEIGHTS if _is_3x3(op.window) else FEW_OF_OTHERS
    return weights <= few or op.w_zero != 0


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """Weights and tables as one array of words, [ceil(C/4), KH*KW * (1 or 2) + 10]; see the
    header."""
    assert isinstance(op, QDepthwiseConv2d)
    w, bias, multiplier, shift = (a for a in constants if a is not None)
    tables = Tables(bias, multiplier, shift).per_channel()
    by_element = w.reshape(-1, w.shape[2]).astype(np.int16) - op.w_zero
    biases, tail = finish(by_element, tables, op.output).by_group(fours)
    by_group = fours(by_element).transpose(1, 0, 2)
    if _is_wide(op, w.size):
        by_group = by_group[..., [0, 2, 1, 3]].astype(np.int16)
    else:
        by_group = by_group.astype(np.int8)
    weights = np.ascontiguousarray(by_group).reshape(len(biases), -1).view("<i4")
    unused = np.zeros(1, np.int32)
    words = np.concatenate([biases, weights, tail], axis=1).astype(np.int32)
    return None, words, unused, unused, unused


def fours(array: Array) -> Array:
    """[..., channels] → [..., ceil(channels/4), 4], the last four being the last four channels."""
    channels = array.shape[-1]
    chosen = [min(at, channels - 4) + i for at in range(0, channels, 4) for i in range(4)]
    return array[..., chosen].reshape(*array.shape[:-1], -1, 4)


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    """Fours of channels, in two ways; windows beyond the input are copied one by one."""
    assert isinstance(op, QDepthwiseConv2d)
    op, signature = as_row(op, signature, dilates=True)
    (_, h, w, c), (n, out_h, out_w, _) = signature.inputs[0].shape, signature.output.shape
    window, pixels = op.window, n * out_h * out_w
    (kernel_h, kernel_w), (extent_h, extent_w) = window.kernel, window.extent
    rows = whole_windows(out_h, window.strides[0], window.pads[0], extent_h, h)
    columns = whole_windows(out_w, window.strides[1], window.pads[1], extent_w, w)
    border, taps = n * (out_h * out_w - rows * columns), kernel_h * kernel_w
    blocks, has_holes = pixels * groups(c, FOUR), window.dilations != (1, 1)
    is_wide, windows = _is_wide(op, taps * c), 1 if kernel_w == 1 else kernel_h
    return (
        n * out_h, border + n * rows, border, border * kernel_h, border * taps * c,
        border * taps * has_holes, border * taps * c * has_holes,
        blocks, blocks * windows, blocks * taps * is_wide, blocks * taps * (not is_wide),
        pixels, pixels * (c % FOUR > 0), is_clipped(op.output) * pixels * c,
    )  # fmt: skip


TERMS = Terms(
    (
        "lines", "runs", "borders", "border_rows", "border_bytes", "hole_taps", "hole_bytes",
        "fours", "rows", "wide_taps", "narrow_taps", "pixels", "odd_pixels", "clipped",
    ),
    _terms,
)  # fmt: skip


def _kernel(variant: Variant, *, is_3x3: bool) -> Kernel:
    def refuse(op: Op, signature: Signature) -> str | None:
        return _refuse(op, signature, is_3x3=is_3x3)

    return Kernel(
        op=QDepthwiseConv2d,
        symbol=f"depthwise_s8_dsp_{'' if is_3x3 else 'any_'}{variant.name}",
        struct="depthwise_s8_dsp_args",
        header=HERE / "depthwise_s8_dsp.h",
        source=HERE / "depthwise_s8_dsp.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=variant.refuse,
        refuse=refuse,
        fields=_fields,
        items=_items,
        terms=TERMS,
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=0),
        includes=(
            HERE / "depthwise_s8_dsp_fours.h",
            HERE / "depthwise_s8_dsp_windows.h",
            HERE / "dsp_border.h",
            HERE / "dsp_finish.h",
            HERE / "dsp_requantise.h",
            HERE / "dsp_words.h",
        ),
        pack=_pack,
    )


DEPTHWISE_S8_DSP = tuple(_kernel(v, is_3x3=i) for i in (True, False) for v in VARIANTS)
