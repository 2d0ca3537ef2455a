"""Nodes that move elements: Reshape and its relatives, Transpose, Concat, Pad."""

from collections.abc import Callable
from math import prod

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.frontend.onnx_steps import Steps
from tilewright.frontend.onnx_tensors import Constant, Importing
from tilewright.ir.graph import ValueName
from tilewright.ops.layout import Concat, Pad, Reshape, Transpose
from tilewright.ops.quantise import Dequantize


def import_reshape(state: Importing, node: OnnxNode) -> None:
    """Reshape: 0 keeps a dimension, -1 takes what is left."""
    shape = state.shape(node.input(0))
    wish = [int(n) for n in state.numbers(node, 1, "shape").reshape(-1)]
    if not node.integer("allowzero", 0):
        wish = [shape[i] if n == 0 and i < len(shape) else n for i, n in enumerate(wish)]
    if wish.count(-1) == 1:
        rest = prod(n for n in wish if n != -1)
        wish[wish.index(-1)] = prod(shape) // rest if rest > 0 else -1
    if any(n < 1 for n in wish) or prod(wish) != prod(shape):
        raise ModelError(
            f"{node}: cannot reshape {list(shape)} ({prod(shape)} elements) to "
            f"{state.numbers(node, 1, 'shape').reshape(-1).tolist()}"
        )
    _reshape(state, node, tuple(wish))


def import_flatten(state: Importing, node: OnnxNode) -> None:
    """Flatten: two dimensions, split at ``axis``."""
    shape = state.shape(node.input(0))
    axis = node.integer("axis", 1)
    axis += len(shape) if axis < 0 else 0
    if not 0 <= axis <= len(shape):
        raise ModelError(f"{node}: axis {axis} is no dimension of {list(shape)}")
    _reshape(state, node, (prod(shape[:axis]), prod(shape[axis:])))


def import_squeeze(state: Importing, node: OnnxNode) -> None:
    """Squeeze: dimensions of extent 1 vanish."""
    shape = state.shape(node.input(0))
    axes = _axes(state, node, len(shape)) or tuple(i for i, n in enumerate(shape) if n == 1)
    if any(shape[a] != 1 for a in axes):
        raise ModelError(f"{node}: dimensions {list(axes)} of {list(shape)} are not all 1")
    _reshape(state, node, tuple(n for i, n in enumerate(shape) if i not in axes))


def import_unsqueeze(state: Importing, node: OnnxNode) -> None:
    """Unsqueeze: dimensions of extent 1 appear."""
    shape = state.shape(node.input(0))
    count = len(_axes(state, node, 2**15))
    axes = _axes(state, node, len(shape) + count)
    rest = iter(shape)
    grown = tuple(1 if i in axes else next(rest) for i in range(len(shape) + len(set(axes))))
    _reshape(state, node, grown)


def import_transpose(state: Importing, node: OnnxNode) -> None:
    """Transpose; the default reverses all dimensions."""
    rank = len(state.shape(node.input(0)))
    perm = node.integers("perm", tuple(reversed(range(rank))))
    state.emit(node, Transpose(perm), (state.value(node, node.input(0)),))


def import_concat(state: Importing, node: OnnxNode) -> None:
    """Concat."""
    # What has no elements leaves no trace; exporters make such parts of caches that start empty.
    names = [name for name in node.inputs if prod(state.shape(name))] or list(node.inputs)
    axis = node.integer("axis", 0)
    axis += len(state.shape(names[0])) if axis < 0 else 0
    steps = Steps(state, node)
    if len(names) == 1:
        steps.finish(steps.named(names[0]))
        return
    values = [steps.named(name) for name in names]
    # Signed beside unsigned bytes have no stored form in common; what they stand for has.
    if len({steps.type(x).dtype for x in values}) > 1:
        values = [_as_real(steps, x) for x in values]
    state.emit(node, Concat(axis), tuple(values))


def _as_real(steps: Steps, x: ValueName) -> ValueName:
    """Real numbers, of what is stored beside such."""
    q = steps.builder.values[x].quantisation
    return x if q is None else steps.do(Dequantize(q.scale, q.zero_point), x)


