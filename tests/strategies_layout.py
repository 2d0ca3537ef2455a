"""Drawn cases for operators that move, select or look up elements."""

from hypothesis import strategies as st

from case import Case, shapes, sizes, stored, tensors, window_inputs, windows
from tilewright.ir.op import Op
from tilewright.ir.types import DType
from tilewright.ops.layout import Concat, Copy, Pad, Reshape, Transpose
from tilewright.ops.lut import Lut
from tilewright.ops.pool2d import MaxPool2d
from tilewright.ops.quantise import Recentre

MOVED = (DType.S8, DType.F32)


@st.composite
def lut(draw: st.DrawFn) -> Case:
    return Case(Lut(), (draw(stored(draw(shapes()))), draw(stored((256,)))))


@st.composite
def recentre(draw: st.DrawFn) -> Case:
    dtype = draw(st.sampled_from((DType.S8, DType.U8)))
    return Case(Recentre(), (draw(stored(draw(shapes()), dtype)),))


@st.composite
def copy(draw: st.DrawFn) -> Case:
    return Case(Copy(), (draw(tensors(draw(shapes()), draw(st.sampled_from(DType)))),))


@st.composite
def reshape(draw: st.DrawFn) -> Case:
    shape = draw(shapes())
    x = draw(tensors(shape, draw(st.sampled_from(MOVED))))
    flat = (1, x.size, 1)
    return Case(Reshape(draw(st.sampled_from((flat, shape[::-1], (*shape, 1))))), (x,))


@st.composite
def transpose(draw: st.DrawFn) -> Case:
    shape = draw(shapes(1, 6))
    perm = tuple(draw(st.permutations(range(len(shape)))))
    dtype = draw(st.sampled_from((DType.S8, DType.U8, DType.S16, DType.S32, DType.F32)))
    return Case(Transpose(perm), (draw(tensors(shape, dtype)),))


@st.composite
def concat(draw: st.DrawFn) -> Case:
    shape = draw(shapes())
    axis = draw(st.integers(0, len(shape) - 1))
    dtype = draw(st.sampled_from(MOVED))
    count = draw(st.integers(2, 8))
    inputs = [
        draw(tensors((*shape[:axis], draw(sizes()), *shape[axis + 1 :]), dtype))
        for _ in range(count)
    ]
    return Case(Concat(axis), tuple(inputs), varying=count)


@st.composite
def pad(draw: st.DrawFn) -> Case:
    shape = draw(shapes(1, 6))
    dtype = draw(st.sampled_from(MOVED))
    border = st.sampled_from((0, 0, 1, 2) if len(shape) < 5 else (0, 0, 1))
    before = tuple(draw(border) for _ in shape)
    after = tuple(draw(border) for _ in shape)
    value = draw(st.sampled_from((-1.5, 0.0))) if dtype.is_float else draw(st.integers(-128, 127))
    return Case(Pad(before, after, value), (draw(tensors(shape, dtype)),))


@st.composite
def max_pool2d(draw: st.DrawFn) -> Case:
    window = draw(windows())
    h, w = draw(window_inputs(window))
    shape = (draw(sizes(2)), h, w, draw(sizes(40)))
    return Case(MaxPool2d(window), (draw(tensors(shape, draw(st.sampled_from(MOVED)))),))


LAYOUT: dict[type[Op], st.SearchStrategy[Case]] = {
    Lut: lut(),
    Recentre: recentre(),
    Copy: copy(),
    Reshape: reshape(),
    Transpose: transpose(),
    Concat: concat(),
    Pad: pad(),
    MaxPool2d: max_pool2d(),
}
