"""Bindings of the kernels that make something of rows: reduce, arg, order, running."""

from collections.abc import Callable
from pathlib import Path

from tilewright.ir.op import Op
from tilewright.ir.target import Fields, Kernel, Signature
from tilewright.ir.types import DType
from tilewright.ops.reductions import ArgRow, OrderRow, ReduceRow, RowKind, Running

HERE = Path(__file__).parent

KINDS = tuple(RowKind)
"""In the order of the enum in rows.h."""


def _reduce_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, ReduceRow)
    return {"kind": KINDS.index(op.kind), "columns": signature.inputs[0].shape[-1]}


def _arg_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, ArgRow)
    columns = signature.inputs[0].shape[-1]
    return {"columns": columns, "is_least": int(op.is_least), "is_last": int(op.is_last)}


def _order_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, OrderRow)
    columns = signature.inputs[0].shape[-1]
    return {"columns": columns, "count": op.count, "is_least": int(op.is_least)}


def _running_fields(op: Op, signature: Signature) -> Fields:
    assert isinstance(op, Running)
    return {
        "columns": signature.inputs[0].shape[-1],
        "is_product": int(op.is_product),
        "is_exclusive": int(op.is_exclusive),
    }


def _rows(op: Op, signature: Signature) -> int:
    del op
    x = signature.inputs[0]
    return x.size // x.shape[-1]


def _kernel(
    op: type[Op],
    name: str,
    source: str,
    fields: Callable[[Op, Signature], Fields],
    dtype: DType,
) -> Kernel:
    def refuse(op: Op, signature: Signature) -> str | None:
        del op
        x = signature.inputs[0]
        return None if x.dtype is dtype else f"takes rows of {dtype}, not {x}"

    symbol = f"{name}_{dtype}"
    is_wrapping = op is Running or symbol == "reduce_row_s32"
    return Kernel(
        op=op,
        symbol=symbol,
        struct=f"{symbol}_args",
        header=HERE / "rows.h",
        source=HERE / (source or f"{symbol}.c"),
        pointers=("x", "y"),
        refuse=refuse,
        fields=fields,
        items=_rows,
        includes=(HERE / "wrapped_s32.h",) if is_wrapping else (),
    )


ROW_KERNELS = (
    *(
        _kernel(ReduceRow, "reduce_row", "", _reduce_fields, dtype)
        for dtype in (DType.F32, DType.S32)
    ),
    *(
        _kernel(ArgRow, "arg_row", "arg_rows.c", _arg_fields, dtype)
        for dtype in (DType.F32, DType.S32, DType.S8)
    ),
    *(_kernel(OrderRow, "order_row", "", _order_fields, dtype) for dtype in (DType.F32, DType.S32)),
    *(
        _kernel(Running, "running", "running.c", _running_fields, dtype)
        for dtype in (DType.F32, DType.S32)
    ),
)
