"""Binding of gather."""

from math import prod
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ops.gather import Gather

HERE = Path(__file__).parent


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, Gather)
    x, index = signature.inputs
    return {
        "rows": x.shape[op.axis],
        "count": index.size,
        "row_bytes": prod(x.shape[op.axis + 1 :]) * x.dtype.nbytes,
    }


def _items(op: Op, signature: Signature) -> int:
    assert isinstance(op, Gather)
    x, index = signature.inputs
    return prod(x.shape[: op.axis]) * index.size


def _cycles(op: Op, signature: Signature) -> int:
    return 20 + 30 * _items(op, signature) + signature.output.nbytes


GATHER = Kernel(
    op=Gather,
    symbol="gather",
    struct="gather_args",
    header=HERE / "gather.h",
    source=HERE / "gather.c",
    pointers=("x", "index", "y"),
    fields=_fields,
    items=_items,
    cycles=_cycles,
)
