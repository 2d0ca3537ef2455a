"""Bindings of conv2d_s8_dsp_*.c: int8 convolution by gathered patches and SMLAD."""

from math import prod

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QConv2d
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.arm_dsp.kernels.estimates import faster_than
from tilewright.targets.packs.arm_dsp.kernels.matrix import (
    next_rows,
    pack_product,
    per_channel,
    quads,
)
from tilewright.targets.packs.arm_dsp.kernels.refusals import refuse_dilation, refuse_zero_point
from tilewright.targets.packs.arm_dsp.kernels.requantise import HERE, variant_source
from tilewright.targets.packs.portable.kernels.contract_variants import rounds_as
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
        "quads": _quads(signature),
        "x_zero": op.x_zero, "y_zero": op.output.zero,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _quads(signature: Signature) -> int:
    """Fours of elements in a patch, whose rows fill whole words."""
    _, kernel_h, kernel_w, c = signature.inputs[1].shape
    return kernel_h * quads(kernel_w * c)


def _scratch_bytes(op: Op, signature: Signature) -> int:
    """Widened patches; where a window may reach beyond the input, one of bytes."""
    assert isinstance(op, QConv2d)
    wide = 8 * next_rows(_items(op, signature)) * _quads(signature)
    is_pointwise = op.window.is_pointwise
    return wide if is_pointwise else wide + 4 * _quads(signature)


def _items(op: Op, signature: Signature) -> int:
    del op
    return prod(signature.output.shape[:-1])


def _kernel(rounding: Rounding) -> Kernel:
    def pack(op: Op, constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
        del op
        return pack_product(per_channel(constants), rounding)

    return Kernel(
        op=QConv2d,
        symbol=f"conv2d_s8_dsp_{rounding.value}",
        struct="conv2d_s8_dsp_args",
        header=HERE / "conv2d_s8_dsp.h",
        source=variant_source("conv2d_s8_dsp", rounding),
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        variant=rounds_as(rounding),
        refuse=_refuse,
        fields=_fields,
        items=_items,
        cycles=faster_than(CONV2D_S8[0]),
        scratch_bytes=_scratch_bytes,
        streaming=Streaming(inputs=(0,), block_axes=1),
        includes=(
            HERE / "conv2d_s8_dsp_core.h",
            HERE / "dsp_pairs.h",
            HERE / "dsp_products.h",
            HERE / "dsp_requantise.h",
            HERE / "dsp_row.h",
            HERE / "dsp_tiles.h",
            HERE / "dsp_words.h",
        ),
        pack=pack,
    )


CONV2D_S8_DSP = tuple(map(_kernel, Rounding))
