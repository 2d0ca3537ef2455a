"""Bindings of gather and gather_sum."""

from math import prod
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature, Terms
from tilewright.ops.gather import Gather, GatherSum
from tilewright.targets.packs.terms import runs

HERE = Path(__file__).parent


def _fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, Gather)
    x, index = signature.inputs
    return {
        "rows": x.shape[op.axis],
        "count": index.size,
        "row_bytes": prod(x.shape[op.axis + 1 :]) * x.dtype.nbytes,
    }


def _sum_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, GatherSum)
    x, index = signature.inputs
    return {
        "rows": op.rows,
        "first": op.first,
        "here": x.shape[op.axis],
        "count": index.size,
        "row_bytes": prod(x.shape[op.axis + 1 :]) * x.dtype.nbytes,
        "adds": int(op.adds),
    }


def _items(op: Op, signature: Signature) -> int:
    assert isinstance(op, Gather | GatherSum)
    x, index = signature.inputs
    return prod(x.shape[: op.axis]) * index.size


def _terms(op: Op, signature: Signature) -> tuple[int, ...]:
    rows = _items(op, signature)
    return rows, *runs(rows, signature.output.nbytes // rows)


GATHER = Kernel(
    op=Gather,
    symbol="gather",
    struct="gather_args",
    header=HERE / "gather.h",
    source=HERE / "gather.c",
    pointers=("x", "index", "y"),
    fields=_fields,
    items=_items,
    terms=Terms(("rows", "vectors", "rest"), _terms),
)

GATHER_SUM = Kernel(
    op=GatherSum,
    symbol="gather_sum",
    struct="gather_sum_args",
    header=HERE / "gather_sum.h",
    source=HERE / "gather_sum.c",
    pointers=("x", "index", "y"),
    fields=_sum_fields,
    items=_items,
    terms=Terms(("rows", "vectors", "rest"), _terms),
)
