"""Conv, Gemm, MatMul, MaxPool: int32 sums of products, described; largest elements."""

from dataclasses import replace

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.dialect.storing import stored, zero_for
from tilewright.frontend.dialect.values import Fixed, Importing, Order, Product, Stored, Tensor
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_tensors import TO_CHANNELS_LAST
from tilewright.ir.types import Array, Shape
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense
from tilewright.ops.layout import Reshape
from tilewright.ops.matmul import QMatMul
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding
from tilewright.ops.window2d import Window2d

UNFINISHED = Requantise(Rounding.WRAPPING)
LINE_LAST: Order = (0, 2, 1)
"""[N, C, L] with its channels last."""


def _image(state: Importing, node: OnnxNode) -> Stored:
    """Input 0 with its channels last; what has one dimension is an image of one row."""
    shape = state.tensor(node, 0).shape
    if len(shape) == 4:
        return stored(state, node, 0, TO_CHANNELS_LAST)
    if len(shape) != 3:
        raise UnsupportedError(
            f"{node}: windows over {list(shape)}; one or two dimensions are known"
        )
    line = stored(state, node, 0, LINE_LAST)
    n, c, length = shape
    name = state.emit(f"{line.name}.row", Reshape((n, 1, length, c)), line.name)
    return Stored(name, (n, c, 1, length), TO_CHANNELS_LAST, line.zero)


