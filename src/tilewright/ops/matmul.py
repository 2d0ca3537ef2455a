"""Matrix products of two tensors that are both computed at run time: attention, similarity."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from tilewright.ir.op import Access, Along, Op, Reduced, Split
from tilewright.ir.types import Array, DType, Shape, Span, TensorType
from tilewright.ops.elementwise import broadcast_reads, broadcast_shape
from tilewright.ops.requantise import Requantise, RescaleSums
from tilewright.ops.rescale import FixedPoint


@dataclass(frozen=True, slots=True)
class _Product(Op):
    """a[...,M,K]  b[...,K,N]  ->  y[...,M,N]; leading dimensions broadcast as numpy's do.

    transposes_b  b is stored as [...,N,K]
    """

    transposes_b: bool = False

    def output_shape(self, *inputs: TensorType) -> Shape:
        """[...,M,N]. Raises ValueError where K differs or leading dimensions do not broadcast."""
        a, b = inputs
        if len(a.shape) < 2 or len(b.shape) < 2:
            raise ValueError(f"a matrix product wants two dimensions or more, got {a} and {b}")
        depth, columns = b.shape[:-3:-1] if self.transposes_b else b.shape[-2:]
        if a.shape[-1] != depth:
            stored = "[...,N,K]" if self.transposes_b else "[...,K,N]"
            raise ValueError(f"a matrix product wants a[...,M,K] and b{stored}, got {a} and {b}")
        return (*broadcast_shape(*_leading(a, b)), a.shape[-2], columns)

    def product(self, a: Array, b: Array) -> Array:
        """a @ b in the arrays' own precision."""
        return a @ (np.swapaxes(b, -1, -2) if self.transposes_b else b)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Leading dimensions broadcast; rows of a and columns of b go along; K is reduced."""
        rows = len(self.output_shape(*inputs)) - 2
        a, b = broadcast_reads(*_leading(*inputs))
        own: Access = (
            (Along(rows + 1), Reduced()) if self.transposes_b else (Reduced(), Along(rows + 1))
        )
        return (*a, Along(rows), Reduced()), (*b, *own)

    def macs(self, *inputs: TensorType) -> int:
        """K per output element."""
        shape = self.output_shape(*inputs)
        return TensorType(DType.S8, shape).size * inputs[0].shape[-1]


@dataclass(frozen=True, slots=True)
class MatMul(_Product):
    """y = a @ b in real numbers."""

    def infer(self, *inputs: TensorType) -> TensorType:
        """Real numbers out."""
        return TensorType(DType.F32, self.output_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Sums in float64, rounded to float32 once."""
        a, b = (x.astype(np.float64) for x in inputs)
        return self.product(a, b).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class QMatMul(_Product):
    """int8 product: y = output((a - a_zero) @ (b - b_zero)). Inputs: a s8, b s8.

    Its maker proves that K * ``largest_product`` fits int32.
    """

    a_zero: int = 0
    b_zero: int = 0
    scale: FixedPoint
    output: Requantise

    def infer(self, *inputs: TensorType) -> TensorType:
        """int8 in, int8 out."""
        return TensorType(DType.S8, self.output_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Exact sums, one requantisation."""
        a, b = (x.astype(np.int64) for x in inputs)
        acc = self.product(a - self.a_zero, b - self.b_zero)
        return self.output.apply(acc, self.scale.multiplier, self.scale.shift)

    def split(self, *inputs: TensorType) -> Split:
        """QMatMulSum, then RescaleSums with one scale for all."""
        del inputs
        sums = QMatMulSum(self.transposes_b, a_zero=self.a_zero, b_zero=self.b_zero)
        tables = np.array([self.scale.multiplier], np.int32), np.array([self.scale.shift], np.int8)
        return Split(sums, (0, 1), RescaleSums(self.output), tables=tables)


@dataclass(frozen=True, slots=True)
class QMatMulSum(_Product):
    """int32 sums of a product: y = (a - a_zero) @ (b - b_zero). Inputs: a s8, b s8.

    adds  for a part of K that is not the first: to be added to what y holds
    """

    a_zero: int = 0
    b_zero: int = 0
    adds: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        """int32 out."""
        return TensorType(DType.S32, self.output_shape(*inputs))

    def evaluate(self, *inputs: Array) -> Array:
        """Exact."""
        a, b = (x.astype(np.int64) for x in inputs)
        return self.product(a - self.a_zero, b - self.b_zero).astype(np.int32)

    def on_part(self, part: Span) -> Self:
        """Later parts are added."""
        return replace(self, adds=part.start > 0)

    def adds_up(self) -> bool:
        """For later parts."""
        return self.adds


def largest_product(a_zero: int, b_zero: int) -> int:
    """Bound of |(a - a_zero) * (b - b_zero)| for int8 a and b."""
    return max(a_zero + 128, 127 - a_zero) * max(b_zero + 128, 127 - b_zero)


def _leading(*inputs: TensorType) -> tuple[TensorType, ...]:
    return tuple(TensorType(t.dtype, t.shape[:-2]) for t in inputs)
