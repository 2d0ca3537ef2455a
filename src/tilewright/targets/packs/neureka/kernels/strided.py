"""Bindings of conv2d_strided_neureka.c, depthwise_strided_neureka.c and conv2d_pairs_neureka.c.

The engine's 3x3 window moves by one. A window that moves further is computed everywhere, and a
second job keeps the pixels that are wanted. Where an input has few channels, two columns are taken
as one pixel of twice as many: the window then moves along by two, and only rows are left to drop.
"""

from dataclasses import replace

import numpy as np

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature, WholeAxis
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.window2d import Window2d
from tilewright.targets.packs.neureka.encoding import encode_windows
from tilewright.targets.packs.neureka.job import TILE, Job, Mode
from tilewright.targets.packs.neureka.kernels.conv2d_neureka import (
    CONV2D_NEUREKA,
    DEPTHWISE_NEUREKA,
    conv2d_job,
    depthwise_job,
    encode_conv2d,
    encode_depthwise,
)
from tilewright.targets.packs.neureka.kernels.shared import Packed, out_of, weight_offset
from tilewright.targets.packs.neureka.kernels.two_jobs import (
    Both,
    keeping,
    packed_with_keep,
    two_job_kernel,
)

MOST_PAIRED = 14
"""Input channels of which two pixels fit a tile of the engine."""

_Strided = QConv2d | QDepthwiseConv2d


def everywhere(window: Window2d, height: int, width: int) -> Window2d:
    """The window moving by one, over no more input than the strided one reads."""
    rows, columns = window.output_size(height, width)
    top, left, _, _ = window.pads
    below = (rows - 1) * window.strides[0] + window.kernel[0] - top - height
    right = (columns - 1) * window.strides[1] + window.kernel[1] - left - width
    return replace(window, strides=(1, 1), pads=(top, left, max(below, 0), max(right, 0)))


def _all_of(op: _Strided, signature: Signature) -> tuple[_Strided, Signature]:
    """The same layer where the window moves by one."""
    _, height, width, _ = signature.inputs[0].shape
    n, rows, columns, outputs = signature.output.shape
    down, along = op.window.strides
    shape = (n, (rows - 1) * down + 1, (columns - 1) * along + 1, outputs)
    made = TensorType(signature.output.dtype, shape)
    whole = replace(op, window=everywhere(op.window, height, width))
    return whole, Signature(signature.inputs, made)


def strided_jobs(op: Op, signature: Signature) -> Both:
    """All pixels of a window that moves by one, then those that are wanted."""
    assert isinstance(op, _Strided)
    whole, everything = _all_of(op, signature)
    make = conv2d_job if isinstance(whole, QConv2d) else depthwise_job
    return keeping(make(whole, everything), signature, *op.window.strides)


def _refuse(kernel: Kernel, op: Op, signature: Signature) -> str | None:
    assert isinstance(op, _Strided)
    if op.window.kernel != (3, 3) or op.window.strides == (1, 1):
        return f"takes 3x3 windows that move by more than one, not {op.window}"
    if isinstance(op, QConv2d) and op.is_channels_first:
        return "channels come first"
    return kernel.refuse(*_all_of(op, signature))


def _refuse_conv2d(op: Op, signature: Signature) -> str | None:
    return _refuse(CONV2D_NEUREKA, op, signature)


def _refuse_depthwise(op: Op, signature: Signature) -> str | None:
    return _refuse(DEPTHWISE_NEUREKA, op, signature)


def _pack_conv2d(op: Op, constants: Packed) -> Packed:
    assert isinstance(op, QConv2d)
    outputs = _outputs(constants, 0)
    return packed_with_keep(op.output, constants, outputs, lambda w: encode_conv2d(op, w))


def _pack_depthwise(op: Op, constants: Packed) -> Packed:
    assert isinstance(op, QDepthwiseConv2d)
    return packed_with_keep(op.output, constants, _outputs(constants, 2), encode_depthwise)


def _outputs(constants: Packed, axis: int) -> int:
    weights = constants[1]
    assert weights is not None
    return weights.shape[axis]


def _pairs(op: Op, signature: Signature) -> Both:
    """Of the three columns of a window, pixel 0 has two and pixel 1 the third."""
    assert isinstance(op, QConv2d)
    _, height, width, channels = signature.inputs[0].shape
    _, rows, columns, outputs = signature.output.shape
    top, _, below, right = everywhere(op.window, height, width).pads
    first = Job(
        mode=Mode.WINDOW, inputs=2 * channels, outputs=outputs,
        rows=(rows - 1) * op.window.strides[0] + 1, columns=columns,
        in_pixel=2 * channels, in_row=width * channels,
        # A column beyond the input: pixel 1 of the last window, and pixel 2, which counts nothing.
        pads=(top, 0, below, 2 if right else 0), pad_value=op.x_zero,
        weight_offset=weight_offset(op.w_zero), out=out_of(signature),
        is_signed=signature.inputs[0].dtype is DType.S8,
    )  # fmt: skip
    return keeping(first, signature, op.window.strides[0], 1)


def _refuse_pairs(op: Op, signature: Signature) -> str | None:
    assert isinstance(op, QConv2d)
    if op.window.strides[0] < 2 or op.window.strides[1] != 2 or op.window.pads[1]:
        return f"takes windows that move by two without padding on the left, not {op.window}"
    if (channels := signature.inputs[0].shape[-1]) > MOST_PAIRED:
        return f"takes two pixels of {channels} channels as one; at most {MOST_PAIRED} fit"
    if (wrong := _refuse_conv2d(op, signature)) is not None:
        return wrong
    if signature.output.shape[2] % TILE == 1 and _padding_on_the_right(op, signature):
        return "the last tile has one column, and padding that the engine does not give the others"
    return None


def _padding_on_the_right(op: QConv2d, signature: Signature) -> int:
    """Columns of padding on the right that windows reach."""
    _, height, width, _ = signature.inputs[0].shape
    return everywhere(op.window, height, width).pads[3]


def _pack_pairs(op: Op, constants: Packed) -> Packed:
    assert isinstance(op, QConv2d)

    def encode(w: Array) -> Array:
        outputs, _, _, channels = w.shape
        # What a pixel has beyond the window meets weights whose effective value is zero.
        pixels = np.full((outputs, 3, 3, 2 * channels), 128 + op.w_zero, np.uint8)
        columns = pixels.reshape(outputs, 3, 6, channels)
        columns[:, :, :3] = w
        return encode_windows(pixels, 8)

    return packed_with_keep(op.output, constants, _outputs(constants, 0), encode)


CONV2D_STRIDED_NEUREKA = two_job_kernel(
    CONV2D_NEUREKA, "conv2d_strided_neureka", strided_jobs, _refuse_conv2d, _pack_conv2d
)
CONV2D_PAIRS_NEUREKA = replace(
    two_job_kernel(CONV2D_NEUREKA, "conv2d_pairs_neureka", _pairs, _refuse_pairs, _pack_pairs),
    limits=(WholeAxis(3), WholeAxis(2)),
)
DEPTHWISE_STRIDED_NEUREKA = two_job_kernel(
    DEPTHWISE_NEUREKA, "depthwise_strided_neureka", strided_jobs, _refuse_depthwise, _pack_depthwise
)
