"""Attention of the ``pulp`` contract's dialect in one operator: a whole row of scores at a time."""

from dataclasses import dataclass

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, Shape, TensorType
from tilewright.ops.arithmetic_onnx import RescaledAdd
from tilewright.ops.lut import Lut
from tilewright.ops.matmul import QMatMul
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding
from tilewright.ops.softmax_pulp import RatioSoftmax

UNMASKED = RescaledAdd(0, 0, 1, 0, 0, Requantise(Rounding.HALF_UP))
"""Scores as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioAttention(Op):
    """y = values(after[softmax(before[logits(q, k)] + mask)], v), head by head.

    Inputs: q s8[...,M,K], k s8[...,N,K], v s8[...,N,P], before s8[256], table s32[256], after
    s8[256], mask s8. Leading dimensions are equal; a mask has one row of N, or [M,N] behind
    dimensions of extent 1.

    logits, values  the products, with their requantisation; ``logits`` reads k by rows
    mask_sum        how scores and mask are added; ``UNMASKED`` where there is nothing to add
    softmax         over N with ``table`` and its promises
    peak            no entry of ``table`` is larger
    """

    logits: QMatMul
    mask_sum: RescaledAdd
    softmax: RatioSoftmax
    values: QMatMul
    peak: int

    def infer(self, *inputs: TensorType) -> TensorType:
        """[...,M,P]. Raises ValueError for operands that do not belong together."""
        q, k, v, *tables = inputs
        made = (*q.shape[:-1], v.shape[-1])
        wanted = (*q.shape[:-2], v.shape[-2])
        if (*k.shape[:-1], v.shape[:-1]) != (*wanted, wanted) or k.shape[-1] != q.shape[-1]:
            raise ValueError(f"attention cannot read queries {q}, keys {k} and values {v}")
        if not self.logits.transposes_b or self.values.transposes_b:
            raise ValueError("attention reads keys by rows and values by columns")
        if [t.size for t in tables[:3]] != [256] * 3:
            raise ValueError(f"tables have 256 entries, not {tables[0]}, {tables[1]}, {tables[2]}")
        is_deeper = len(tables[3].shape) > len(made)
        if is_deeper or not _is_mask(tables[3].shape, q.shape[-2], v.shape[-2]):
            raise ValueError(f"a mask of {q.shape[-2]} rows by {v.shape[-2]} is not {tables[3]}")
        return TensorType(DType.S8, made)

    def evaluate(self, *inputs: Array) -> Array:
        """Step by step."""
        q, k, v, before, table, after, mask = inputs
        scores = Lut().evaluate(self.logits.evaluate(q, k), before)
        masked = self.mask_sum.evaluate(scores, mask)
        weights = Lut().evaluate(self.softmax.evaluate(masked, table), after)
        return self.values.evaluate(weights, v)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Heads and rows of q go along; a head's keys and values whole."""
        rows = len(inputs[0].shape) - 2
        heads: Access = tuple(Along(axis) for axis in range(rows))
        tables: tuple[Access, ...] = ((Whole(),),) * 3
        own = (*heads, Along(rows), Whole()), (*heads, Whole(), Whole())
        mask = _mask_reads(inputs[6].shape, rows)
        return (*own, (*heads, Whole(), Along(rows + 1)), *tables, mask)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """A row of scores makes all of an output row."""
        return frozenset({len(inputs[0].shape) - 1})

    def macs(self, *inputs: TensorType) -> int:
        """Both products."""
        q, _, v, *_ = inputs
        keys, columns = v.shape[-2:]
        return q.size // q.shape[-1] * keys * (q.shape[-1] + columns)


def _is_mask(shape: Shape, rows: int, columns: int) -> bool:
    own = shape[-2:] if len(shape) > 1 else (1, *shape)
    return own in ((rows, columns), (1, columns)) and set(shape[:-2]) <= {1}


def _mask_reads(shape: Shape, rows: int) -> Access:
    if len(shape) == 1:
        return (Whole(),)
    one = Along(rows) if shape[-2] > 1 else Whole()
    return (*(Whole() for _ in shape[:-2]), one, Whole())
