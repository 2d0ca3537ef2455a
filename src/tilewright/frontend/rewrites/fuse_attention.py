"""Logits, mask, softmax and values of the integer dialect become one operator."""

from dataclasses import dataclass, replace

import numpy as np

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch
from tilewright.frontend.rewrites.permutation import permuted, then
from tilewright.ir.graph import Node, ValueName
from tilewright.ir.op import Op
from tilewright.ir.types import Array
from tilewright.ops.arithmetic_onnx import RescaledAdd
from tilewright.ops.attention_pulp import UNMASKED, RatioAttention
from tilewright.ops.layout import Transpose
from tilewright.ops.lut import Lut
from tilewright.ops.matmul import QMatMul
from tilewright.ops.softmax_pulp import RatioSoftmax

SAME = np.arange(-128, 128).astype(np.int8)
"""A table that changes nothing."""


@dataclass(slots=True)
class _Upwards:
    """A walk from the values' product towards the logits; ``at`` is the tensor that it came to."""

    draft: Draft
    at: ValueName
    reader: Node

    def take(self, kind: type[Op]) -> Node | None:
        """The node that makes the tensor, if it is of this kind and nobody else reads it."""
        node = self.draft.producer(self.at)
        if node is None or not isinstance(node.op, kind):
            return None
        if not self.draft.is_only_read_by(self.at, self.reader):
            return None
        self.at, self.reader = node.inputs[0], node
        return node

    def table(self) -> Array:
        """A table on the way, or one that changes nothing."""
        node = self.draft.producer(self.at)
        found = None
        if node is not None and isinstance(node.op, Lut):
            found = self.draft.constant(node.inputs[1])
        if found is None or found.dtype != np.int8 or self.take(Lut) is None:
            return SAME
        return found


def fuse_attention(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """values(softmax(logits + mask)) is one operator that keeps a row of scores to itself."""
    if not isinstance(node.op, QMatMul):
        return None
    way = _Upwards(draft, node.inputs[0], node)
    after = way.table()
    softmax = way.take(RatioSoftmax)
    table = None if softmax is None else draft.constant(softmax.inputs[1])
    if softmax is None or table is None or node.op.transposes_b:
        return None
    assert isinstance(softmax.op, RatioSoftmax)
    added = way.take(RescaledAdd)
    before = way.table()
    logits = way.take(QMatMul)
    if logits is None or not isinstance(logits.op, QMatMul):
        return NoMatch("its scores are not the logits of one product")
    mask_sum = UNMASKED if added is None else added.op
    assert isinstance(mask_sum, RescaledAdd)
    rewrite = Rewrite(draft, node)
    tables = [
        rewrite.constant(f"{node.output}.{name}", array)
        for name, array in (("before", before), ("after", after))
    ]
    op = RatioAttention(
        logits=replace(logits.op, transposes_b=True), softmax=softmax.op, values=node.op,
        mask_sum=mask_sum, peak=int(table.max()),
    )  # fmt: skip
    keys = _by_rows(rewrite, logits)
    if added is None:
        count = rewrite.type(keys).shape[-2]
        mask = rewrite.constant(f"{node.output}.mask", np.zeros(count, np.int8))
    else:
        mask = added.inputs[1]
    inputs = (
        logits.inputs[0], keys, node.inputs[1], tables[0], softmax.inputs[1], tables[1], mask,
    )  # fmt: skip
    try:
        op.infer(*(rewrite.type(name) for name in inputs))
    except ValueError as error:
        return NoMatch(str(error))
    return rewrite.finish(op, inputs)


def _by_rows(rewrite: Rewrite, logits: Node) -> ValueName:
    """Keys as [...,N,K]: what a transpose before the product reads, or a transpose of them."""
    draft, keys = rewrite.draft, logits.inputs[1]
    assert isinstance(logits.op, QMatMul)
    if logits.op.transposes_b:
        return keys
    rank = len(draft.type(keys).shape)
    swap = (*range(rank - 2), rank - 1, rank - 2)
    transpose = draft.producer(keys)
    if transpose is not None and isinstance(transpose.op, Transpose):
        keys, swap = transpose.inputs[0], then(transpose.op.perm, swap)
    if swap == tuple(range(rank)):
        return keys
    value = permuted(draft.values[keys], swap, f"{keys}.rows")
    return rewrite.insert(f"{keys}.rows", Transpose(swap), (keys,), value)
