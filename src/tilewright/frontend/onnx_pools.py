"""Windows over any number of dimensions, and transposed convolutions, by simpler operators.

A sum over a window is a matrix along each dimension; the greatest element of one is the greatest of
shifted copies; a transposed convolution is a convolution of what has zeros between its elements.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.chain import by_matrix, spread
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_steps import Steps, element_of, is_plain
from tilewright.frontend.onnx_tensors import Constant, Importing, permuted
from tilewright.frontend.onnx_windows import WINDOW_IMPORTERS
from tilewright.frontend.sizes import MOST_ELEMENTS
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array
from tilewright.ops.binary import BinaryKind
from tilewright.ops.curves import Curve
from tilewright.ops.layout import Pad


@dataclass(frozen=True, slots=True)
class _Axis:
    """A window along one dimension: which places each output covers, from the input's 0 on."""

    extent: int
    before: int
    after: int
    taps: Array
    """[outputs][kernel]"""

    def matrix(self, *, counts_padding: bool, is_mean: bool) -> Array:
        """[outputs][inputs]: what each input weighs in each output."""
        is_inside = (self.taps >= 0) & (self.taps < self.extent)
        made = np.zeros((len(self.taps), self.extent))
        for row, (places, inside) in enumerate(zip(self.taps, is_inside, strict=True)):
            np.add.at(made[row], places[inside], 1.0)
        if not is_mean:
            return made
        is_counted = (self.taps >= -self.before) & (self.taps < self.extent + self.after)
        count = (is_counted if counts_padding else is_inside).sum(1)
        return made / np.maximum(count, 1)[:, None]


