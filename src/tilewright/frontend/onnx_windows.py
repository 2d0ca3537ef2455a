"""Convolution and pooling nodes: windows that slide over images, channels last inside."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_tensors import (
    AS_IMAGE,
    TO_CHANNELS_FIRST,
    TO_CHANNELS_LAST,
    Constant,
    Importing,
    Layout,
    permuted,
)
from tilewright.ir.graph import ValueName
from tilewright.ir.op import Op
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d
from tilewright.ops.layout import Reshape, Transpose
from tilewright.ops.pool2d import AveragePool2d, MaxPool2d
from tilewright.ops.reduce import Mean
from tilewright.ops.window2d import Window2d


def import_conv(state: Importing, node: OnnxNode) -> None:
    """Conv over two dimensions, or over one (a row of height 1)."""
    weights = state.constant(node, 1, "weights")
    shape = state.shape(node.input(0))
    if len(shape) != weights.array.ndim:
        raise ModelError(
            f"{node}: x has shape {list(shape)}, the weights {list(weights.array.shape)}"
        )
    if len(shape) == 3:
        flat = weights.array
        spread = weights.quantisation
        weights = Constant(flat.reshape(*flat.shape[:2], 1, flat.shape[2]), spread)
    kernel = _pair(node, "kernel_shape", len(shape), weights.array.shape[2:])
    if kernel != weights.array.shape[2:]:
        raise ModelError(f"{node}: kernel_shape is {kernel}, weights {weights.array.shape[2:]}")
    window, _ = _window(node, kernel, shape)
    groups, per_group = node.integer("group", 1), weights.array.shape[1]
    if groups < 1 or shape[1] != per_group * groups or weights.array.shape[0] % groups:
        raise ModelError(
            f"{node}: x has {shape[1]} channels, the weights "
            f"{list(weights.array.shape)} in {groups} groups"
        )
    op: Op = Conv2d(window, groups)
    if groups == shape[1] and per_group == 1 and groups > 1:
        op = DepthwiseConv2d(window)
        # [O,1,KH,KW] -> [KH,KW,O]: the dimension of extent 1 goes first, then away.
        weights = permuted(weights, (1, 2, 3, 0))
        weights = _without_first(weights)
    else:
        weights = permuted(weights, TO_CHANNELS_LAST)
    inputs = (
        _image(state, node),
        state.declare(node.input(1), weights),
        bias_of(state, node, 2, weights.array.shape[2 if isinstance(op, DepthwiseConv2d) else 0]),
    )
    _emit(state, node, op, inputs)


def import_max_pool(state: Importing, node: OnnxNode) -> None:
    """MaxPool without indices."""
    if any(node.outputs[1:]):
        raise UnsupportedError(f"{node}: its second output, the indices, is not supported")
    shape = state.shape(node.input(0))
    kernel = _pair(node, "kernel_shape", len(shape), ())
    window, _ = _window(node, kernel, shape)
    _emit(state, node, MaxPool2d(window), (_image(state, node),))


def import_average_pool(state: Importing, node: OnnxNode) -> None:
    """AveragePool."""
    shape = state.shape(node.input(0))
    kernel = _pair(node, "kernel_shape", len(shape), ())
    window, spare = _window(node, kernel, shape)
    counts = node.integer("count_include_pad", 0) != 0 and window.is_padded
    if counts and any(spare):
        raise UnsupportedError(
            f"{node}: ceil_mode with count_include_pad adds {spare} rows and columns that count "
            "for nothing; use explicit pads"
        )
    _emit(state, node, AveragePool2d(window, counts), (_image(state, node),))


def import_global_average_pool(state: Importing, node: OnnxNode) -> None:
    """GlobalAveragePool: the mean over rows and columns."""
    _emit(state, node, Mean((1, 2)), (_image(state, node),))


def import_global_max_pool(state: Importing, node: OnnxNode) -> None:
    """GlobalMaxPool: one window over everything."""
    x = _image(state, node)
    _, h, w, _ = state.builder.values[x].type.shape
    _emit(state, node, MaxPool2d(Window2d((h, w))), (x,))


def bias_of(state: Importing, node: OnnxNode, index: int, channels: int) -> ValueName:
    """A bias of one number per channel; zeros where the node has none."""
    if not node.has(index):
        zeros = Constant(np.zeros(channels, np.float32))
        return state.declare(f"{node.output}.zero_bias", zeros)
    bias = state.constant(node, index, "bias")
    if bias.array.shape != (channels,):
        raise ModelError(
            f"{node}: bias {node.input(index)} has shape {list(bias.array.shape)}, "
            f"the layer {channels} output channels"
        )
    return state.declare(node.input(index), bias)


def _image(state: Importing, node: OnnxNode) -> ValueName:
    """Input 0 as [N,H,W,C]; [N,C,L] becomes [N,1,L,C]."""
    name = node.input(0)
    shape = state.shape(name)
    if len(shape) == 4:
        return state.image(node, name)
    if len(shape) != 3:
        raise UnsupportedError(
            f"{node}: x has shape {list(shape)}; windows over one or two dimensions are supported"
        )
    n, c, length = shape
    image = state.between(name, Reshape((n, c, 1, length)), state.value(node, name))
    return state.between(name, Transpose(TO_CHANNELS_LAST), image)


def _emit(state: Importing, node: OnnxNode, op: Op, inputs: tuple[ValueName, ...]) -> None:
    if len(state.shape(node.input(0))) == 4:
        state.emit(node, op, inputs, layout=AS_IMAGE)
        return
    n, h, w, c = op.infer(*(state.builder.values[name].type for name in inputs)).shape
    assert h == 1
    back = (Transpose(TO_CHANNELS_FIRST), Reshape((n, c, w)))
    state.emit(node, op, inputs, layout=Layout(then=back))


def _without_first(weights: Constant) -> Constant:
    quantisation = weights.quantisation
    if quantisation is not None and quantisation.axis is not None:
        quantisation = replace(quantisation, axis=quantisation.axis - 1)
    return Constant(weights.array[0], quantisation)


def _pair(node: OnnxNode, name: str, rank: int, default: tuple[int, ...]) -> tuple[int, int]:
    """A (height, width) attribute of positive integers; height is 1 where there is one entry."""
    value = node.integers(name, default)
    if rank == 3 and len(value) == 1:
        value = (1, *value)
    if len(value) != 2 or not all(0 < v < 2**15 for v in value):
        raise ModelError(f"{node}: {name} is {list(value)}, x has {rank} dimensions")
    return value[0], value[1]


def _window(
    node: OnnxNode, kernel: tuple[int, int], shape: tuple[int, ...]
) -> tuple[Window2d, tuple[int, int]]:
    """The window, and how many rows and columns of padding ceil_mode added at the end."""
    rank = len(shape)
    if rank not in (3, 4):
        raise UnsupportedError(
            f"{node}: x has shape {list(shape)}; windows over one or two dimensions are supported"
        )
    ones = (1,) * (rank - 2)
    plain = Window2d(
        kernel,
        _pair(node, "strides", rank, ones),
        (0, 0, 0, 0),
        _pair(node, "dilations", rank, ones),
    )
    size = (1, shape[2]) if rank == 3 else (shape[2], shape[3])
    rows = _pads_along(node, plain, 0, size, rank)
    cols = _pads_along(node, plain, 1, size, rank)
    spare = (0, 0)
    if node.integer("ceil_mode", 0):
        spare = (_ceil_spare(plain, 0, size, rows), _ceil_spare(plain, 1, size, cols))
    pads = (rows[0], cols[0], rows[1] + spare[0], cols[1] + spare[1])
    return replace(plain, pads=pads), spare


def _pads_along(
    node: OnnxNode, window: Window2d, axis: int, size: tuple[int, int], rank: int
) -> tuple[int, int]:
    """Padding before and after one spatial axis."""
    mode = node.text("auto_pad", "NOTSET")
    if mode == "VALID":
        return 0, 0
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        stride = window.strides[axis]
        tiles = -(-size[axis] // stride)
        total = max((tiles - 1) * stride + window.extent[axis] - size[axis], 0)
        small, large = total // 2, total - total // 2
        return (small, large) if mode == "SAME_UPPER" else (large, small)
    if mode != "NOTSET":
        raise ModelError(f"{node}: auto_pad is {mode!r}")
    dims = rank - 2
    pads = node.integers("pads", (0,) * (2 * dims))
    if len(pads) != 2 * dims or not all(0 <= p < 2**15 for p in pads):
        raise ModelError(f"{node}: pads are {list(pads)}, x has {rank} dimensions")
    if rank == 3:
        return (0, 0) if axis == 0 else (pads[0], pads[1])
    return pads[axis], pads[axis + 2]


def _ceil_spare(window: Window2d, axis: int, size: tuple[int, int], pads: tuple[int, int]) -> int:
    """Elements that the last window of ceil_mode reaches beyond the padding."""
    stride, extent = window.strides[axis], window.extent[axis]
    padded = size[axis] + sum(pads)
    steps = -(-(padded - extent) // stride)
    # A window that would start in the padding behind the input is not used.
    if steps * stride >= size[axis] + pads[0]:
        steps -= 1
    return max(steps * stride + extent - padded, 0)


WINDOW_IMPORTERS: dict[str, Callable[[Importing, OnnxNode], None]] = {
    "Conv": import_conv,
    "MaxPool": import_max_pool,
    "AveragePool": import_average_pool,
    "GlobalAveragePool": import_global_average_pool,
    "GlobalMaxPool": import_global_max_pool,
}
