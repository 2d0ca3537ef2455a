"""SAME and VALID padding of the schema as explicit pads."""

from tilewright.errors import ModelError
from tilewright.frontend.tflite_file import TfliteOperator
from tilewright.frontend.tflite_network import Network
from tilewright.ir.types import Shape
from tilewright.ops.window2d import Window2d

LARGEST_STEP = 1 << 15
"""Strides, dilations and windows beyond this are damage, not design."""


def same_or_valid(
    network: Network, op: TfliteOperator, x: Shape, kernel: Shape, dilation_slots: tuple[int, int]
) -> Window2d:
    """The window of a convolution over x[N,H,W,C]; dilation_slots are (width, height)."""
    dilations = tuple(
        1 if op.options is None else op.options.integer(slot, "int32", default=1)
        for slot in reversed(dilation_slots)
    )
    return _window(network, op, x, (kernel[0], kernel[1]), (dilations[0], dilations[1]))


def pool_window(network: Network, op: TfliteOperator, x: Shape) -> Window2d:
    """The window of a pooling over x[N,H,W,C]."""
    if op.options is None:
        raise ModelError(f"{network.label(op)}: has no window size")
    kernel = (op.options.integer(4, "int32"), op.options.integer(3, "int32"))
    return _window(network, op, x, kernel, (1, 1))


def _window(
    network: Network,
    op: TfliteOperator,
    x: Shape,
    kernel: tuple[int, int],
    dilations: tuple[int, int],
) -> Window2d:
    """All convolutions and poolings start their options with padding, stride_w, stride_h."""
    if len(x) != 4:
        raise ModelError(f"{network.label(op)}: its input has shape {list(x)}, 4 dimensions needed")
    if op.options is None:
        raise ModelError(f"{network.label(op)}: has no strides")
    strides = (op.options.integer(2, "int32"), op.options.integer(1, "int32"))
    steps = (*strides, *kernel, *dilations)
    if not all(1 <= n <= LARGEST_STEP for n in steps):
        raise ModelError(
            f"{network.label(op)}: strides {strides}, window {kernel} and dilations {dilations} "
            f"have to lie between 1 and {LARGEST_STEP}"
        )
    valid = Window2d(kernel, strides, dilations=dilations)
    padding = op.options.integer(0, "int8")
    if padding not in (0, 1):
        raise ModelError(f"{network.label(op)}: padding {padding} is neither SAME nor VALID")
    if padding == 1:
        return valid
    sides = [
        _same(extent, size, stride)
        for extent, size, stride in zip(valid.extent, x[1:3], strides, strict=True)
    ]
    (top, bottom), (left, right) = sides
    return Window2d(kernel, strides, (top, left, bottom, right), dilations)


def _same(extent: int, size: int, stride: int) -> tuple[int, int]:
    """Padding before and after so that ceil(size / stride) windows fit; the odd one goes after."""
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2
