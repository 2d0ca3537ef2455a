"""What is made of the rows of the last dimension: sums, extremes, where they are, running sums."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, TensorType


class RowKind(Enum):
    """How a row becomes one number."""

    SUM = "sum"
    PRODUCT = "product"
    MIN = "min"
    MAX = "max"


def _rows(*inputs: TensorType) -> tuple[Access, ...]:
    """The whole row; dimensions before it go along."""
    rank = len(inputs[0].shape)
    return ((*(Along(d) for d in range(rank - 1)), Whole()),)


def _known(x: TensorType) -> TensorType:
    if not x.shape:
        raise ValueError(f"{x} has no rows")
    return x if x.dtype is DType.S32 else TensorType(DType.F32, x.shape)


@dataclass(frozen=True, slots=True)
class ReduceRow(Op):
    """x[..., N] f32 or s32 -> y[...]: the sum, product, least or greatest of each row.

    Integers wrap at 32 bits. NaN in a row is its least and greatest.
    """

    kind: RowKind

    def infer(self, *inputs: TensorType) -> TensorType:
        """Without the last dimension. Raises ValueError for other types."""
        x = _known(inputs[0])
        return TensorType(x.dtype, x.shape[:-1])

    def evaluate(self, *inputs: Array) -> Array:
        """Reals in float64, rounded to float32 once."""
        x = inputs[0]
        wide = x.astype(np.float64 if x.dtype == np.float32 else np.int64)
        with np.errstate(all="ignore"):
            match self.kind:
                case RowKind.SUM:
                    made = wide.sum(-1)
                case RowKind.PRODUCT:
                    made = wide.prod(-1)
                case RowKind.MIN:
                    made = wide.min(-1)
                case RowKind.MAX:
                    made = wide.max(-1)
            if x.dtype == np.float32:
                return np.asarray(made).astype(np.float32)
            return np.asarray(made).astype(np.uint32).astype(np.int32)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Rows."""
        return _rows(*inputs)


@dataclass(frozen=True, slots=True)
class ArgRow(Op):
    """x[..., N] f32, s32 or s8 -> y[...] s32: where the greatest (or least) of each row is.

    is_least   the least
    is_last    the last of equal ones, else the first
    """

    is_least: bool = False
    is_last: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        """Without the last dimension, s32."""
        x = inputs[0]
        if not x.shape:
            raise ValueError(f"{x} has no rows")
        return TensorType(DType.S32, x.shape[:-1])

    def evaluate(self, *inputs: Array) -> Array:
        """As numpy does."""
        x = inputs[0][..., ::-1] if self.is_last else inputs[0]
        at = np.argmin(x, -1) if self.is_least else np.argmax(x, -1)
        return np.asarray(x.shape[-1] - 1 - at if self.is_last else at).astype(np.int32)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Rows."""
        return _rows(*inputs)


@dataclass(frozen=True, slots=True)
class OrderRow(Op):
    """x[..., N] -> y[..., count] s32: where the greatest (or least) elements of each row are.

    In order; of equal ones the first comes first.
    """

    count: int
    is_least: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        """``count`` indices per row. Raises ValueError where a row has fewer elements."""
        x = _known(inputs[0])
        if not 1 <= self.count <= x.shape[-1]:
            raise ValueError(f"{self.count} elements of rows of {x}")
        return TensorType(DType.S32, (*x.shape[:-1], self.count))

    def evaluate(self, *inputs: Array) -> Array:
        """A stable sort."""
        x = inputs[0].astype(np.float64)
        return np.argsort(x if self.is_least else -x, -1, kind="stable")[..., : self.count].astype(
            np.int32
        )

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Rows."""
        return _rows(*inputs)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Later elements need the earlier ones."""
        return frozenset({len(inputs[0].shape) - 1})


@dataclass(frozen=True, slots=True)
class Running(Op):
    """x[..., N] -> y[..., N]: sums (or products) of each row's elements from its first one on.

    is_product   products
    is_exclusive without the element itself
    """

    is_product: bool = False
    is_exclusive: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        """The input's type."""
        return _known(inputs[0])

    def evaluate(self, *inputs: Array) -> Array:
        """Reals in float64, rounded to float32 once; integers wrap at 32 bits."""
        x = inputs[0]
        wide = x.astype(np.float64 if x.dtype == np.float32 else np.int64)
        if self.is_exclusive:
            first = np.full((*x.shape[:-1], 1), int(self.is_product), wide.dtype)
            wide = np.concatenate([first, wide[..., :-1]], -1)
        with np.errstate(all="ignore"):
            made = np.cumprod(wide, -1) if self.is_product else np.cumsum(wide, -1)
            if x.dtype == np.float32:
                return made.astype(np.float32)
            return made.astype(np.uint32).astype(np.int32)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Rows."""
        return _rows(*inputs)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Rows are walked from their first element on."""
        return frozenset({len(inputs[0].shape) - 1})
