"""The C side's view of a sliding window over NHWC tensors, see window2d.h."""

from tilewright.ir.types import Shape
from tilewright.ops.window2d import Window2d


def window_fields(window: Window2d, x: Shape, y: Shape) -> dict[str, int]:
    """Members in_h, in_w, out_h, out_w, kernel_*, stride_*, pad_top, pad_left, dilation_*.

    x, y  shapes in NHWC order
    """
    return {
        "in_h": x[1],
        "in_w": x[2],
        "out_h": y[1],
        "out_w": y[2],
        "kernel_h": window.kernel[0],
        "kernel_w": window.kernel[1],
        "stride_h": window.strides[0],
        "stride_w": window.strides[1],
        "pad_top": window.pads[0],
        "pad_left": window.pads[1],
        "dilation_h": window.dilations[0],
        "dilation_w": window.dilations[1],
    }
