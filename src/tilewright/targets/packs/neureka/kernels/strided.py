"""Bindings of conv2d_strided_neureka.c and depthwise_strided_neureka.c.

The engine's 3x3 window moves by one. A window that moves further is computed everywhere, and a
second job keeps the pixels that are wanted.
"""

from dataclasses import replace

from tilewright.ir.op import Op
from tilewright.ir.target import Kernel, Signature
from tilewright.ir.types import TensorType
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.window2d import Window2d
from tilewright.targets.packs.neureka.kernels.conv2d_neureka import (
    CONV2D_NEUREKA,
    DEPTHWISE_NEUREKA,
    conv2d_job,
    depthwise_job,
    encode_conv2d,
    encode_depthwise,
)
from tilewright.targets.packs.neureka.kernels.shared import Packed
from tilewright.targets.packs.neureka.kernels.two_jobs import (
    Both,
    keeping,
    packed_with_keep,
    two_job_kernel,
)

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


CONV2D_STRIDED_NEUREKA = two_job_kernel(
    CONV2D_NEUREKA, "conv2d_strided_neureka", strided_jobs, _refuse_conv2d, _pack_conv2d
)
DEPTHWISE_STRIDED_NEUREKA = two_job_kernel(
    DEPTHWISE_NEUREKA, "depthwise_strided_neureka", strided_jobs, _refuse_depthwise, _pack_depthwise
)
