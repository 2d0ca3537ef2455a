"""Nodes that are linear in their input, by constant tables: GridSample, Col2Im, DFT, STFT; and the
writing of rows into a cache, TensorScatter."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from math import prod

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.chain import by_table
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_reductions import normal_axis
from tilewright.frontend.onnx_resize import cubic
from tilewright.frontend.onnx_steps import Steps, element_of
from tilewright.frontend.onnx_tensors import Importing
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array, Shape
from tilewright.ops.binary import BinaryKind
from tilewright.ops.gather import Gather
from tilewright.ops.layout import Concat, Pad
from tilewright.ops.matmul import MatMul

Importer = Callable[[Importing, OnnxNode], None]

CUBIC = -0.75
"""The coefficient of GridSample's cubic polynomial."""


def _taps(node: OnnxNode, at: Array) -> Iterator[tuple[Array, Array]]:
    """Places beside ``at`` along one dimension, and what each weighs."""
    mode = node.text("mode", "linear")
    if mode == "nearest":
        yield np.rint(at), np.ones_like(at)
        return
    low = np.floor(at)
    if mode in ("linear", "bilinear"):
        yield low, 1 - (at - low)
        yield low + 1, at - low
    elif mode in ("cubic", "bicubic"):
        weigh = np.vectorize(cubic, otypes=[np.float64])
        for step in (-1, 0, 1, 2):
            yield low + step, weigh(at - low - step, CUBIC)
    else:
        raise UnsupportedError(f"{node}: mode {mode!r}; nearest, linear and cubic are supported")


def _inside(node: OnnxNode, place: Array, extent: int) -> tuple[Array, Array]:
    """Places brought into [0, extent), and whether they count."""
    mode = node.text("padding_mode", "zeros")
    if mode == "reflection":
        low, high = (
            (0.0, extent - 1.0) if node.integer("align_corners", 0) else (-0.5, extent - 0.5)
        )
        span = high - low
        if span > 0:
            away = np.abs(place - low) % (2 * span)
            place = low + np.where(away > span, 2 * span - away, away)
        else:
            place = np.zeros_like(place)
    counts = (place >= 0) & (place <= extent - 1) if mode == "zeros" else np.ones(place.shape, bool)
    return np.clip(place, 0, extent - 1).astype(np.int64), counts


def import_grid_sample(state: Importing, node: OnnxNode) -> None:
    """GridSample by a constant grid: pixels by tables, times weights, added up."""
    steps = Steps(state, node)
    x, grid = steps.operand(0), state.numbers(node, 1, "grid").astype(np.float64)
    n, c, *spatial = steps.shape(x)
    rank, out = len(spatial), grid.shape[1:-1]
    rows = steps.transposed(x, (0, *range(2, rank + 2), 1))
    rows = steps.reshaped(rows, (n * prod(spatial), c))
    aligned = bool(node.integer("align_corners", 0))
    dimensions: list[list[tuple[Array, Array]]] = []
    for d, extent in enumerate(spatial):
        g = grid[..., rank - 1 - d]
        at = (g + 1) / 2 * (extent - 1) if aligned else ((g + 1) * extent - 1) / 2
        taps: list[tuple[Array, Array]] = []
        for place, weight in _taps(node, at):
            index, counts = _inside(node, place, extent)
            taps.append((index, weight * counts))
        dimensions.append(taps)
    image = np.arange(n).reshape((n, *(1,) * rank))
    total: ValueName | None = None
    for corner in product(*dimensions):
        index, weight = np.broadcast_to(image, grid.shape[:-1]), np.ones(grid.shape[:-1])
        for (place, factor), extent in zip(corner, spatial, strict=True):
            index, weight = index * extent + place, weight * factor
        taken = steps.do(Gather(0), rows, steps.integers(index.reshape(-1)))
        taken = steps.binary(BinaryKind.MUL, taken, steps.reals(weight.reshape(-1, 1)))
        total = taken if total is None else steps.binary(BinaryKind.ADD, total, taken)
    assert total is not None
    made = steps.reshaped(total, (n, *out, c))
    made = steps.transposed(made, (0, rank + 1, *range(1, rank + 1)))
    steps.finish(made, element_of(state, node.input(0)))


