"""Nodes that choose elements by constant indices: Slice, Split, Expand, Tile, Pad, Gather*.

Nothing here has a kernel of its own: along each dimension it is a Gather by a constant table.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.chain import bordered, by_table
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_layout import import_pad
from tilewright.frontend.onnx_reductions import normal_axis
from tilewright.frontend.onnx_steps import Steps, as_constant, element_of
from tilewright.frontend.onnx_tensors import Importing
from tilewright.ir.graph import ValueName
from tilewright.ir.types import Array, Shape
from tilewright.ops.binary import BinaryKind
from tilewright.ops.convert import Select
from tilewright.ops.gather import Gather
from tilewright.ops.layout import Concat

Importer = Callable[[Importing, OnnxNode], None]


def _listed(state: Importing, node: OnnxNode, index: int, name: str) -> tuple[int, ...] | None:
    """Integers from an input or, in older opsets, an attribute; None where there are none."""
    if node.has(index):
        return tuple(int(v) for v in state.numbers(node, index, name).reshape(-1))
    return node.integers(name, ()) if name in node.attributes else None


def import_slice(state: Importing, node: OnnxNode) -> None:
    """Slice, with steps of either sign."""
    steps = Steps(state, node)
    x = steps.operand(0)
    rank = len(steps.shape(x))
    starts, ends = (_listed(state, node, i, n) or () for i, n in ((1, "starts"), (2, "ends")))
    axes = _listed(state, node, 3, "axes") or tuple(range(len(starts)))
    strides = _listed(state, node, 4, "steps") or (1,) * len(starts)
    for start, end, given, stride in zip(starts, ends, axes, strides, strict=True):
        axis = normal_axis(node, given, rank)
        extent = steps.shape(x)[axis]
        stop = None if stride < 0 and end < -extent else end
        if not len(range(extent)[slice(start, stop, stride)]):
            shape = steps.shape(x)
            empty = np.zeros((*shape[:axis], 0, *shape[axis + 1 :]), np.float32)
            as_constant(state, node.output, empty)
            return
        x = steps.chosen(x, axis, np.arange(extent)[slice(start, stop, stride)])
    steps.finish(x, element_of(state, node.input(0)))


def import_split(state: Importing, node: OnnxNode) -> None:
    """Split: one node per part."""
    steps = Steps(state, node)
    x = steps.operand(0)
    shape = steps.shape(x)
    axis = normal_axis(node, node.integer("axis", 0), len(shape))
    count = node.integer("num_outputs", len(node.outputs))
    each = -(-shape[axis] // count)
    parts = _listed(state, node, 1, "split") or tuple(
        min(each, shape[axis] - i * each) for i in range(count)
    )
    if sum(parts) != shape[axis] or len(parts) != len(node.outputs):
        raise ModelError(f"{node}: parts {list(parts)} do not make {shape[axis]}")
    start = 0
    for output, size in enumerate(parts):
        if node.outputs[output] and not size:
            empty = np.zeros((*shape[:axis], 0, *shape[axis + 1 :]), np.float32)
            as_constant(state, node.outputs[output], empty)
        elif node.outputs[output]:
            part = steps.chosen(x, axis, np.arange(start, start + size))
            steps.finish(part, element_of(state, node.input(0)), output)
        start += size


def import_expand(state: Importing, node: OnnxNode) -> None:
    """Expand to a constant shape."""
    steps = Steps(state, node)
    x = steps.operand(0)
    wish = tuple(int(n) for n in state.numbers(node, 1, "shape").reshape(-1))
    shape = np.broadcast_shapes(steps.shape(x), wish)
    steps.finish(steps.expanded(x, tuple(map(int, shape))), element_of(state, node.input(0)))


def import_tile(state: Importing, node: OnnxNode) -> None:
    """Tile by constant counts."""
    steps = Steps(state, node)
    x = steps.operand(0)
    for axis, count in enumerate(state.numbers(node, 1, "repeats").reshape(-1)):
        x = steps.chosen(x, axis, np.tile(np.arange(steps.shape(x)[axis]), int(count)))
    steps.finish(x, element_of(state, node.input(0)))


def import_any_pad(state: Importing, node: OnnxNode) -> None:
    """Pad: borders of a constant by Pad, of the tensor itself by choosing; negative ones cut."""
    mode = node.text("mode", "constant")
    pads = _listed(state, node, 1, "pads") or ()
    if mode == "constant" and all(p >= 0 for p in pads):
        import_pad(state, node)
        return
    steps = Steps(state, node)
    x = steps.operand(0)
    rank = len(steps.shape(x))
    axes = _listed(state, node, 3, "axes") or tuple(range(rank))
    if mode not in ("reflect", "edge", "wrap") or any(p < 0 for p in pads):
        raise UnsupportedError(f"{node}: mode {mode} with pads {list(pads)} is not supported")
    for i, given in enumerate(axes):
        axis = normal_axis(node, given, rank)
        table = bordered(steps.shape(x)[axis], pads[i], pads[i + len(axes)], mode)
        x = steps.chosen(x, axis, table)
    steps.finish(x, element_of(state, node.input(0)))


def import_trilu(state: Importing, node: OnnxNode) -> None:
    """Trilu: zeros below or above a diagonal."""
    steps = Steps(state, node)
    x = steps.operand(0)
    shape = steps.shape(x)
    k = int(state.numbers(node, 1, "k").reshape(())) if node.has(1) else 0
    ones = np.ones(shape, np.int32)
    mask = np.triu(ones, k) if node.integer("upper", 1) else np.tril(ones, k)
    zeros = np.zeros(shape)
    is_real = not steps.is_whole(x)
    other = steps.reals(zeros) if is_real else steps.integers(zeros.astype(np.int32))
    steps.end(Select(), steps.integers(mask), x, other, element=element_of(state, node.input(0)))


def import_depth_to_space(state: Importing, node: OnnxNode) -> None:
    """DepthToSpace: channels become blocks of pixels."""
    steps = Steps(state, node)
    x = steps.operand(0)
    n, c, h, w = steps.shape(x)
    b = node.integer("blocksize", 1)
    if node.text("mode", "DCR") == "DCR":
        x = steps.reshaped(x, (n, b, b, c // (b * b), h, w))
        x = steps.transposed(x, (0, 3, 4, 1, 5, 2))
    else:
        x = steps.reshaped(x, (n, c // (b * b), b, b, h, w))
        x = steps.transposed(x, (0, 1, 4, 2, 5, 3))
    steps.finish(steps.reshaped(x, (n, c // (b * b), h * b, w * b)))


def import_space_to_depth(state: Importing, node: OnnxNode) -> None:
    """SpaceToDepth: blocks of pixels become channels."""
    steps = Steps(state, node)
    x = steps.operand(0)
    n, c, h, w = steps.shape(x)
    b = node.integer("blocksize", 1)
    x = steps.reshaped(x, (n, c, h // b, b, w // b, b))
    if node.text("mode", "DCR") == "DCR":
        x = steps.transposed(x, (0, 3, 5, 1, 2, 4))
    else:
        x = steps.transposed(x, (0, 1, 3, 5, 2, 4))
    steps.finish(steps.reshaped(x, (n, c * b * b, h // b, w // b)))


def import_gather_elements(state: Importing, node: OnnxNode) -> None:
    """GatherElements: places counted over the whole tensor, by integers at run time if need be."""
    steps = Steps(state, node)
    x, index = steps.operand(0), steps.operand(1)
    shape, chosen = steps.shape(x), steps.shape(index)
    axis = normal_axis(node, node.integer("axis", 0), len(shape))
    stride = prod(shape[axis + 1 :])
    grid = np.indices(chosen)
    others = sum(grid[d] * prod(shape[d + 1 :]) for d in range(len(shape)) if d != axis)
    places = _from_front(steps, index, shape[axis])
    places = steps.binary(BinaryKind.MUL, places, steps.integers(np.array(stride)))
    places = steps.binary(
        BinaryKind.ADD, places, steps.integers(np.broadcast_to(np.asarray(others), chosen))
    )
    flat = steps.reshaped(x, (prod(shape),))
    steps.finish(steps.do(Gather(0), flat, places), element_of(state, node.input(0)))


def _from_front(steps: Steps, index: ValueName, extent: int) -> ValueName:
    """Indices below 0 counted from the end."""
    below = steps.binary(BinaryKind.LESS, index, steps.integers(np.array(0)))
    grown = steps.binary(BinaryKind.MUL, below, steps.integers(np.array(extent)))
    return steps.binary(BinaryKind.ADD, index, grown)


def import_gather_nd(state: Importing, node: OnnxNode) -> None:
    """GatherND, also behind batch dimensions."""
    steps = Steps(state, node)
    x, index = steps.operand(0), steps.operand(1)
    shape, given = steps.shape(x), steps.shape(index)
    batch, depth = node.integer("batch_dims", 0), given[-1]
    rest = shape[batch + depth :]
    total: ValueName | None = None
    for d in range(depth):
        column = steps.reshaped(steps.chosen(index, len(given) - 1, np.array([d])), given[:-1])
        column = _from_front(steps, column, shape[batch + d])
        stride = steps.integers(np.array(prod(shape[batch + d + 1 : batch + depth])))
        column = steps.binary(BinaryKind.MUL, column, stride)
        total = column if total is None else steps.binary(BinaryKind.ADD, total, column)
    assert total is not None
    size = prod(shape[batch : batch + depth])
    first = np.arange(prod(given[:batch])).reshape(
        (*given[:batch], *(1,) * (len(given) - 1 - batch))
    )
    total = steps.binary(BinaryKind.ADD, total, steps.integers(np.atleast_1d(first * size)))
    rows = steps.reshaped(x, (prod(shape[:batch]) * size, prod(rest)))
    made = steps.do(Gather(0), rows, steps.reshaped(total, (prod(given[:-1]),)))
    wish = (*given[:-1], *rest)
    steps.finish(steps.reshaped(made, wish), element_of(state, node.input(0)))


def _flat(places: Sequence[Array], shape: Shape) -> Array:
    """Row-major places, from one row of indices per dimension."""
    total = np.zeros_like(places[0])
    for place, extent in zip(places, shape, strict=True):
        total = total * extent + place
    return total


def _scattered(steps: Steps, targets: Array, x: ValueName, updates: ValueName) -> None:
    """x with the elements at ``targets`` replaced (or combined), in the order of the updates."""
    shape, size = steps.shape(x), prod(steps.shape(x))
    how = steps.node.text("reduction", "none")
    made = steps.reshaped(x, (size,))
    flat = steps.reshaped(updates, (targets.size,))
    kinds = {"add": BinaryKind.ADD, "mul": BinaryKind.MUL, "max": BinaryKind.MAX,
             "min": BinaryKind.MIN}  # fmt: skip
    waiting = np.arange(targets.size)
    if how == "none":
        last = {int(t): i for i, t in enumerate(targets)}
        waiting = np.array(sorted(last.values()))
    elif how not in kinds:
        raise UnsupportedError(f"{steps.node}: reduction {how!r}")
    while waiting.size:
        _, first = np.unique(targets[waiting], return_index=True)
        now = waiting[np.sort(first)]
        waiting = np.setdiff1d(waiting, now)
        table, mask = np.arange(size), np.zeros(size, np.int32)
        table[targets[now]] = size + now
        mask[targets[now]] = 1
        new = steps.do(Gather(0), steps.do(Concat(0), made, flat), steps.integers(table))
        if how != "none":
            both = steps.binary(kinds[how], made, new)
            new = steps.do(Select(), steps.integers(mask), both, made)
        made = new
    steps.finish(steps.reshaped(made, shape), element_of(steps.state, steps.node.input(0)))


def import_scatter_elements(state: Importing, node: OnnxNode) -> None:
    """ScatterElements (Scatter in old files) with constant indices."""
    steps = Steps(state, node)
    x, index = steps.operand(0), state.numbers(node, 1, "indices").astype(np.int64)
    shape = steps.shape(x)
    axis = normal_axis(node, node.integer("axis", 0), len(shape))
    places = [np.asarray(grid) for grid in np.indices(index.shape)]
    places[axis] = np.where(index < 0, index + shape[axis], index)
    targets = _flat([p.reshape(-1) for p in places], shape)
    _scattered(steps, targets, x, steps.operand(2))


def import_scatter_nd(state: Importing, node: OnnxNode) -> None:
    """ScatterND with constant indices."""
    steps = Steps(state, node)
    x, index = steps.operand(0), state.numbers(node, 1, "indices").astype(np.int64)
    shape, depth = steps.shape(x), index.shape[-1]
    rows = index.reshape(-1, depth)
    rows = np.where(rows < 0, rows + np.array(shape[:depth]), rows)
    inner = prod(shape[depth:])
    starts = _flat(list(rows.T), shape[:depth]) * inner
    targets = (starts[:, None] + np.arange(inner)).reshape(-1)
    _scattered(steps, targets, x, steps.operand(2))


def import_reverse_sequence(state: Importing, node: OnnxNode) -> None:
    """ReverseSequence with constant lengths."""
    steps = Steps(state, node)
    x, lengths = steps.operand(0), state.numbers(node, 1, "sequence_lens").astype(int)
    shape = steps.shape(x)
    time, batch = node.integer("time_axis", 0), node.integer("batch_axis", 1)
    table = np.moveaxis(np.arange(prod(shape)).reshape(shape), (batch, time), (0, 1)).copy()
    for i, length in enumerate(lengths):
        table[i, :length] = table[i, :length][::-1].copy()
    steps.finish(by_table(steps, x, np.moveaxis(table, (0, 1), (batch, time))))


def import_compress(state: Importing, node: OnnxNode) -> None:
    """Compress by a constant condition."""
    steps = Steps(state, node)
    x, condition = steps.operand(0), state.numbers(node, 1, "condition").astype(bool)
    shape = steps.shape(x)
    if "axis" in node.attributes:
        axis = normal_axis(node, node.integer("axis", 0), len(shape))
    else:
        axis, x = 0, steps.reshaped(x, (prod(shape),))
    steps.finish(steps.chosen(x, axis, np.flatnonzero(condition)))


def import_size(state: Importing, node: OnnxNode) -> None:
    """Size: known at import."""
    as_constant(state, node.output, np.array(prod(state.shape(node.input(0))), np.int64))


def import_eye_like(state: Importing, node: OnnxNode) -> None:
    """EyeLike: known at import."""
    from onnx.helper import tensor_dtype_to_np_dtype

    shape: Shape = state.shape(node.input(0))
    element = element_of(state, node.input(0))
    if "dtype" in node.attributes:
        element = np.dtype(tensor_dtype_to_np_dtype(node.integer("dtype", 1))).name
    dtype = np.float32 if element.startswith("float") else np.dtype(element)
    as_constant(state, node.output, np.eye(*shape, k=node.integer("k", 0)).astype(dtype))


SELECTION_IMPORTERS: Mapping[str, Importer] = {
    "Slice": import_slice,
    "Split": import_split,
    "Expand": import_expand,
    "Tile": import_tile,
    "Pad": import_any_pad,
    "Trilu": import_trilu,
    "DepthToSpace": import_depth_to_space,
    "SpaceToDepth": import_space_to_depth,
    "GatherElements": import_gather_elements,
    "GatherND": import_gather_nd,
    "ScatterElements": import_scatter_elements,
    "Scatter": import_scatter_elements,
    "ScatterND": import_scatter_nd,
    "ReverseSequence": import_reverse_sequence,
    "Compress": import_compress,
    "Size": import_size,
    "EyeLike": import_eye_like,
}
