"""Orders of dimensions, and what a value becomes when its dimensions are reordered."""

from dataclasses import replace

from tilewright.ir.graph import Origin, Value, ValueName
from tilewright.ir.types import Shape

Perm = tuple[int, ...]
"""Output dimension d is input dimension perm[d], as in ``Transpose``."""

TO_CHANNELS_LAST: Perm = (0, 2, 3, 1)


def then(first: Perm, second: Perm) -> Perm:
    """The one permutation that equals ``first`` followed by ``second``."""
    return tuple(first[axis] for axis in second)


def inverse(perm: Perm) -> Perm:
    """The permutation that undoes ``perm``."""
    return tuple(perm.index(axis) for axis in range(len(perm)))


def moves_nothing(perm: Perm, shape: Shape) -> bool:
    """Whether elements of an input of ``shape`` stay in row-major order: only 1s change places."""
    long = [axis for axis in perm if shape[axis] > 1]
    return long == sorted(long)


def permuted(value: Value, perm: Perm, name: str) -> Value:
    """The value that holds transpose(``value``, perm); quantisation axis and origin move along."""
    shape = tuple(value.type.shape[axis] for axis in perm)
    quantisation = value.quantisation
    if quantisation is not None and quantisation.axis is not None:
        quantisation = replace(quantisation, axis=perm.index(quantisation.axis))
    origin = value.origin
    if origin is not None:
        rank = tuple(range(len(perm)))
        moved = then(origin.perm or rank, perm) if len(origin.perm or rank) == len(perm) else None
        origin = None if moved is None else Origin(origin.name, None if moved == rank else moved)
    return Value(ValueName(name), replace(value.type, shape=shape), quantisation, origin)


def reshaped_value(value: Value, shape: Shape, name: str) -> Value:
    """The same elements in row-major order under another shape, which no source tensor has."""
    return replace(value, name=ValueName(name), type=replace(value.type, shape=shape), origin=None)
