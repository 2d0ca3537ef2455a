"""What moves numbers and computes nothing."""

from dataclasses import replace

import numpy as np

from tilewright.errors import ModelError, UnsupportedError
from tilewright.frontend.dialect.storing import as_stored, as_wide, in_order
from tilewright.frontend.dialect.values import (
    Fixed,
    Importing,
    Mapped,
    Stored,
    Tensor,
    Wide,
    plain,
)
from tilewright.frontend.onnx_file import OnnxNode
from tilewright.ir.types import Shape
from tilewright.ops.gather import Gather
from tilewright.ops.layout import Concat, Pad, Reshape, Transpose

Laid = Stored | Wide


def _laid(state: Importing, wish: str, tensor: Tensor) -> Laid:
    """In memory, in the file's order."""
    made = as_stored(state, wish, tensor)
    if made is not None:
        return in_order(state, made, plain(made.shape))
    wide = as_wide(state, wish, tensor)
    return in_order(state, wide, plain(wide.shape))


def _input(state: Importing, node: OnnxNode) -> Laid:
    return _laid(state, node.input(0), state.tensor(node, 0))


def _moved(x: Laid, name: str, shape: Shape) -> Laid:
    return replace(x, name=name, shape=shape, order=plain(shape))


def import_identity(state: Importing, node: OnnxNode) -> Tensor:
    """Identity and its like."""
    return state.tensor(node, 0)


def import_transpose(state: Importing, node: OnnxNode) -> Tensor:
    """Costs nothing where the next node wants the order that there is."""
    x = state.tensor(node, 0)
    perm = node.integers("perm", tuple(reversed(plain(x.shape))))
    if sorted(perm) != list(plain(x.shape)):
        raise ModelError(f"{node}: perm {perm} of {len(x.shape)} dimensions")
    shape = tuple(x.shape[axis] for axis in perm)
    if isinstance(x, (Stored, Mapped)):
        of = x.of if isinstance(x, Mapped) else x
        made = replace(of, shape=shape, order=tuple(perm.index(axis) for axis in of.order))
        return replace(x, of=made) if isinstance(x, Mapped) else made
    laid = _input(state, node)
    return _moved(laid, state.emit(node.output, Transpose(perm), laid.name), shape)


def import_reshape(state: Importing, node: OnnxNode) -> Tensor:
    """Reshape, Flatten, Squeeze, Unsqueeze."""
    shape = _new_shape(state, node, state.tensor(node, 0).shape)
    x = _input(state, node)
    if int(np.prod(shape)) != int(np.prod(x.shape)):
        raise ModelError(f"{node}: {list(x.shape)} cannot become {list(shape)}")
    return _moved(x, state.emit(node.output, Reshape(shape), x.name), shape)


