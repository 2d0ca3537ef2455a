"""Bindings of depthwise_s8_dsp_*.c: int8 depthwise convolution, four channels at a time."""

from math import prod

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QDepthwiseConv2d
from tilewright.targets.packs.arm_dsp.kernels.estimates import faster_than
from tilewright.targets.packs.arm_dsp.kernels.finish import VARIANTS, Variant, finish
from tilewright.targets.packs.arm_dsp.kernels.refusals import refuse_dilation, refuse_zero_point
from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE, Tables
from tilewright.targets.packs.portable.kernels.depthwise_s8 import DEPTHWISE_S8

FEW_CHANNELS = 63
"""Up to so many, 3x3 weights are stored as int16: 18 instructions of 118 less per four outputs."""


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QDepthwiseConv2d)
    channels, in_c = signature.output.shape[3], signature.inputs[0].shape[3]
    if channels != in_c:
        return f"{channels // in_c} output channels per input channel, not 1"
    return refuse_zero_point(op) or refuse_dilation(op.window.dilations)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QDepthwiseConv2d)
    _, h, w, c = signature.inputs[0].shape
    _, out_h, out_w, _ = signature.output.shape
    window = op.window
    return {
        "in_h": h, "in_w": w, "channels": c,
        "out_h": out_h, "out_w": out_w,
        "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
        "stride_h": window.strides[0], "stride_w": window.strides[1],
        "pad_top": window.pads[0], "pad_left": window.pads[1],
        "x_zero": op.x_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
        "is_wide": int(_is_wide(op, c)),
    }  # fmt: skip


def _items(op: Op, signature: Signature) -> int:
    del op
    return prod(signature.output.shape[:-1])


def _scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, QDepthwiseConv2d)
    return -(-signature.inputs[1].size // 4) * 4 if op.window.is_padded else 0


def _is_wide(op: QDepthwiseConv2d, channels: int) -> bool:
    """Whether weights are stored as int16, for fewer instructions and some more flash."""
    return op.window.kernel == (3, 3) and channels <= FEW_CHANNELS


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """Weights and tables as one array of words, [ceil(C/4), KH*KW * (1 or 2) + 10]; see the
    header."""
    assert isinstance(op, QDepthwiseConv2d)
    w, bias, multiplier, shift = (a for a in constants if a is not None)
    tables = Tables(bias, multiplier, shift).per_channel()
    channels = w.shape[2]
    by_element = w.reshape(-1, channels)
    biases, tail = finish(by_element, tables, op.output).by_group(_fours)
    by_group = _fours(by_element.astype(np.int8)).transpose(1, 0, 2)
    if _is_wide(op, channels):
        by_group = by_group[..., [0, 2, 1, 3]].astype(np.int16)
    weights = np.ascontiguousarray(by_group).reshape(len(biases), -1).view("<i4")
    unused = np.zeros(1, np.int32)
    words = np.concatenate([biases, weights, tail], axis=1).astype(np.int32)
    return None, words, unused, unused, unused


def _fours(array: Array) -> Array:
    """[..., channels] → [..., ceil(channels/4), 4], the last four being the last four channels;
    zeros added where there are less."""
    channels = array.shape[-1]
    if channels > 4:
        chosen = [min(at, channels - 4) + i for at in range(0, channels, 4) for i in range(4)]
        return array[..., chosen].reshape(*array.shape[:-1], -1, 4)
    missing = -array.shape[-1] % 4
    filled = np.concatenate([array, np.zeros((*array.shape[:-1], missing), array.dtype)], axis=-1)
    return filled.reshape(*array.shape[:-1], -1, 4)


def _kernel(variant: Variant) -> Kernel:
    return Kernel(
        op=QDepthwiseConv2d,
        symbol=f"depthwise_s8_dsp_{variant.name}",
        struct="depthwise_s8_dsp_args",
        header=HERE / "depthwise_s8_dsp.h",
        source=HERE / "depthwise_s8_dsp.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=variant.refuse,
        refuse=_refuse,
        fields=_fields,
        items=_items,
        cycles=faster_than(DEPTHWISE_S8[0]),
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=0),
        includes=(
            HERE / "depthwise_s8_dsp_3x3.h",
            HERE / "dsp_border.h",
            HERE / "dsp_finish.h",
            HERE / "dsp_requantise.h",
            HERE / "dsp_words.h",
        ),
        pack=_pack,
    )


DEPTHWISE_S8_DSP = tuple(map(_kernel, VARIANTS))
