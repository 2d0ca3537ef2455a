"""Any function of one int8 value, as a table of 256 results."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Op, Whole
from tilewright.ir.types import Array, TensorType
from tilewright.ops.elementwise import broadcast_reads


@dataclass(frozen=True, slots=True)
class Lut(Op):
    """y = table[x + 128]. Inputs: x s8, table s8[256]."""

    def infer(self, *inputs: TensorType) -> TensorType:
        """Same shape, the table's element type."""
        x, table = inputs
        if table.shape != (256,):
            raise ValueError(f"a table has 256 entries, not {table}")
        return TensorType(table.dtype, x.shape)

    def evaluate(self, *inputs: Array) -> Array:
        """One look-up per element."""
        x, table = inputs
        return table[x.astype(np.int32) + 128]

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """The same element; the table in full."""
        return (*broadcast_reads(inputs[0]), (Whole(),))
