"""Parts of values that live from one run to the next: writing some rows, reading the valid ones.

Both are views, as Reshape is: they compute nothing and move nothing. ``Put`` says that its second
input *is* a part of the first one's bytes: whoever makes the part writes it there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from tilewright.ir.index import Affine, amount_at
from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, Region, Span, TensorType


@dataclass(frozen=True, slots=True)
class Put(Op):
    """y = x with ``part`` from ``index`` on along ``axis``. Inputs: x, part.

    In place: y has the bytes of x, and the part is made where it belongs. So nothing may read x, or
    a view of it, once the part is being made; ``midend/dataflow.py`` keeps that order.
    """

    axis: int = 0
    index: int | Affine = 0

    @property
    def is_view(self) -> bool:
        """It says where its part is made, and does nothing at run time."""
        return True

    @property
    def first(self) -> int:
        """The index where every argument is as large as it may be."""
        return amount_at(self.index)

    @property
    def amounts(self) -> tuple[Affine, ...]:
        """The index."""
        return () if isinstance(self.index, int) else (self.index,)

    def with_arguments(self, values: Mapping[str, int]) -> Self:
        """With the index that the arguments give."""
        return replace(self, index=amount_at(self.index, values))

    def infer(self, *inputs: TensorType) -> TensorType:
        """The type of x. Raises ValueError where the part does not fit into it."""
        x, part = inputs
        extents = [*zip(x.shape, part.shape, strict=False)]
        fits = (
            len(x.shape) == len(part.shape)
            and x.dtype is part.dtype
            and all(n == m for d, (n, m) in enumerate(extents) if d != self.axis)
            and self.first >= 0
            and (not x.shape or self.first + part.shape[self.axis] <= x.shape[self.axis])
        )
        if not fits:
            raise ValueError(f"{part} does not fit into {x} from {self.first} on, axis {self.axis}")
        return x

    def evaluate(self, *inputs: Array) -> Array:
        """A copy of x with the part written over it."""
        x, part = inputs
        y = x.copy()
        y[tuple(slice(s.start, s.stop) for s in self.writes(TensorType.of(part)))] = part
        return y

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """x goes along; the part is shifted to its place."""
        x, part = inputs
        shifted = (
            Along(d, pad=self.first if d == self.axis else 0) for d in range(len(part.shape))
        )
        return tuple(Along(d) for d in range(len(x.shape))), tuple(shifted)

    def writes(self, part: TensorType) -> Region:
        """The region of x that the part takes."""
        return tuple(
            Span(self.first if d == self.axis else 0, extent) for d, extent in enumerate(part.shape)
        )


@dataclass(frozen=True, slots=True)
class Valid(Op):
    """y = the first ``count`` elements of x along ``axis``: those that are there already."""

    axis: int
    count: int | Affine

    @property
    def is_view(self) -> bool:
        """The bytes of x, from its first one on."""
        return True

    @property
    def length(self) -> int:
        """The count where every argument is as large as it may be."""
        return amount_at(self.count)

    @property
    def amounts(self) -> tuple[Affine, ...]:
        """The count."""
        return () if isinstance(self.count, int) else (self.count,)

    def with_arguments(self, values: Mapping[str, int]) -> Self:
        """With the count that the arguments give."""
        return replace(self, count=amount_at(self.count, values))

    def infer(self, *inputs: TensorType) -> TensorType:
        """Shorter along the axis. Raises ValueError where x has fewer elements."""
        x = inputs[0]
        if not 0 <= self.axis < len(x.shape) or not 1 <= self.length <= x.shape[self.axis]:
            raise ValueError(f"no first {self.length} elements along axis {self.axis} of {x}")
        shape = (*x.shape[: self.axis], self.length, *x.shape[self.axis + 1 :])
        return TensorType(x.dtype, shape)

    def evaluate(self, *inputs: Array) -> Array:
        """As numpy does."""
        return np.take(inputs[0], np.arange(self.length), self.axis)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element; as a view it is never cut into tiles."""
        return (tuple(Whole() for _ in inputs[0].shape),)