def import_col2im(state: Importing, node: OnnxNode) -> None:
    """Col2Im: each pixel is the sum of the block elements that lie on it."""
    steps = Steps(state, node)
    x = steps.operand(0)
    image, block = (
        tuple(int(v) for v in state.numbers(node, i, what).reshape(-1))
        for i, what in ((1, "image_shape"), (2, "block_shape"))
    )
    n, channels, columns = steps.shape(x)
    c = channels // prod(block)
    targets = _pixels(node, image, block)
    if targets.shape[1] != columns:
        raise ModelError(f"{node}: {columns} blocks, its attributes make {targets.shape[1]}")
    flat = steps.reshaped(x, (n * c, prod(block) * columns))
    flat = steps.do(Pad((0, 0), (0, 1)), flat)
    owners: list[list[int]] = [[] for _ in range(prod(image))]
    for source, target in enumerate(targets.reshape(-1)):
        if target >= 0:
            owners[int(target)].append(source)
    total: ValueName | None = None
    for layer in range(max(1, *map(len, owners))):
        table = [own[layer] if layer < len(own) else prod(block) * columns for own in owners]
        part = steps.do(Gather(1), flat, steps.integers(np.array(table)))
        total = part if total is None else steps.binary(BinaryKind.ADD, total, part)
    assert total is not None
    steps.finish(steps.reshaped(total, (n, c, *image)), element_of(state, node.input(0)))


def _pixels(node: OnnxNode, image: Shape, block: Shape) -> Array:
    """[block elements][blocks]: the pixel of each element, -1 in the padding."""
    rank = len(image)
    ones = (1,) * rank
    dilations, strides = node.integers("dilations", ones), node.integers("strides", ones)
    pads = node.integers("pads", (0,) * (2 * rank))
    total = np.zeros((prod(block), 1), np.int64)
    inside = np.ones((prod(block), 1), bool)
    elements = np.indices(block).reshape(rank, -1)
    counts = [
        (image[d] + pads[d] + pads[d + rank] - dilations[d] * (block[d] - 1) - 1) // strides[d] + 1
        for d in range(rank)
    ]
    places = np.indices(counts).reshape(rank, -1)
    for d in range(rank):
        at = elements[d][:, None] * dilations[d] + places[d][None] * strides[d] - pads[d]
        inside = inside & (at >= 0) & (at < image[d])
        total = total * image[d] + at
    return np.where(inside, total, -1)


def _fourier(length: int, parts: int, *, is_inverse: bool, is_onesided: bool) -> Array:
    """[length * parts][bins * 2]: the transform of numbers with ``parts`` real parts."""
    bins = length // 2 + 1 if is_onesided else length
    sign = 1 if is_inverse else -1
    turn = sign * 2 * np.pi * np.outer(np.arange(length), np.arange(bins)) / length
    scale = 1.0 / length if is_inverse else 1.0
    real, imaginary = np.cos(turn) * scale, np.sin(turn) * scale
    matrix = np.zeros((length, parts, bins, 2))
    matrix[:, 0, :, 0], matrix[:, 0, :, 1] = real, imaginary
    if parts == 2:
        matrix[:, 1, :, 0], matrix[:, 1, :, 1] = -imaginary, real
    return matrix.reshape(length * parts, bins * 2)


def _halves(length: int) -> Array:
    """[bins * 2][length]: real numbers from one half of their transform."""
    bins = length // 2 + 1
    weight = np.array([1.0 if k == 0 or 2 * k == length else 2.0 for k in range(bins)])
    turn = np.outer(np.arange(bins), np.arange(length)) * 2 * np.pi / length
    scale = weight[:, None] / length
    return np.stack([np.cos(turn) * scale, -np.sin(turn) * scale], 1).reshape(bins * 2, length)


