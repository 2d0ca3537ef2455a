"""Drawn cases for parts of values that live from run to run. Views are computed by no kernel."""

from hypothesis import strategies as st

from case import Case, shapes, tensors
from tilewright.ir.op import Op
from tilewright.ir.types import DType
from tilewright.ops.state import Put, Valid

ELEMENTS = st.sampled_from((DType.S8, DType.S32, DType.F32))


@st.composite
def put(draw: st.DrawFn) -> Case:
    dtype = draw(ELEMENTS)
    x = draw(tensors(draw(shapes(1, 3)), dtype))
    axis = draw(st.integers(0, x.ndim - 1))
    rows = draw(st.integers(1, x.shape[axis]))
    index = draw(st.integers(0, x.shape[axis] - rows))
    part = draw(tensors((*x.shape[:axis], rows, *x.shape[axis + 1 :]), dtype))
    return Case(Put(axis, index), (x, part), varying=2)


@st.composite
def valid(draw: st.DrawFn) -> Case:
    x = draw(tensors(draw(shapes(1, 3)), draw(ELEMENTS)))
    axis = draw(st.integers(0, x.ndim - 1))
    return Case(Valid(axis, draw(st.integers(1, x.shape[axis]))), (x,), varying=1)


STATE: dict[type[Op], st.SearchStrategy[Case]] = {Put: put(), Valid: valid()}
