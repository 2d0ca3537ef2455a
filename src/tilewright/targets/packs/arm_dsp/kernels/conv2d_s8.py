"""Bindings of conv2d_s8_dsp_*.c: int8 convolution by gathered patches and SMLAD."""

from math import prod

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import Array, Shape
from tilewright.ops.conv2d import QConv2d
from tilewright.targets.packs.arm_dsp.kernels.estimates import faster_than
from tilewright.targets.packs.arm_dsp.kernels.finish import VARIANTS, Variant
from tilewright.targets.packs.arm_dsp.kernels.matrix import next_rows, quads
from tilewright.targets.packs.arm_dsp.kernels.pairs import pack_pairs
from tilewright.targets.packs.arm_dsp.kernels.refusals import refuse_dilation, refuse_zero_point
from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE, Tables
from tilewright.targets.packs.portable.kernels.conv2d_s8 import CONV2D_S8


def _refuse(op: Op, signature: Signature) -> str | None:
    del signature
    assert isinstance(op, QConv2d)
    if op.groups > 1:
        return f"{op.groups} groups, not 1"
    if op.is_channels_first:
        return "x is channels first"
    return refuse_zero_point(op) or refuse_dilation(op.window.dilations)


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
        "pad_top": window.pads[0], "pad_left": window.pads[1],
        "is_pointwise": int(op.window.is_pointwise),
        "row_words": _row_words(signature), "is_split": int(_is_split(signature.inputs[1].shape)),
        "quads": _quads(signature),
        "x_zero": op.x_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _is_split(w: Shape) -> bool:
    """Whether the last bytes of three rows of a window share a word: 3x3 windows of RGB images."""
    _, kernel_h, kernel_w, c = w
    return kernel_h == 3 and kernel_w * c % 4 == 1 and kernel_w * c > 1


def _row_words(signature: Signature) -> int:
    """Words of one row of a window, as far as they are its own."""
    _, _, kernel_w, c = signature.inputs[1].shape
    return kernel_w * c // 4 if _is_split(signature.inputs[1].shape) else quads(kernel_w * c)


def _quads(signature: Signature) -> int:
    """Fours of elements in a patch."""
    kernel_h = signature.inputs[1].shape[1]
    return kernel_h * _row_words(signature) + int(_is_split(signature.inputs[1].shape))


def _scratch_bytes(op: Op, signature: Signature) -> int:
    """Widened patches; where a window may reach beyond the input, one of bytes."""
    assert isinstance(op, QConv2d)
    wide = 8 * next_rows(_items(op, signature)) * _quads(signature)
    _, kernel_h, kernel_w, c = signature.inputs[1].shape
    return wide if op.window.is_pointwise else wide + 4 * kernel_h * quads(kernel_w * c)


def _items(op: Op, signature: Signature) -> int:
    del op
    return prod(signature.output.shape[:-1])


def _in_words(w: Array) -> Array:
    """w[O,KH,KW,C] as [O, 4 * quads], in the order in which windows are gathered."""
    channels, kernel_h, kernel_w, c = w.shape
    rows = w.reshape(channels, kernel_h, kernel_w * c)
    if _is_split(w.shape):
        own, last = rows[..., :-1].reshape(channels, -1), rows[..., -1]
        return np.concatenate([own, last, np.zeros((channels, 1), w.dtype)], axis=1)
    filled = np.zeros((channels, kernel_h, quads(kernel_w * c) * 4), w.dtype)
    filled[..., : kernel_w * c] = rows
    return filled.reshape(channels, -1)


def _pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """Weights and tables as one array of words."""
    assert isinstance(op, QConv2d)
    w, bias, multiplier, shift = (a for a in constants if a is not None)
    tables = Tables(bias, multiplier, shift).per_channel()
    words = pack_pairs(_in_words(w), tables, op.output)
    unused = np.zeros(1, np.int32)
    return None, words, unused, unused, unused


def _kernel(variant: Variant) -> Kernel:
    return Kernel(
        op=QConv2d,
        symbol=f"conv2d_s8_dsp_{variant.name}",
        struct="conv2d_s8_dsp_args",
        header=HERE / "conv2d_s8_dsp.h",
        source=HERE / f"conv2d_s8_dsp_{variant.name}.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=variant.refuse,
        refuse=_refuse,
        fields=_fields,
        items=_items,
        cycles=faster_than(CONV2D_S8[0]),
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=(
            HERE / "conv2d_s8_dsp_core.h",
            HERE / "dsp_border.h",
            HERE / "dsp_finish.h",
            HERE / "dsp_pairs.h",
            HERE / "dsp_products.h",
            HERE / "dsp_requantise.h",
            HERE / "dsp_widen.h",
            HERE / "dsp_words.h",
        ),
        pack=_pack,
    )


CONV2D_S8_DSP = tuple(map(_kernel, VARIANTS))