def import_dft(state: Importing, node: OnnxNode) -> None:
    """DFT by a matrix over real and imaginary parts."""
    steps = Steps(state, node)
    x = steps.operand(0)
    shape = steps.shape(x)
    rank, parts = len(shape), shape[-1]
    given = node.integer("axis", 1 if state.model.opset < 20 else -2)
    if node.has(2):
        given = int(state.numbers(node, 2, "axis").reshape(()))
    axis = normal_axis(node, given, rank)
    is_inverse, is_onesided = (bool(node.integer(a, 0)) for a in ("inverse", "onesided"))
    have = shape[axis]
    is_halved = is_inverse and is_onesided
    length = 2 * (have - 1) if is_halved else have
    if node.has(1):
        length = int(state.numbers(node, 1, "dft_length").reshape(()))
    wanted = length // 2 + 1 if is_halved else length
    x = steps.chosen(x, axis, np.arange(min(have, wanted)))
    if wanted > have:
        after = tuple(wanted - have if d == axis else 0 for d in range(rank))
        x = steps.do(Pad((0,) * rank, after), x)
    rest = tuple(d for d in range(rank - 1) if d != axis)
    rows = steps.transposed(x, (*rest, axis, rank - 1))
    lead = tuple(shape[d] for d in rest)
    rows = steps.reshaped(rows, (prod(lead), wanted * parts))
    if is_halved:
        matrix, last = _halves(length), (length, 1)
    else:
        matrix = _fourier(length, parts, is_inverse=is_inverse, is_onesided=is_onesided)
        last = (matrix.shape[1] // 2, 2)
    made = steps.reshaped(steps.do(MatMul(), rows, steps.reals(matrix)), (*lead, *last))
    order = [*rest, axis, rank - 1]
    back = tuple(order.index(d) for d in range(rank))
    steps.finish(steps.transposed(made, back), element_of(state, node.input(0)))


def import_stft(state: Importing, node: OnnxNode) -> None:
    """STFT: frames by a table, times the window, by a matrix."""
    steps = Steps(state, node)
    x = steps.operand(0)
    batch, samples, *rest = steps.shape(x)
    parts = rest[0] if rest else 1
    hop = int(state.numbers(node, 1, "frame_step").reshape(()))
    window = state.numbers(node, 2, "window").reshape(-1) if node.has(2) else None
    length = window.size if window is not None else 0
    if node.has(3):
        length = int(state.numbers(node, 3, "frame_length").reshape(()))
    count = (samples - length) // hop + 1
    table = np.arange(count)[:, None] * hop + np.arange(length)
    frames = steps.reshaped(x, (batch, samples, parts))
    frames = steps.do(Gather(1), frames, steps.integers(table))
    if window is not None:
        frames = steps.binary(BinaryKind.MUL, frames, steps.reals(window.reshape(-1, 1)))
    is_onesided = bool(node.integer("onesided", 1))
    matrix = _fourier(length, parts, is_inverse=False, is_onesided=is_onesided)
    rows = steps.reshaped(frames, (batch * count, length * parts))
    made = steps.do(MatMul(), rows, steps.reals(matrix))
    wish = (batch, count, matrix.shape[1] // 2, 2)
    steps.finish(steps.reshaped(made, wish), element_of(state, node.input(0)))


def import_tensor_scatter(state: Importing, node: OnnxNode) -> None:
    """TensorScatter at constant places: rows of a cache are replaced, in a circle if need be."""
    steps = Steps(state, node)
    past, update = steps.operand(0), steps.operand(1)
    shape, new = steps.shape(past), steps.shape(update)
    axis = normal_axis(node, node.integer("axis", -2), len(shape))
    first = (
        state.numbers(node, 2, "write_indices").reshape(-1).astype(np.int64)
        if node.has(2)
        else np.zeros(shape[0], np.int64)
    )
    table = np.arange(prod(shape)).reshape(shape)
    fresh = np.arange(prod(new)).reshape(new) + prod(shape)
    is_circular = node.text("mode", "linear") == "circular"
    for image, start in enumerate(first):
        places = start + np.arange(new[axis])
        if not is_circular and places[-1] >= shape[axis]:
            raise ModelError(f"{node}: row {places[-1]} of {shape[axis]}")
        rows = np.moveaxis(table[image], axis - 1, 0)
        rows[places % shape[axis]] = np.moveaxis(fresh[image], axis - 1, 0)
    flat = [steps.reshaped(v, (prod(s),)) for v, s in ((past, shape), (update, new))]
    made = by_table(steps, steps.do(Concat(0), *flat), table)
    steps.finish(made, element_of(state, node.input(0)))


def import_det(state: Importing, node: OnnxNode) -> None:
    """Det of small matrices, by the rule of Laplace along the first row."""
    steps = Steps(state, node)
    x = steps.operand(0)
    *lead, n, m = steps.shape(x)
    if n != m or n > 4:
        raise UnsupportedError(f"{node}: determinants of {n} x {m}; up to 4 x 4 are supported")
    flat = steps.reshaped(x, (prod(lead), n * n))

    def minor(rows: int, columns: tuple[int, ...]) -> ValueName:
        if not columns:
            return steps.reals(np.ones((1, 1)))
        total: ValueName | None = None
        for i, column in enumerate(columns):
            rest = (*columns[:i], *columns[i + 1 :])
            entry = steps.chosen(flat, 1, np.array([rows * n + column]))
            part = steps.binary(BinaryKind.MUL, entry, minor(rows + 1, rest))
            kind = BinaryKind.SUB if i % 2 else BinaryKind.ADD
            total = part if total is None else steps.binary(kind, total, part)
        assert total is not None
        return total

    made = steps.reshaped(minor(0, tuple(range(n))), tuple(lead))
    steps.finish(made, element_of(state, node.input(0)))


SAMPLING_IMPORTERS: Mapping[str, Importer] = {
    "GridSample": import_grid_sample,
    "Col2Im": import_col2im,
    "DFT": import_dft,
    "STFT": import_stft,
    "TensorScatter": import_tensor_scatter,
    "Det": import_det,
}
