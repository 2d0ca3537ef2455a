"""A Reshape that only adds or removes dimensions of extent 1 moves below operators with axes.

One-dimensional networks are written with such Reshapes around every two-dimensional operator.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.permutation import Perm, reshaped_value
from tilewright.ir.graph import Node, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Shape
from tilewright.ops.elementwise import Add, BatchNorm, Mul
from tilewright.ops.layout import Concat, Pad, Reshape, Transpose
from tilewright.ops.reduce import Mean


@dataclass(frozen=True, slots=True)
class _Unit:
    """A Reshape from ``source`` with ``rank`` dimensions; ``place``: long dimension → source's."""

    source: ValueName
    rank: int
    shape: Shape
    place: Mapping[int, int]


def sink_unit_reshape(draft: Draft, node: Node) -> Rewrite | None:
    """op(Reshape(x)) becomes Reshape(op'(x)), with axes, pads and constants in x's dimensions."""
    units = (_unit(draft, name) for name in node.inputs)
    first = next((unit for unit in units if unit is not None), None)
    if first is None:
        return None
    op = _inside(draft, node, first)
    if op is None:
        return None
    rewrite = Rewrite(draft, node)
    tables = node.inputs[1:] if isinstance(op, BatchNorm) else ()
    moved = [_moved(rewrite, name, first) for name in node.inputs[: len(node.inputs) - len(tables)]]
    sources = [name for name in moved if name is not None]
    if len(sources) != len(moved):
        return None
    shape = op.infer(*(rewrite.type(name) for name in (*sources, *tables))).shape
    out = draft.values[node.output]
    if _long(shape) != _long(out.type.shape):
        return None
    value = reshaped_value(out, shape, f"{node.output}.flat")
    inner = rewrite.insert(node.name, op, (*sources, *tables), value)
    return rewrite.finish(Reshape(out.type.shape), (inner,), f"{node.name}.reshape")


def _unit(draft: Draft, name: ValueName) -> _Unit | None:
    """The Reshape that makes the value, where it keeps all long dimensions and the scale."""
    node = draft.producer(name)
    if node is None or not isinstance(node.op, Reshape):
        return None
    source, shape = draft.type(node.inputs[0]).shape, draft.type(name).shape
    same_scale = draft.values[node.inputs[0]].quantisation == draft.values[name].quantisation
    if _long(source) != _long(shape) or not same_scale:
        return None
    inner, outer = ([d for d, n in enumerate(s) if n > 1] for s in (source, shape))
    return _Unit(node.inputs[0], len(source), shape, dict(zip(outer, inner, strict=True)))


def _long(shape: Shape) -> Shape:
    return tuple(n for n in shape if n > 1)


def _inside(draft: Draft, node: Node, unit: _Unit) -> Op | None:
    """The operator on the source's dimensions; None where it needs those that are not there."""
    match node.op:
        case Add() | Mul() | BatchNorm() if _keeps_dimensions(draft, node, unit):
            return node.op
        case Concat(axis) if axis in unit.place:
            return Concat(unit.place[axis])
        case Mean(axes) if any(axis in unit.place for axis in axes):
            return Mean(tuple(sorted(unit.place[axis] for axis in axes if axis in unit.place)))
        case Pad():
            return _inner_pad(node.op, unit)
        case Transpose(perm) if _is_transposed(draft, unit.source):
            return Transpose(_inner_perm(perm, unit))
        case _:
            return None


def _keeps_dimensions(draft: Draft, node: Node, unit: _Unit) -> bool:
    """Whether broadcasting adds no dimension, and a last dimension that counts is still last."""
    if isinstance(node.op, BatchNorm):
        return unit.place.get(len(unit.shape) - 1) == unit.rank - 1
    return len(draft.type(node.output).shape) == len(unit.shape)


def _is_transposed(draft: Draft, name: ValueName) -> bool:
    """Whether a Transpose could meet another one above the Reshape."""
    producer = draft.producer(name)
    return producer is not None and isinstance(producer.op, Transpose)


def _inner_pad(pad: Pad, unit: _Unit) -> Pad | None:
    before, after = _spread(pad.before, unit, 0), _spread(pad.after, unit, 0)
    return None if before is None or after is None else Pad(before, after, pad.value)


def _spread(numbers: Shape, unit: _Unit, neutral: int) -> Shape | None:
    """One number per dimension of the source; None where one that matters has no place."""
    spread = [neutral] * unit.rank
    for axis, number in enumerate(numbers):
        if number != neutral:
            if axis not in unit.place:
                return None
            spread[unit.place[axis]] = number
    return tuple(spread)


def _inner_perm(perm: Perm, unit: _Unit) -> Perm:
    """Long dimensions of the source in the new order, in the places that long dimensions have."""
    order = [unit.place[axis] for axis in perm if axis in unit.place]
    inner = list(range(unit.rank))
    for slot, axis in zip(sorted(order), order, strict=True):
        inner[slot] = axis
    return tuple(inner)


def _moved(rewrite: Rewrite, name: ValueName, first: _Unit) -> ValueName | None:
    """The operand in the source's dimensions; None where it has others or is no constant."""
    draft = rewrite.draft
    unit = _unit(draft, name)
    if unit is not None:
        return unit.source if (unit.rank, unit.place) == (first.rank, first.place) else None
    array, quantisation = draft.constant(name), draft.values[name].quantisation
    if array is None or (quantisation is not None and not quantisation.is_per_tensor):
        return None
    full = (*(1,) * (len(first.shape) - array.ndim), *array.shape)
    shape = _spread(full, first, 1)
    if shape is None:
        return None
    return rewrite.constant(f"{name}.flat", array.reshape(shape), quantisation)
