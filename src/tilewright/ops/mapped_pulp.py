"""Tables of the ``pulp`` contract's dialect inside the operator that reads what they make."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Op, Whole
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.arithmetic_onnx import RescaledMul
from tilewright.ops.layout import Concat
from tilewright.ops.lut import Lut


def _check_table(table: TensorType) -> None:
    if table != TensorType(DType.S8, (256,)):
        raise ValueError(f"the table is {table}, not s8[256]")


@dataclass(frozen=True, slots=True)
class MappedMul(Op):
    """y = product(table[a + 128], b): a gate and what it lets through.

    Inputs: a s8, table s8[256], b s8 of the same shape.
    """

    product: RescaledMul

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, int8. Raises ValueError for other shapes."""
        a, table, b = inputs
        _check_table(table)
        if a != b:
            raise ValueError(f"a gate and what it lets through have one shape, not {a} and {b}")
        return a

    def evaluate(self, *inputs: Array) -> Array:
        """The table, then the product."""
        a, table, b = inputs
        return self.product.evaluate(Lut().evaluate(a, table), b)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element; the table in full."""
        a, b = self.product.reads(inputs[0], inputs[2])
        return a, (Whole(),), b


@dataclass(frozen=True, slots=True)
class MappedConcat(Op):
    """x, then table[new + 128] along an axis: a cache, and what is put behind it.

    Inputs: x s8, new s8, table s8[256].
    """

    axis: int

    def infer(self, *inputs: TensorType) -> TensorType:
        """As Concat. Raises ValueError for other tables."""
        _check_table(inputs[2])
        return Concat(self.axis).infer(*inputs[:2])

    def evaluate(self, *inputs: Array) -> Array:
        """The table, then the joining."""
        x, new, table = inputs
        return np.concatenate([x, Lut().evaluate(new, table)], axis=self.axis)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """As Concat; the table in full."""
        return (*Concat(self.axis).reads(*inputs[:2]), (Whole(),))

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """As Concat."""
        return Concat(self.axis).whole_axes(*inputs[:2])
