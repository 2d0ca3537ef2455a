"""Reductions over whole dimensions, in real numbers."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, TensorType


def reduced_shape(x: TensorType, axes: tuple[int, ...], *, keeps_dims: bool) -> tuple[int, ...]:
    """Shape after reducing ``axes`` (all >= 0)."""
    if not all(0 <= axis < len(x.shape) for axis in axes):
        raise ValueError(f"axes {axes} are not dimensions of {x}")
    if keeps_dims:
        return tuple(1 if d in axes else n for d, n in enumerate(x.shape))
    return tuple(n for d, n in enumerate(x.shape) if d not in axes)


def reduced_reads(x: TensorType, axes: tuple[int, ...], *, keeps_dims: bool) -> Access:
    """Reduced dimensions are needed in full, the others go along."""
    access: list[Along | Whole] = []
    out = 0
    for d in range(len(x.shape)):
        if d in axes:
            access.append(Whole())
            out += keeps_dims
        else:
            access.append(Along(out))
            out += 1
    return tuple(access)


@dataclass(frozen=True, slots=True)
class Mean(Op):
    """Mean over ``axes`` in real numbers (global average pooling is axes 1 and 2 of NHWC)."""

    axes: tuple[int, ...]
    keeps_dims: bool = True

    def infer(self, *inputs: TensorType) -> TensorType:
        """Reduced shape."""
        shape = reduced_shape(inputs[0], self.axes, keeps_dims=self.keeps_dims)
        return TensorType(DType.F32, shape)

    def evaluate(self, *inputs: Array) -> Array:
        """Sums in float64, rounded to float32 once."""
        x = inputs[0].astype(np.float64)
        return np.asarray(x.mean(axis=self.axes, keepdims=self.keeps_dims)).astype(np.float32)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Reduced dimensions in full."""
        return (reduced_reads(inputs[0], self.axes, keeps_dims=self.keeps_dims),)
