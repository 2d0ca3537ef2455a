"""Bindings of conv2d_neureka.c and depthwise_neureka.c."""

from tilewright.ir.op import Op
from tilewright.ir.target import Signature, WholeAxis
from tilewright.ir.types import Array, DType
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.window2d import Window2d
from tilewright.targets.packs.neureka.encoding import (
    encode_channels,
    encode_points,
    encode_windows,
)
from tilewright.targets.packs.neureka.job import Job, Mode
from tilewright.targets.packs.neureka.kernels.planes import best_plane
from tilewright.targets.packs.neureka.kernels.shared import (
    Packed,
    neureka_kernel,
    out_of,
    packed,
    too_large,
    weight_offset,
    wrong_bytes,
)

MOST_PAD = 1
"""On a side: with two, tiles before the last would need some of it, which the engine has not."""

CHANNELS = (WholeAxis(3),)
"""Weights are encoded channel tile by channel tile, and used whole."""


def _wrong_window(window: Window2d) -> str | None:
    if window.kernel != (3, 3):
        return f"has a {window} window, the engine 3x3 and 1x1"
    if window.strides != (1, 1) or window.dilations != (1, 1):
        return f"has a {window} window; the engine's moves by one and has no gaps"
    if max(window.pads) > MOST_PAD:
        return f"has pads {window.pads}, this kernel at most {MOST_PAD} on a side"
    return None


def _refuse(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QConv2d)
    n, rows, columns, outputs = signature.output.shape
    if op.groups > 1 or op.is_channels_first:
        return "channels are in groups or come first"
    if (wrong := wrong_bytes(op.output, signature)) is not None:
        return wrong
    if op.window.kernel == (1, 1):
        if any(op.window.pads):
            return "pads a 1x1 window, which the engine does not"
    elif (wrong := _wrong_window(op.window)) is not None:
        return wrong
    if n > 1 and not op.window.is_pointwise:
        return f"has {n} images, the engine one"
    return too_large(n * rows * columns, columns, outputs, signature.inputs[0].shape[-1])


def conv2d_job(op: Op, signature: Signature) -> Job:
    """The job of a call of conv2d_neureka."""
    assert isinstance(op, QConv2d)
    n, rows, columns, outputs = signature.output.shape
    _, _, in_columns, inputs = signature.inputs[0].shape
    window = op.window
    job = Job(
        mode=Mode.WINDOW if window.kernel == (3, 3) else Mode.POINT,
        inputs=inputs, outputs=outputs, rows=rows, columns=columns,
        in_pixel=window.strides[1] * inputs, in_row=window.strides[0] * in_columns * inputs,
        pads=window.pads, pad_value=op.x_zero, weight_offset=weight_offset(op.w_zero),
        out=out_of(signature), is_signed=signature.inputs[0].dtype is DType.S8,
    )  # fmt: skip
    return best_plane(job, n * rows * columns) if window.is_pointwise else job


def encode_conv2d(op: QConv2d, stored: Array) -> Array:
    """Rows for 1x1 or 3x3."""
    if op.window.kernel == (1, 1):
        return encode_points(stored.reshape(len(stored), -1), 8)
    return encode_windows(stored, 8)


def encode_depthwise(stored: Array) -> Array:
    """Rows for one window per channel."""
    return encode_channels(stored, 8)


def _pack(op: Op, constants: Packed) -> Packed:
    assert isinstance(op, QConv2d)
    return packed(op.output, constants, lambda w: encode_conv2d(op, w))


def _refuse_depthwise(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QDepthwiseConv2d)
    n, rows, columns, outputs = signature.output.shape
    inputs = signature.inputs[0].shape[-1]
    if inputs != outputs:
        return f"makes {outputs} channels of {inputs}, the engine as many as there are"
    if (wrong := wrong_bytes(op.output, signature) or _wrong_window(op.window)) is not None:
        return wrong
    return f"has {n} images, the engine one" if n > 1 else too_large(rows, columns, outputs)


def depthwise_job(op: Op, signature: Signature) -> Job:
    """The job of a call of depthwise_neureka."""
    assert isinstance(op, QDepthwiseConv2d)
    _, rows, columns, outputs = signature.output.shape
    _, _, in_columns, inputs = signature.inputs[0].shape
    return Job(
        mode=Mode.DEPTHWISE, inputs=inputs, outputs=outputs, rows=rows, columns=columns,
        in_row=in_columns * inputs, pads=op.window.pads, pad_value=op.x_zero,
        weight_offset=weight_offset(op.w_zero), out=out_of(signature),
        is_signed=signature.inputs[0].dtype is DType.S8,
        # How much of a product prefetching hides differs between the engine and its model.
        prefetches=False,
    )  # fmt: skip


def _pack_depthwise(op: Op, constants: Packed) -> Packed:
    assert isinstance(op, QDepthwiseConv2d)
    return packed(op.output, constants, encode_depthwise)


CONV2D_NEUREKA = neureka_kernel(QConv2d, "conv2d_neureka", conv2d_job, _refuse, _pack, CHANNELS)
DEPTHWISE_NEUREKA = neureka_kernel(
    QDepthwiseConv2d,
    "depthwise_neureka",
    depthwise_job,
    _refuse_depthwise,
    _pack_depthwise,
    CHANNELS,
)
