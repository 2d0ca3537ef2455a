"""Bindings of wide_conv2d, wide_add, wide_mul and wide_rescale: 16-bit activations."""

from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Streaming
from tilewright.ops.rescale import Rounding
from tilewright.ops.wide import WideAdd, WideConv2d, WideMul, WideOutput, WideRescale
from tilewright.targets.packs.portable.kernels.broadcast import broadcast_fields, refuse_broadcast
from tilewright.targets.packs.portable.kernels.counts import output_elements, output_rows
from tilewright.targets.packs.portable.kernels.window2d import window_fields

HERE = Path(__file__).parent


def _output_fields(output: WideOutput) -> Fields:
    return {"y_zero": output.zero, "low": output.low, "high": output.high}


def _conv2d_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, WideConv2d)
    x, w, y = (*signature.inputs[:2], signature.output)
    n, height, width, channels = x.shape
    if op.is_channels_first:
        n, channels, height, width = x.shape
    return window_fields(op.window, (n, height, width, channels), y.shape) | {
        "in_c": channels, "out_c": y.shape[3], "groups": op.groups,
        "is_channels_first": int(op.is_channels_first),
        "x_bytes": x.dtype.nbytes, "w_bytes": w.dtype.nbytes, "y_bytes": y.dtype.nbytes,
        "x_zero": op.x_zero, **_output_fields(op.output),
        "table_step": int(signature.inputs[3].size > 1),
        "is_reduced": int(op.output.rounding is Rounding.HALF_UP),
    }  # fmt: skip


def _patch_bytes(op: Op, signature: Signature) -> int:
    del op
    w = signature.inputs[1]
    return -(-2 * w.size // w.shape[0] // 4) * 4


def _binary_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, WideAdd | WideMul)
    a, b, y = (*signature.inputs, signature.output)
    return broadcast_fields(op, signature) | {
        "a_bytes": a.dtype.nbytes, "b_bytes": b.dtype.nbytes, "y_bytes": y.dtype.nbytes,
        "a_zero": op.a_zero, "b_zero": op.b_zero, "y_zero": op.output.zero,
    }  # fmt: skip


def _add_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, WideAdd)
    return {
        **_binary_fields(op, signature),
        "bits": op.bits,
        "a_multiplier": op.a_scale.multiplier, "a_shift": op.a_scale.shift,
        "b_multiplier": op.b_scale.multiplier, "b_shift": op.b_scale.shift,
        "multiplier": op.sum_scale.multiplier, "shift": op.sum_scale.shift,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _mul_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, WideMul)
    return {
        **_binary_fields(op, signature),
        "multiplier": op.scale.multiplier, "shift": op.scale.shift,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _rescale_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, WideRescale)
    return {
        "x_bytes": signature.inputs[0].dtype.nbytes, "y_bytes": signature.output.dtype.nbytes,
        "x_zero": op.zero, "y_zero": op.output.zero,
        "multiplier": op.scale.multiplier, "shift": op.scale.shift,
        "low": op.output.low, "high": op.output.high,
    }  # fmt: skip


def _refuse_pair(op: Op, signature: Signature) -> str | None:
    del op
    return refuse_broadcast(signature)


WIDE = (
    Kernel(
        op=WideConv2d,
        symbol="wide_conv2d",
        struct="wide_conv2d_args",
        header=HERE / "wide.h",
        source=HERE / "wide_conv2d.c",
        pointers=("x", "w", "bias", "multiplier", "shift", "y"),
        fields=_conv2d_fields,
        items=output_rows,
        scratch_bytes=_patch_bytes,
        includes=(HERE / "wide_elements.h",),
    ),
    Kernel(
        op=WideAdd,
        symbol="wide_add",
        struct="wide_add_args",
        header=HERE / "wide.h",
        source=HERE / "wide_add.c",
        pointers=("a", "b", "y"),
        refuse=_refuse_pair,
        fields=_add_fields,
        items=output_elements,
        streaming=Streaming(inputs=(0, 1), block_axes=0),
        includes=(HERE / "wide_elements.h", HERE / "broadcast.h"),
    ),
    Kernel(
        op=WideMul,
        symbol="wide_mul",
        struct="wide_mul_args",
        header=HERE / "wide.h",
        source=HERE / "wide_mul.c",
        pointers=("a", "b", "y"),
        refuse=_refuse_pair,
        fields=_mul_fields,
        items=output_elements,
        streaming=Streaming(inputs=(0, 1), block_axes=0),
        includes=(HERE / "wide_elements.h", HERE / "broadcast.h"),
    ),
    Kernel(
        op=WideRescale,
        symbol="wide_rescale",
        struct="wide_rescale_args",
        header=HERE / "wide.h",
        source=HERE / "wide_rescale.c",
        pointers=("x", "y"),
        fields=_rescale_fields,
        items=output_elements,
        streaming=Streaming(inputs=(0,), block_axes=0),
        includes=(HERE / "wide_elements.h",),
    ),
)
