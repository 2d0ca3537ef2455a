"""Drawn cases for the operators that stand for whole families."""

import numpy as np
from hypothesis import strategies as st

from case import Case, real, shapes, sizes, stored
from tilewright.ir.op import Op
from tilewright.ir.types import Array, DType, Shape
from tilewright.ops.binary import INTEGERS_ONLY, Binary, BinaryKind
from tilewright.ops.convert import Select, Shorten, ToReal, Truncate, Widen
from tilewright.ops.reductions import ArgRow, OrderRow, ReduceRow, RowKind, Running

SMALL = (BinaryKind.POW, BinaryKind.LEFT, BinaryKind.RIGHT)


@st.composite
def integers(draw: st.DrawFn, shape: Shape) -> Array:
    """int32 over the whole range, or small ones, which meet zero and each other."""
    whole = draw(stored(shape, DType.S32))
    return whole if draw(st.booleans()) else (whole % 7 - 3).astype(np.int32)


@st.composite
def _broadcast(draw: st.DrawFn, shape: Shape) -> Shape:
    return tuple(n if draw(st.booleans()) else 1 for n in shape)


@st.composite
def binary(draw: st.DrawFn) -> Case:
    kind = draw(st.sampled_from(tuple(BinaryKind)))
    shape = draw(shapes(largest_rank=3))
    a, b = draw(_broadcast(shape)), draw(_broadcast(shape))
    if kind in INTEGERS_ONLY or draw(st.booleans()):
        right = draw(integers(b))
        return Case(
            Binary(kind), (draw(integers(a)), right % 40 - 4 if kind in SMALL else right), 2
        )
    left, right = draw(real(a)), draw(real(b))
    if kind is BinaryKind.POW:
        left, right = np.abs(left) + np.float32(0.5), np.clip(right, -3, 3)
    if kind in (BinaryKind.DIV, BinaryKind.MOD, BinaryKind.FMOD):
        # Quotients near a whole number round to either side of it.
        left, right = np.round(left * 8) / 8, np.where(right < 0, -0.75, 0.75)
    return Case(Binary(kind), (left.astype(np.float32), right.astype(np.float32)), 2)


@st.composite
def truncate(draw: st.DrawFn) -> Case:
    x = draw(real(draw(shapes()), draw(st.sampled_from((3.0, 1e9, 1e12)))))
    return Case(Truncate(), (x,))


@st.composite
def to_real(draw: st.DrawFn) -> Case:
    return Case(ToReal(), (draw(integers(draw(shapes()))),))


@st.composite
def widen(draw: st.DrawFn) -> Case:
    return Case(Widen(draw(st.sampled_from((0, -128, 5)))), (draw(stored(draw(shapes()))),))


@st.composite
def shorten(draw: st.DrawFn) -> Case:
    op = draw(st.sampled_from((
        Shorten(10, -14, 65504.0, np.inf), Shorten(7, -126, 3.3895314e38, np.inf),
        Shorten(3, -6, 448.0, 448.0), Shorten(1, 0, 6.0, 6.0),
    )))  # fmt: skip
    x = draw(real(draw(shapes()), draw(st.sampled_from((1e-6, 0.01, 3.0, 300.0, 1e5)))))
    return Case(op, (x,))


@st.composite
def select(draw: st.DrawFn) -> Case:
    shape = draw(shapes())
    rows = integers(shape) if draw(st.booleans()) else real(shape)
    return Case(Select(), (draw(integers(shape)), draw(rows), draw(rows)), 3)


@st.composite
def _rows(draw: st.DrawFn, *, has_bytes: bool = False) -> Array:
    shape = draw(shapes(largest_rank=3))
    kinds = [real(shape), integers(shape), *([stored(shape)] if has_bytes else [])]
    return draw(st.sampled_from(kinds).flatmap(lambda rows: rows))


@st.composite
def reduce_row(draw: st.DrawFn) -> Case:
    x = draw(_rows())
    # Sums near zero lose what their summands had; products of many leave the range.
    x = np.abs(x) % np.float32(2) if x.dtype == np.float32 else x
    return Case(ReduceRow(draw(st.sampled_from(tuple(RowKind)))), (x,))


@st.composite
def arg_row(draw: st.DrawFn) -> Case:
    return Case(ArgRow(draw(st.booleans()), draw(st.booleans())), (draw(_rows(has_bytes=True)),))


@st.composite
def order_row(draw: st.DrawFn) -> Case:
    x = draw(_rows())
    return Case(OrderRow(draw(sizes(x.shape[-1])), draw(st.booleans())), (x,))


@st.composite
def running(draw: st.DrawFn) -> Case:
    x = draw(_rows())
    x = np.abs(x) % np.float32(2) if x.dtype == np.float32 else x
    return Case(Running(draw(st.booleans()), draw(st.booleans())), (x,))


GENERAL: dict[type[Op], st.SearchStrategy[Case]] = {
    Binary: binary(),
    Truncate: truncate(),
    ToReal: to_real(),
    Widen: widen(),
    Shorten: shorten(),
    Select: select(),
    ReduceRow: reduce_row(),
    ArgRow: arg_row(),
    OrderRow: order_row(),
    Running: running(),
}
