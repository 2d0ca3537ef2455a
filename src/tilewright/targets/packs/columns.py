"""Images one element wide, taken as rows: kernels compute rows of outputs at once."""

from dataclasses import replace

from tilewright.ir.target import Signature
from tilewright.ir.types import Shape, TensorType
from tilewright.ops.conv2d import QDepthwiseConv2d


def as_row(
    op: QDepthwiseConv2d, signature: Signature, *, dilates: bool = False
) -> tuple[QDepthwiseConv2d, Signature]:
    """A convolution along the height of something one element wide, along the width instead.

    The same bytes mean the same.

    dilates  whether windows with holes are turned, too
    """
    window = op.window
    (kh, kw), (top, left, bottom, right) = window.kernel, window.pads
    x, y = signature.inputs[0], signature.output
    is_column = x.shape[2] == y.shape[2] == kw == 1 and (left, right) == (0, 0)
    if not is_column or (window.dilations[0] > 1 and not dilates):
        return op, signature
    turned = replace(
        window, kernel=(1, kh), strides=window.strides[::-1], pads=(left, top, right, bottom),
        dilations=(1, window.dilations[0]),
    )  # fmt: skip
    inputs = (replace(x, shape=_swapped(x)), *signature.inputs[1:])
    return replace(op, window=turned), Signature(inputs, replace(y, shape=_swapped(y)))


def _swapped(image: TensorType) -> Shape:
    n, h, w, c = image.shape
    return n, w, h, c