def import_pad(state: Importing, node: OnnxNode) -> None:
    """Pad with a constant (attributes before opset 11)."""
    mode = node.text("mode", "constant")
    if mode != "constant":
        raise UnsupportedError(f"{node}: mode {mode} is not supported; constant is")
    name, shape = node.input(0), state.shape(node.input(0))
    rank = len(shape)
    pads = node.integers("pads", ())
    if node.has(1):
        pads = tuple(int(p) for p in state.numbers(node, 1, "pads").reshape(-1))
    axes = tuple(range(rank))
    if node.has(3):
        axes = _normal(node, state.numbers(node, 3, "axes"), rank)
    if len(pads) != 2 * len(axes) or not all(0 <= p < 2**15 for p in pads):
        raise ModelError(
            f"{node}: pads {list(pads)} do not fit {list(shape)}; none may be negative"
        )
    before, after = [0] * rank, [0] * rank
    for i, axis in enumerate(axes):
        before[axis], after[axis] = pads[i], pads[i + len(axes)]
    value = _pad_value(state, node)
    quantisation = state.held_value(name).quantisation if name in state.integers else None
    if quantisation is not None:  # the file pads stored integers; they mean real numbers here
        value = (value - quantisation.zero_point) * quantisation.scale
    state.emit(node, Pad(tuple(before), tuple(after), value), (state.value(node, name),))


def import_identity(state: Importing, node: OnnxNode) -> None:
    """Identity, and Dropout at inference: the same tensor under another name."""
    trains = node.kind == "Dropout" and node.has(2)
    if trains and np.any(state.numbers(node, 2, "training_mode")):
        raise UnsupportedError(f"{node}: training_mode is set; export the network for inference")
    for mask in filter(None, node.outputs[1:]):
        ones = np.ones(state.shape(node.input(0)), np.bool_)
        state.constants[mask] = Constant(ones)
    if node.input(0) in state.integers:
        state.integers.add(node.output)
    state.alias(node.output, node.input(0))


def import_shape(state: Importing, node: OnnxNode) -> None:
    """Shape: known at import."""
    shape = state.shape(node.input(0))
    stop = node.integer("end", len(shape))
    state.constants[node.output] = Constant(
        np.array(shape[node.integer("start", 0) : stop], np.int64)
    )


def _reshape(state: Importing, node: OnnxNode, shape: tuple[int, ...]) -> None:
    state.emit(node, Reshape(shape), (state.value(node, node.input(0)),))


def _axes(state: Importing, node: OnnxNode, rank: int) -> tuple[int, ...]:
    """Axes from the attribute (before opset 13) or the second input, all >= 0."""
    listed = np.array(node.integers("axes", ()), np.int64)
    if node.has(1):
        listed = state.numbers(node, 1, "axes")
    return _normal(node, listed, rank)


def _normal(
    node: OnnxNode, listed: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]", rank: int
) -> tuple[int, ...]:
    axes = tuple(int(a) + (rank if a < 0 else 0) for a in listed.reshape(-1).astype(np.int64))
    if any(not 0 <= a < rank for a in axes) or len(set(axes)) != len(axes):
        raise ModelError(f"{node}: axes {listed.reshape(-1).tolist()} do not fit {rank} dimensions")
    return axes


LAYOUT_IMPORTERS: dict[str, Callable[[Importing, OnnxNode], None]] = {
    "Reshape": import_reshape,
    "Flatten": import_flatten,
    "Squeeze": import_squeeze,
    "Unsqueeze": import_unsqueeze,
    "Transpose": import_transpose,
    "Concat": import_concat,
    "Pad": import_pad,
    "Identity": import_identity,
    "Dropout": import_identity,
    "Shape": import_shape,
}


def _pad_value(state: Importing, node: OnnxNode) -> float:
    if not node.has(2):
        return node.number("value", 0.0)
    array = state.numbers(node, 2, "value")
    if array.size != 1:
        raise ModelError(f"{node}: value has shape {list(array.shape)}, not one number")
    return float(array.reshape(()))
