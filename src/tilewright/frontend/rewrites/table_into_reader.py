"""A table of the integer dialect goes into the one operator that reads what it makes."""

import numpy as np

from tilewright.frontend.rewrites.draft import Draft, Rewrite
from tilewright.frontend.rewrites.engine import NoMatch
from tilewright.frontend.rewrites.permutation import reshaped_value
from tilewright.ir.graph import Contract, Node, ValueName
from tilewright.ir.op import Op
from tilewright.ops.arithmetic_onnx import RescaledMul
from tilewright.ops.layout import Concat, Reshape
from tilewright.ops.lut import Lut
from tilewright.ops.mapped_pulp import MappedConcat, MappedMul


def fuse_table(draft: Draft, node: Node) -> Rewrite | NoMatch | None:
    """A gate's table goes into its product, that of a new row into the joining with a cache."""
    if draft.contract is not Contract.PULP or len(node.inputs) != 2:
        return None
    if isinstance(node.op, Concat):
        return _fused(draft, node, 1, MappedConcat(node.op.axis))
    if isinstance(node.op, RescaledMul):
        return _fused(draft, node, 0, MappedMul(node.op))
    return None


def _fused(draft: Draft, node: Node, which: int, op: Op) -> Rewrite | NoMatch | None:
    mapped, other = node.inputs[which], node.inputs[1 - which]
    view = draft.producer(mapped)
    is_view = view is not None and isinstance(view.op, Reshape)
    if view is not None and is_view and draft.is_only_read_by(mapped, node):
        reader, made = view, view.inputs[0]
    else:
        view, reader, made = None, node, mapped
    table = draft.producer(made)
    if table is None or not isinstance(table.op, Lut):
        return None
    values = draft.constant(table.inputs[1])
    if values is None or values.dtype != np.int8:
        return NoMatch(f"the table of {mapped} does not make int8")
    if not draft.is_only_read_by(made, reader):
        return NoMatch(f"{made} has other readers")
    rewrite = Rewrite(draft, node)
    source = table.inputs[0]
    if view is not None:
        shape = draft.type(mapped).shape
        value = reshaped_value(draft.values[source], shape, f"{source}.shown")
        source = rewrite.insert(f"{view.name}.shown", view.op, (source,), value)
    inputs: tuple[ValueName, ...] = (
        (source, table.inputs[1], other) if which == 0 else (other, source, table.inputs[1])
    )
    try:
        op.infer(*(rewrite.type(name) for name in inputs))
    except ValueError as error:
        return NoMatch(str(error))
    return rewrite.finish(op, inputs)