def _new_shape(state: Importing, node: OnnxNode, shape: Shape) -> Shape:
    if node.kind == "Flatten":
        axis = node.integer("axis", 1) % (len(shape) + 1)
        return int(np.prod(shape[:axis])), int(np.prod(shape[axis:]))
    if node.kind == "Reshape":
        wanted = [int(n) for n in state.fixed(node, 1, "shape").reshape(-1)]
        wanted = [shape[i] if n == 0 and i < len(shape) else n for i, n in enumerate(wanted)]
        known = int(np.prod([n for n in wanted if n != -1]))
        return tuple(int(np.prod(shape)) // max(known, 1) if n == -1 else n for n in wanted)
    listed = state.axes(node)
    if node.kind == "Squeeze":
        ones = [axis for axis, n in enumerate(shape) if n == 1]
        axes = ones if listed is None else [axis % len(shape) for axis in listed]
        return tuple(n for axis, n in enumerate(shape) if axis not in axes)
    if listed is None:
        raise ModelError(f"{node}: says no axes")
    rank = len(shape) + len(listed)
    axes = [axis % rank for axis in listed]
    if len({*axes}) < len(axes):
        raise ModelError(f"{node}: axes {listed} name one axis twice")
    rest = iter(shape)
    return tuple(1 if axis in axes else next(rest) for axis in range(rank))


def import_concat(state: Importing, node: OnnxNode) -> Tensor:
    """One after another; what is empty is left out."""
    tensors = {name: state.tensor(node, index) for index, name in enumerate(node.inputs)}
    whole = [name for name in node.inputs if 0 not in tensors[name].shape]
    if not whole:
        raise UnsupportedError(f"{node}: all that it joins is empty")
    if len(whole) == 1:
        return tensors[whole[0]]
    laid = [_laid(state, name, tensors[name]) for name in whole]
    if len({(type(x), getattr(x, "zero", None)) for x in laid}) > 1:
        laid = [as_wide(state, name, x) for name, x in zip(whole, laid, strict=True)]
    axis = number_of_axis(node, len(laid[0].shape))
    name = state.emit(node.output, Concat(axis), *(x.name for x in laid))
    return _moved(laid[0], name, state.builder.values[name].type.shape)


def number_of_axis(node: OnnxNode, rank: int) -> int:
    """The attribute ``axis``, >= 0."""
    axis = node.integer("axis", 0)
    if not -rank <= axis < rank:
        raise ModelError(f"{node}: axis {axis} of {rank} dimensions")
    return axis % rank


def import_gather(state: Importing, node: OnnxNode) -> Tensor:
    """Constant indices along one dimension."""
    index, x = state.fixed(node, 1, "indices"), _input(state, node)
    axis = number_of_axis(node, len(x.shape))
    constant = state.constant(f"{node.output}.index", index.reshape(-1).astype(np.int32))
    name = state.emit(node.output, Gather(axis), x.name, constant)
    shape = (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
    return _moved(x, state.emit(node.output, Reshape(shape), name), shape)


def import_slice(state: Importing, node: OnnxNode) -> Tensor:
    """Constant starts, ends, axes and steps."""
    x = _input(state, node)
    starts, ends = state.fixed(node, 1, "starts"), state.fixed(node, 2, "ends")
    axes = state.fixed(node, 3, "axes") if node.has(3) else np.arange(starts.size)
    steps = state.fixed(node, 4, "steps") if node.has(4) else np.ones(starts.size, np.int64)
    for start, end, axis, step in zip(*map(np.ravel, (starts, ends, axes, steps)), strict=True):
        along = int(axis) % len(x.shape)
        chosen = np.arange(x.shape[along])[slice(int(start), int(end), int(step))]
        if len(chosen) == x.shape[along] and step > 0:
            continue
        constant = state.constant(f"{node.output}.index", chosen.astype(np.int32))
        name = state.emit(node.output, Gather(along), x.name, constant)
        x = _moved(x, name, (*x.shape[:along], len(chosen), *x.shape[along + 1 :]))
    return x


def import_pad(state: Importing, node: OnnxNode) -> Tensor:
    """A border of one constant."""
    if node.text("mode", "constant") != "constant":
        raise UnsupportedError(f"{node}: mode {node.text('mode', '')}; constant borders are known")
    x = _input(state, node)
    pads = state.fixed(node, 1, "pads").reshape(-1) if node.has(1) else node.integers("pads", ())
    value = int(state.fixed(node, 2, "value").reshape(-1)[0]) if node.has(2) else 0
    if isinstance(x, Wide):
        raise UnsupportedError(f"{node}: {node.input(0)} has numbers beyond 8 bits")
    before, after = (tuple(int(n) for n in half) for half in np.split(np.asarray(pads), 2))
    op = Pad(before, after, value + x.zero)
    name = state.emit(node.output, op, x.name)
    return _moved(x, name, state.builder.values[name].type.shape)


def import_constant_movement(state: Importing, node: OnnxNode) -> Tensor | None:
    """A constant that is moved stays one; None for others."""
    x = state.tensor(node, 0)
    if not isinstance(x, Fixed):
        return None
    match node.kind:
        case "Transpose":
            return Fixed(x.array.transpose(node.integers("perm", tuple(reversed(plain(x.shape))))))
        case "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze":
            return Fixed(x.array.reshape(_new_shape(state, node, x.shape)))
        case _:
            return None