def _window(node: OnnxNode, rank: int, kernel: Shape) -> Window2d:
    """The window; a line has a height of one. ``kernel`` where the node does not say."""
    if node.text("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise UnsupportedError(f"{node}: auto_pad; export explicit pads")
    flat = rank - 2
    sizes = node.integers("kernel_shape", kernel)
    strides, dilations = (node.integers(k, (1,) * flat) for k in ("strides", "dilations"))
    pads = node.integers("pads", (0,) * 2 * flat)
    counts = {len(sizes), len(strides), len(dilations), len(pads) // 2}
    if counts != {flat} or min(pads, default=0) < 0:
        raise ModelError(f"{node}: kernel {sizes}, strides {strides}, pads {pads} over {flat} axes")
    if node.integer("ceil_mode", 0):
        raise UnsupportedError(f"{node}: ceil_mode; export explicit pads")
    if flat == 1:
        sizes, strides, dilations = (1, *sizes), (1, *strides), (1, *dilations)
        pads = (0, pads[0], 0, pads[1])
    top, left, bottom, right = pads
    return Window2d(_two(sizes), _two(strides), (top, left, bottom, right), _two(dilations))


def _two(values: Shape) -> tuple[int, int]:
    height, width = values
    return height, width


def _bytes(node: OnnxNode, weights: Array) -> tuple[Array, int]:
    """Weights in int8, and their zero point."""
    low, high = (int(weights.min()), int(weights.max())) if weights.size else (0, 0)
    zero = zero_for(low, high)
    if zero is None:
        raise UnsupportedError(f"{node}: weights of {low} .. {high} are beyond 8 bits")
    return (weights + zero).astype(np.int8), zero


def import_conv(state: Importing, node: OnnxNode) -> Tensor:
    """Conv over one or two dimensions."""
    weights = state.fixed(node, 1, "weights")
    shape, rank = state.tensor(node, 0).shape, weights.ndim
    groups = node.integer("group", 1)
    if len(shape) != rank or shape[1] != weights.shape[1] * groups or weights.shape[0] % groups:
        raise ModelError(
            f"{node}: x has shape {list(shape)}, the weights {list(weights.shape)}, in "
            f"{groups} groups"
        )
    window = _window(node, rank, weights.shape[2:])
    spread = weights.reshape(*weights.shape[:2], *(1,) * (4 - rank), *weights.shape[2:])
    x = _image(state, node)
    rows = spread.reshape(len(spread), -1)
    is_depthwise = groups == shape[1] > 1 and weights.shape[1] == 1
    packed = spread[:, 0].transpose(1, 2, 0) if is_depthwise else spread.transpose(TO_CHANNELS_LAST)
    packed, w_zero = _bytes(node, packed)
    if is_depthwise:
        op = QDepthwiseConv2d(window, UNFINISHED, x.zero, w_zero)
    else:
        op = QConv2d(window, groups, False, UNFINISHED, x.zero, w_zero)
    name = state.constant(node.input(1), packed)
    made = op.output_shape(*(state.builder.values[n].type for n in (x.name, name)))
    bias = state.fixed(node, 2, "bias") if node.has(2) else np.zeros(len(rows), np.int64)
    n, h, w, c = made
    product = Product(
        op, (x.name, name), (n, c, h, w), TO_CHANNELS_LAST, rows, bias.reshape(-1), x.zero
    )
    return product if rank == 4 else replace(product, shape=(n, c, w), order=LINE_LAST)


def import_max_pool(state: Importing, node: OnnxNode) -> Tensor:
    """MaxPool over one or two dimensions, of stored numbers."""
    rank = len(state.tensor(node, 0).shape)
    window = _window(node, rank, ())
    x = _image(state, node)
    name = state.emit(node.output, MaxPool2d(window), x.name)
    n, h, w, c = state.builder.values[name].type.shape
    return _as_line(state, Stored(name, (n, c, h, w), TO_CHANNELS_LAST, x.zero), rank)


def _as_line(state: Importing, image: Stored, rank: int) -> Stored:
    if rank == 4:
        return image
    n, c, _, w = image.shape
    name = state.emit(f"{image.name}.line", Reshape((n, w, c)), image.name)
    return Stored(name, (n, c, w), LINE_LAST, image.zero)


def import_mat_mul(state: Importing, node: OnnxNode) -> Tensor:
    """MatMul with constant weights, or of two activations."""
    weights = state.tensor(node, 1)
    if isinstance(weights, Fixed) and weights.array.ndim == 2:
        return _dense(state, node, weights.array.T, None)
    a, b = (stored(state, node, index) for index in (0, 1))
    op = QMatMul(
        a_zero=a.zero, b_zero=b.zero, scale=FixedPoint(1, 0), output=UNFINISHED
    )  # fmt: skip
    shape = op.output_shape(*(state.builder.values[n].type for n in (a.name, b.name)))
    return Product(op, (a.name, b.name), shape, tuple(range(len(shape))))


def import_gemm(state: Importing, node: OnnxNode) -> Tensor:
    """Gemm with constant weights."""
    for name in ("alpha", "beta"):
        if node.number(name, 1.0) != 1.0:
            raise UnsupportedError(f"{node}: {name} is {node.number(name, 1.0)}; it must be 1")
    if node.integer("transA", 0):
        raise UnsupportedError(f"{node}: transA; transpose the activation before the node")
    weights = state.fixed(node, 1, "weights")
    weights = weights if node.integer("transB", 0) else weights.T
    return _dense(state, node, weights, state.fixed(node, 2, "bias") if node.has(2) else None)


def _dense(state: Importing, node: OnnxNode, rows: Array, bias: Array | None) -> Product:
    x = stored(state, node, 0)
    packed, w_zero = _bytes(node, rows)
    name = state.constant(node.input(1), packed)
    op = QDense(UNFINISHED, w_zero)
    shape = op.output_shape(*(state.builder.values[n].type for n in (x.name, name)))
    added = np.broadcast_to(np.zeros(1, np.int64) if bias is None else bias.reshape(-1), len(rows))
    return Product(op, (x.name, name), shape, tuple(range(len(shape))), rows, added, x.zero)


def with_bias(product: Product, bias: Array) -> Product | None:
    """The product with a constant added per channel; None where it is added in another way."""
    if product.added is None or isinstance(product.op, QMatMul):
        return None
    channels = len(product.added)
    axis = product.order[-1]
    aligned = (*(1 for _ in range(len(product.shape) - bias.ndim)), *bias.shape)
    if bias.size == 1 or (len(aligned) == len(product.shape) and aligned[axis] == bias.size):
        added = product.added + np.broadcast_to(bias.reshape(-1), channels)
        return replace(product, added=added)
    return None
