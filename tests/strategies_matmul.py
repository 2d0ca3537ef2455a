"""Drawn cases for products of two tensors that are both computed at run time."""

import numpy as np
from hypothesis import strategies as st

from case import Case, real, sizes, stored
from strategies_products import fixed_points, requantisations, zero_points
from tilewright.ir.op import Op
from tilewright.ir.types import Shape
from tilewright.ops.matmul import MatMul, QMatMul, largest_product
from tilewright.ops.rescale import FixedPoint


@st.composite
def operand_shapes(draw: st.DrawFn, depths: st.SearchStrategy[int]) -> tuple[Shape, Shape, bool]:
    """Shapes of a and b, and whether b is transposed; leading dimensions are equal or repeated."""
    rows, depth, columns = draw(sizes(9)), draw(depths), draw(sizes(9) | st.integers(30, 70))
    leading = tuple(draw(sizes(3)) for _ in range(draw(st.integers(0, 3))))
    repeats = st.sampled_from((False, False, False, True))

    def side() -> Shape:
        own = tuple(1 if draw(repeats) else n for n in leading)
        return own[draw(st.sampled_from((0, 0, 0, len(own) // 2))) :]

    is_transposed = draw(st.booleans())
    matrix = (columns, depth) if is_transposed else (depth, columns)
    return (*side(), rows, depth), (*side(), *matrix), is_transposed


@st.composite
def q_matmul(draw: st.DrawFn) -> Case:
    a, b, is_transposed = draw(operand_shapes(sizes(40)))
    a_zero, b_zero, output = draw(zero_points()), draw(zero_points()), draw(requantisations())
    reach = a[-1] * largest_product(a_zero, b_zero)
    op = QMatMul(
        transposes_b=is_transposed, a_zero=a_zero, b_zero=b_zero,
        scale=FixedPoint(*draw(fixed_points(reach, output.rounding))), output=output,
    )  # fmt: skip
    return Case(op, (draw(stored(a)), draw(stored(b))), varying=2)


@st.composite
def matmul(draw: st.DrawFn) -> Case:
    a, b, is_transposed = draw(operand_shapes(sizes(20)))
    scale = 1 / np.sqrt(a[-1])
    return Case(MatMul(is_transposed), (draw(real(a, scale)), draw(real(b, 1.0))), varying=2)


MATMUL: dict[type[Op], st.SearchStrategy[Case]] = {QMatMul: q_matmul(), MatMul: matmul()}
