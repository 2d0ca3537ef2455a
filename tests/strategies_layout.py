"""Drawn cases for operators that move, select or look up elements."""

from hypothesis import strategies as st

from case import Case, shapes, stored
from tilewright.ir.op import Op
from tilewright.ops.lut import Lut


@st.composite
def lut(draw: st.DrawFn) -> Case:
    return Case(Lut(), (draw(stored(draw(shapes()))), draw(stored((256,)))))


LAYOUT: dict[type[Op], st.SearchStrategy[Case]] = {
    Lut: lut(),
}