def _axis(node: OnnxNode, extent: int, index: int, rank: int) -> _Axis:
    ones = (1,) * rank
    kernel = node.integers("kernel_shape", ones)[index]
    stride = node.integers("strides", ones)[index]
    dilation = node.integers("dilations", ones)[index]
    reach = (kernel - 1) * dilation + 1
    mode = node.text("auto_pad", "NOTSET")
    pads = node.integers("pads", (0,) * (2 * rank))
    before, after = (pads[index], pads[index + rank]) if mode == "NOTSET" else (0, 0)
    if mode.startswith("SAME"):
        total = max((-(-extent // stride) - 1) * stride + reach - extent, 0)
        small, large = total // 2, total - total // 2
        before, after = (small, large) if mode == "SAME_UPPER" else (large, small)
    spare = extent + before + after - reach
    if min(kernel, stride, dilation) < 1 or spare < 0:
        raise ModelError(f"{node}: a window of {reach} does not fit {extent} elements")
    outputs = spare // stride + 1
    if outputs * kernel > MOST_ELEMENTS:
        raise ModelError(f"{node}: {outputs:,} windows of {kernel:,} elements; that is too much")
    if node.integer("ceil_mode", 0):
        outputs = -(-spare // stride) + 1
        outputs -= (outputs - 1) * stride >= extent + before
    taps = np.arange(outputs)[:, None] * stride - before + np.arange(kernel) * dilation
    return _Axis(extent, before, after, taps)


def _axes(steps: Steps, x: ValueName) -> list[_Axis]:
    spatial = steps.shape(x)[2:]
    given = steps.node.integers("kernel_shape", ())
    if len(given) != len(spatial):
        raise ModelError(
            f"{steps.node}: kernel_shape {list(given)}, x has {len(spatial)} dimensions"
        )
    return [_axis(steps.node, n, i, len(spatial)) for i, n in enumerate(spatial)]


def _averaged(state: Importing, node: OnnxNode) -> None:
    steps = Steps(state, node)
    x = steps.operand(0)
    counts = node.integer("count_include_pad", 0) != 0
    for index, axis in enumerate(_axes(steps, x)):
        x = by_matrix(steps, x, index + 2, axis.matrix(counts_padding=counts, is_mean=True))
    steps.finish(x, element_of(state, node.input(0)))


def _greatest(state: Importing, node: OnnxNode) -> None:
    steps = Steps(state, node)
    x = steps.operand(0)
    for index, axis in enumerate(_axes(steps, x)):
        is_inside = (axis.taps >= 0) & (axis.taps < axis.extent)
        some = np.where(is_inside, axis.taps, -1).max(1, keepdims=True)
        if np.any(some < 0):
            raise UnsupportedError(f"{node}: a window lies in the padding alone")
        taps = np.where(is_inside, axis.taps, some)
        made = steps.chosen(x, index + 2, taps[:, 0])
        for column in taps.T[1:]:
            made = steps.binary(BinaryKind.MAX, made, steps.chosen(x, index + 2, column))
        x = made
    steps.finish(x, element_of(state, node.input(0)))


def import_any_average_pool(state: Importing, node: OnnxNode) -> None:
    """AveragePool over two dimensions or one by its kernel, over others by matrices."""
    ceils = node.integer("ceil_mode", 0) and node.integer("count_include_pad", 0)
    if len(state.shape(node.input(0))) in (3, 4) and not ceils:
        WINDOW_IMPORTERS["AveragePool"](state, node)
    else:
        _averaged(state, node)


def import_any_max_pool(state: Importing, node: OnnxNode) -> None:
    """MaxPool of reals over two dimensions or one by its kernel, of others by shifted copies."""
    has_indices = any(state.is_read(name) for name in node.outputs[1:] if name)
    is_usual = len(state.shape(node.input(0))) in (3, 4) and not is_plain(state, node.input(0))
    if is_usual or has_indices:
        WINDOW_IMPORTERS["MaxPool"](state, node)
    else:
        _greatest(state, node)


def import_lp_pool(state: Importing, node: OnnxNode) -> None:
    """LpPool and GlobalLpPool: the p-th root of sums of p-th powers."""
    steps = Steps(state, node)
    x = steps.curve(Curve.ABS, steps.operand(0))
    p = steps.reals(np.array(node.integer("p", 2)))
    x = steps.binary(BinaryKind.POW, x, p)
    for index, axis in enumerate(_axes(steps, x)):
        x = by_matrix(steps, x, index + 2, axis.matrix(counts_padding=False, is_mean=False))
    root = steps.reals(np.array(1.0 / node.integer("p", 2)))
    steps.finish(steps.binary(BinaryKind.POW, x, root), element_of(state, node.input(0)))


def import_lrn(state: Importing, node: OnnxNode) -> None:
    """LRN: divided by what the squares of neighbouring channels add up to."""
    steps = Steps(state, node)
    x = steps.operand(0)
    channels, size = steps.shape(x)[1], node.integer("size", 1)
    near = np.arange(channels) - np.arange(channels)[:, None]
    band = ((near >= -((size - 1) // 2)) & (near <= size // 2)) * node.number("alpha", 1e-4) / size
    total = by_matrix(steps, steps.binary(BinaryKind.MUL, x, x), 1, band)
    total = steps.binary(BinaryKind.ADD, total, steps.reals(np.array(node.number("bias", 1.0))))
    power = steps.reals(np.array(-node.number("beta", 0.75)))
    scale = steps.binary(BinaryKind.POW, total, power)
    steps.finish(steps.binary(BinaryKind.MUL, x, scale), element_of(state, node.input(0)))


def _turned(node: OnnxNode, weights: Constant, groups: int) -> Constant:
    """[C][M / groups][kernel] as a convolution wants it: [M][C / groups][kernel], backwards."""
    array = weights.array
    spatial = tuple(range(2, array.ndim))
    array = np.flip(array, spatial)
    quantisation = weights.quantisation
    if groups == 1:
        return permuted(Constant(array, quantisation), (1, 0, *spatial))
    if quantisation is not None and not quantisation.is_per_tensor:
        raise UnsupportedError(f"{node}: weights with a scale per channel, in groups")
    c, m, *kernel = array.shape
    parts = array.reshape(groups, c // groups, m, *kernel).swapaxes(1, 2)
    return Constant(parts.reshape(groups * m, c // groups, *kernel), quantisation)


def _borders(node: OnnxNode, extent: int, kernel: int, index: int, rank: int) -> tuple[int, int]:
    """Padding of the convolution along one dimension; below 0: what is cut off."""
    ones = (1,) * rank
    stride = node.integers("strides", ones)[index]
    reach = (kernel - 1) * node.integers("dilations", ones)[index]
    extra = node.integers("output_padding", (0,) * rank)[index]
    pads = node.integers("pads", (0,) * (2 * rank))
    before, after = pads[index], pads[index + rank]
    mode = node.text("auto_pad", "NOTSET")
    wanted = node.integers("output_shape", ())
    whole = stride * (extent - 1) + extra + reach + 1
    if wanted or mode.startswith("SAME"):
        total = whole - (wanted[index] if wanted else extent * stride)
        small, large = total // 2, total - total // 2
        before, after = (small, large) if mode == "SAME_UPPER" else (large, small)
        if total < 0:
            before, after = 0, total
    return reach - before, reach - after + extra


def import_conv_transpose(state: Importing, node: OnnxNode) -> None:
    """ConvTranspose with constant weights, over one or two dimensions."""
    steps = Steps(state, node)
    x, weights = steps.operand(0), state.constant(node, 1, "weights")
    spatial, kernel = steps.shape(x)[2:], weights.array.shape[2:]
    rank = len(spatial)
    if len(kernel) != rank or rank not in (1, 2):
        raise UnsupportedError(f"{node}: windows over {rank} dimensions; one or two are supported")
    ends = [_borders(node, spatial[i], kernel[i], i, rank) for i in range(rank)]
    for i, (before, after) in enumerate(ends):
        x = spread(steps, x, i + 2, node.integers("strides", (1,) * rank)[i])
        n = steps.shape(x)[i + 2]
        if min(before, after) < 0:
            x = steps.chosen(x, i + 2, np.arange(max(-before, 0), n - max(-after, 0)))
    groups = node.integer("group", 1)
    names = (f"{node.output}//spread", f"{node.output}//weights")
    state.values[names[0]] = x
    state.constants[names[1]] = _turned(node, weights, groups)
    pads = (*(max(b, 0) for b, _ in ends), *(max(a, 0) for _, a in ends))
    attributes = {
        "pads": pads,
        "group": groups,
        "dilations": node.integers("dilations", (1,) * rank),
    }
    conv = replace(node, inputs=(*names, *node.inputs[2:]), attributes=attributes)
    WINDOW_IMPORTERS["Conv"](state, conv)


def import_global(state: Importing, node: OnnxNode) -> None:
    """Global pools: one window over everything behind the channels."""
    shape = state.shape(node.input(0))
    if len(shape) == 4 and node.kind != "GlobalLpPool":
        WINDOW_IMPORTERS[node.kind](state, node)
        return
    attributes = {**node.attributes, "kernel_shape": shape[2:]}
    plain = replace(node, attributes=attributes)
    {"GlobalLpPool": import_lp_pool, "GlobalAveragePool": _averaged}.get(node.kind, _greatest)(
        state, plain
    )


def import_max_unpool(state: Importing, node: OnnxNode) -> None:
    """MaxUnpool with constant indices: each element in its place, zeros elsewhere."""
    steps = Steps(state, node)
    x, index = steps.operand(0), state.numbers(node, 1, "indices").astype(np.int64)
    shape = steps.shape(x)
    rank = len(shape) - 2
    kernel, ones = node.integers("kernel_shape", ()), (1,) * rank
    strides, pads = node.integers("strides", ones), node.integers("pads", (0,) * (2 * rank))
    own = tuple(
        (n - 1) * s + k - pads[i] - pads[i + rank]
        for i, (n, s, k) in enumerate(zip(shape[2:], strides, kernel, strict=True))
    )
    inner = (*shape[:2], *own)
    whole = inner
    if node.has(2):
        whole = tuple(int(n) for n in state.numbers(node, 2, "output_shape"))
    table = np.full(prod(inner), prod(shape))
    table[index.reshape(-1)] = np.arange(index.size)
    grown = np.full(whole, prod(shape))
    grown[tuple(slice(0, n) for n in inner)] = table.reshape(inner)
    flat = steps.reshaped(x, (prod(shape),))
    flat = steps.do(Pad((0,), (1,)), flat)
    made = steps.chosen(flat, 0, grown.reshape(-1))
    steps.finish(steps.reshaped(made, whole), element_of(state, node.input(0)))


POOL_IMPORTERS: Mapping[str, Callable[[Importing, OnnxNode], None]] = {
    "AveragePool": import_any_average_pool,
    "MaxPool": import_any_max_pool,
    "LpPool": import_lp_pool,
    "GlobalLpPool": import_global,
    "GlobalAveragePool": import_global,
    "GlobalMaxPool": import_global,
    "LRN": import_lrn,
    "ConvTranspose": import_conv_transpose,
    "MaxUnpool": import_max_unpool,
}
