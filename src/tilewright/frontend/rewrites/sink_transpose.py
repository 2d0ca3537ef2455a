"""Transposes move down through operators that do not mind, until they meet and cancel."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch
from tilewright.frontend.rewrites.permutation import (
    Perm,
    inverse,
    moves_nothing,
    permuted,
    reshaped_value,
)
from tilewright.ir.graph import Node, ValueName
from tilewright.ir.op import Op
from tilewright.ops.elementwise import Activation, Add, Clip, Mul
from tilewright.ops.layout import Concat, Pad, Reshape, Transpose
from tilewright.ops.quantise import Dequantize, Quantize
from tilewright.ops.reduce import Mean


def sink_transpose(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """op(Transpose(x)) becomes Transpose(op'(x)), where op' computes the same numbers."""
    perm = _first_perm(draft, node)
    if perm is None:
        return None
    if isinstance(node.op, Mean):
        return _sunk_mean(draft, node, node.op, perm)
    moved = _moved(node.op, perm)
    if moved is None:
        return None
    if not isinstance(node.op, (Concat, Pad)) and len(draft.type(node.output).shape) != len(perm):
        return NoMatch(f"broadcasting adds dimensions to {node.inputs[0]}")
    return _sunk(draft, node, perm, moved)


def _moved(op: Op, perm: Perm) -> Op | None:
    """The operator on inputs before the Transpose; None for those that look at the layout."""
    match op:
        case Clip() | Activation() | Quantize() | Dequantize() | Add() | Mul():
            return op
        case Pad(before, after, value):
            back = inverse(perm)
            return Pad(
                tuple(before[axis] for axis in back), tuple(after[axis] for axis in back), value
            )
        case Concat(axis):
            return Concat(perm[axis])
        case _:
            return None


def _first_perm(draft: Draft, node: Node) -> Perm | None:
    """How the first transposed input is permuted."""
    for name in node.inputs:
        producer = draft.producer(name)
        if producer is not None and isinstance(producer.op, Transpose):
            return producer.op.perm
    return None


def _sunk(draft: Draft, node: Node, perm: Perm, op: Op) -> Rewrite | NoMatch:
    rewrite = Rewrite(draft, node)
    sources: list[ValueName] = []
    for name in node.inputs:
        source = _before(rewrite, name, perm)
        if source is None:
            return NoMatch(f"{name} is not transposed like the other input ({perm})")
        sources.append(source)
    return _finished(rewrite, op, sources, perm)


def _before(rewrite: Rewrite, name: ValueName, perm: Perm) -> ValueName | None:
    """A value of which ``name`` is the transpose; None where that would cost a Transpose."""
    draft = rewrite.draft
    value = draft.values[name]
    producer = draft.producer(name)
    if producer is not None and isinstance(producer.op, Transpose):
        source = producer.inputs[0]
        same_scale = draft.values[source].quantisation == value.quantisation
        return source if producer.op.perm == perm and same_scale else None
    if value.type.size == 1 and len(value.type.shape) <= len(perm):
        return name
    missing = len(perm) - len(value.type.shape)
    shape = (*(1,) * missing, *value.type.shape)
    if value.quantisation is not None and not value.quantisation.is_per_tensor:
        return None
    full = reshaped_value(value, shape, name)
    target = permuted(full, inverse(perm), f"{name}.moved")
    array = draft.constant(name)
    if array is not None:
        moved = np.ascontiguousarray(array.reshape(shape).transpose(inverse(perm)))
        return rewrite.constant(target.name, moved, value.quantisation)
    if not moves_nothing(inverse(perm), shape):
        return None
    return rewrite.insert(f"{name}.reshape", Reshape(target.type.shape), (name,), target)


def _sunk_mean(draft: Draft, node: Node, op: Mean, perm: Perm) -> Rewrite | NoMatch:
    axes = tuple(sorted(perm[axis] for axis in op.axes))
    left = [perm[axis] for axis in range(len(perm)) if axis not in op.axes]
    outer = perm if op.keeps_dims else tuple(sorted(left).index(axis) for axis in left)
    rewrite = Rewrite(draft, node)
    source = _before(rewrite, node.inputs[0], perm)
    if source is None:
        return NoMatch(f"the Transpose before {node.inputs[0]} also changes the scale")
    moved = replace(op, axes=axes)
    if outer == tuple(range(len(outer))):
        return rewrite.finish(moved, (source,))
    return _finished(rewrite, moved, (source,), outer)


def _finished(rewrite: Rewrite, op: Op, sources: Sequence[ValueName], perm: Perm) -> Rewrite:
    """``op`` on ``sources``, then the Transpose that makes the anchor's output."""
    node = rewrite.anchor
    suffix = "nhwc" if perm == (0, 3, 1, 2) else "moved"
    wish = f"{node.output}.{suffix}"
    value = permuted(rewrite.draft.values[node.output], inverse(perm), wish)
    inner = rewrite.insert(node.name, op, sources, value)
    return rewrite.finish(Transpose(perm), (inner,), f"{node.name}.transpose")
