"""Bindings of conv2d_s8_*.c: int8 convolution by gathered patches.

The narrow variants gather one patch at a time: slower, with a quarter of the scratch.
"""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming, Terms
from tilewright.ops.conv2d import QConv2d
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.portable.kernels.contract_variants import (
    HERE,
    ROUNDINGS,
    rounds_as,
    widen_shifts,
)
from tilewright.targets.packs.portable.kernels.product_terms import (
    DOTS,
    FINISHED,
    FOURS,
    GATHERED,
    PATCHES,
    dots,
    finished,
    fours,
    gathered,
)


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, QConv2d)
    n, h, w, c = signature.inputs[0].shape
    if op.is_channels_first:
        n, c, h, w = signature.inputs[0].shape
    del n
    _, out_h, out_w, out_c = signature.output.shape
    window = op.window
    return {
        "in_h": h, "in_w": w, "in_c": c,
        "out_h": out_h, "out_w": out_w, "out_c": out_c,
        "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
        "stride_h": window.strides[0], "stride_w": window.strides[1],
        "dilation_h": window.dilations[0], "dilation_w": window.dilations[1],
        "pad_top": window.pads[0], "pad_left": window.pads[1],
        "groups": op.groups, "is_channels_first": int(op.is_channels_first),
        "x_zero": op.x_zero, "w_zero": op.w_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
        "table_step": int(signature.inputs[3].size > 1),
    }  # fmt: skip


def _patch_elements(signature: Signature, op: QConv2d) -> int:
    return signature.inputs[1].size // signature.inputs[1].shape[0] * op.groups


def _scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, QConv2d)
    pixels = min(PATCHES, _items(op, signature))
    return 2 * pixels * _patch_elements(signature, op)


def _narrow_scratch_bytes(op: Op, signature: Signature) -> int:
    assert isinstance(op, QConv2d)
    return 2 * _patch_elements(signature, op)


def _items(op: Op, signature: Signature) -> int:
    del op
    n, out_h, out_w, _ = signature.output.shape
    return n * out_h * out_w


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, QConv2d)
    pixels, channels = _items(op, signature), signature.output.shape[3]
    length = _patch_elements(signature, op) // op.groups
    recentres = pixels * op.groups * (op.w_zero != 0)
    return (
        *gathered(op, signature),
        *fours(pixels // PATCHES, channels, length),
        *dots(pixels % PATCHES, channels, length, recentres=recentres),
        *finished(pixels * op.groups, channels // op.groups, signature.inputs[3].size),
    )


def _narrow_terms(op: Op, signature: Signature) -> tuple[int, ...]:
    assert isinstance(op, QConv2d)
    pixels, channels = _items(op, signature), signature.output.shape[3]
    length = _patch_elements(signature, op) // op.groups
    recentres = pixels * op.groups * (op.w_zero != 0)
    return (
        *gathered(op, signature),
        *dots(pixels, channels, length, recentres=recentres),
        *finished(pixels * op.groups, channels // op.groups, signature.inputs[3].size),
    )


def _kernel(rounding: Rounding) -> Kernel:
    return Kernel(
        op=QConv2d,
        symbol=f"conv2d_s8_{rounding.value}",
        struct="conv2d_s8_args",
        header=HERE / "conv2d_s8.h",
        source=HERE / "conv2d_s8.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=rounds_as(rounding, wraps=True),
        fields=_fields,
        items=_items,
        terms=Terms((*GATHERED, *FOURS, *DOTS, *FINISHED), _terms),
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=(HERE / "conv2d_s8_core.h", HERE / "dot_s8.h", HERE / "requantise_s8.h"),
        pack=widen_shifts,
    )


def _narrow(wide: Kernel, rounding: Rounding) -> Kernel:
    return replace(
        wide,
        symbol=f"conv2d_s8_narrow_{rounding.value}",
        terms=Terms((*GATHERED, *DOTS, *FINISHED), _narrow_terms),
        scratch_bytes=_narrow_scratch_bytes,
    )


CONV2D_S8 = tuple(map(_kernel, ROUNDINGS))
CONV2D_S8_NARROW = tuple(map(_narrow, CONV2D_S8, ROUNDINGS))
