"""Operators that move elements and compute nothing; any element type."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, Region, Shape, TensorType


@dataclass(frozen=True, slots=True)
class Reshape(Op):
    """The same elements in row-major order under another shape; costs nothing at run time."""

    shape: Shape

    @property
    def is_view(self) -> bool:
        """The bytes of x."""
        return True

    def resized(self, old: tuple[TensorType, ...], new: tuple[TensorType, ...]) -> "Reshape":
        """One dimension becomes shorter as the input does, the one with the input's own extent."""
        if old == new:
            return self
        changed = {n for n, m in zip(old[0].shape, new[0].shape, strict=True) if n != m}
        axes = [axis for axis, extent in enumerate(self.shape) if extent in changed]
        if len(axes) != 1:
            raise ValueError(f"which dimension of {self.shape} is as long as {new[0]} is not clear")
        length = self.shape[axes[0]] * new[0].size // old[0].size
        return Reshape((*self.shape[: axes[0]], length, *self.shape[axes[0] + 1 :]))

    def infer(self, *inputs: TensorType) -> TensorType:
        """The new shape must hold as many elements."""
        out = TensorType(inputs[0].dtype, self.shape)
        if out.size != inputs[0].size:
            raise ValueError(f"cannot reshape {inputs[0]} ({inputs[0].size} elements) to {out}")
        return out

    def evaluate(self, *inputs: Array) -> Array:
        """Row-major."""
        return inputs[0].reshape(self.shape)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """A rectangle of the output is no rectangle of the input in general."""
        return (tuple(Whole() for _ in inputs[0].shape),)


@dataclass(frozen=True, slots=True)
class Copy(Op):
    """The same elements in a place of their own, where a Reshape may not be a view."""

    def infer(self, *inputs: TensorType) -> TensorType:
        """The input's type."""
        return inputs[0]

    def evaluate(self, *inputs: Array) -> Array:
        """Unchanged."""
        return inputs[0].copy()

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element."""
        return (tuple(Along(axis) for axis in range(len(inputs[0].shape))),)


@dataclass(frozen=True, slots=True)
class Transpose(Op):
    """Output dimension d is input dimension perm[d]."""

    perm: tuple[int, ...]

    def infer(self, *inputs: TensorType) -> TensorType:
        """Permuted shape."""
        x = inputs[0]
        if sorted(self.perm) != list(range(len(x.shape))):
            raise ValueError(f"{self.perm} is no permutation of the dimensions of {x}")
        return TensorType(x.dtype, tuple(x.shape[p] for p in self.perm))

    def evaluate(self, *inputs: Array) -> Array:
        """Contiguous result."""
        return np.ascontiguousarray(inputs[0].transpose(self.perm))

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Each input dimension goes along with the output dimension that shows it."""
        return (tuple(Along(self.perm.index(d)) for d in range(len(inputs[0].shape))),)


@dataclass(frozen=True, slots=True)
class Concat(Op):
    """Inputs one after another along ``axis``."""

    axis: int

    def infer(self, *inputs: TensorType) -> TensorType:
        """All other dimensions must agree."""
        first = inputs[0]
        for other in inputs[1:]:
            ours, theirs = list(first.shape), list(other.shape)
            if len(ours) != len(theirs) or not 0 <= self.axis < len(ours):
                raise ValueError(f"cannot join {first} and {other} along axis {self.axis}")
            ours[self.axis] = theirs[self.axis] = 0
            if ours != theirs or first.dtype != other.dtype:
                raise ValueError(f"cannot join {first} and {other} along axis {self.axis}")
        total = sum(t.shape[self.axis] for t in inputs)
        shape = (*first.shape[: self.axis], total, *first.shape[self.axis + 1 :])
        return TensorType(first.dtype, shape)

    def evaluate(self, *inputs: Array) -> Array:
        """As numpy does."""
        return np.concatenate(inputs, axis=self.axis)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Each input is the output shifted by what came before it."""
        accesses: list[Access] = []
        start = 0
        for t in inputs:
            accesses.append(
                tuple(Along(d, pad=start if d == self.axis else 0) for d in range(len(t.shape)))
            )
            start += t.shape[self.axis]
        return tuple(accesses)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """A tile of the joined axis would need some inputs and not others."""
        del inputs
        return frozenset({self.axis})


@dataclass(frozen=True, slots=True)
class Pad(Op):
    """Constant border: ``before[d]`` and ``after[d]`` elements of ``value`` around dimension d.

    ``value`` is a stored value where x is quantised (its zero point stands for 0.0).
    """

    before: Shape
    after: Shape
    value: float = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        """Grown shape."""
        x = inputs[0]
        if not len(self.before) == len(self.after) == len(x.shape):
            raise ValueError(f"pads {self.before}, {self.after} do not fit {x}")
        shape = tuple(b + n + a for b, n, a in zip(self.before, x.shape, self.after, strict=True))
        return TensorType(x.dtype, shape)

    def evaluate(self, *inputs: Array) -> Array:
        """As numpy does, and a single number, which has no border, unchanged."""
        pads = tuple(zip(self.before, self.after, strict=True))
        if not pads:
            return inputs[0].copy()
        return np.pad(inputs[0], pads, constant_values=self.value)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The output shifted back by the border."""
        del inputs
        return (tuple(Along(d, pad=b) for d, b in enumerate(self.before)),)

    def on_tile(self, out: Region, *inputs: TensorType) -> Self:
        """The part of the border that lies in the tile."""
        ends = [
            Along(d, pad=b).beyond(out[d], inputs[0].shape[d]) for d, b in enumerate(self.before)
        ]
        return replace(self, before=tuple(e[0] for e in ends), after=tuple(e[1] for e in ends))
