"""Drawn cases for attention of the integer dialect, and for tables inside their readers."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from case import Case, seeds, shapes, sizes, stored
from strategies_products import fixed_points
from tilewright.ir.op import Op
from tilewright.ir.types import Array
from tilewright.ops.arithmetic_onnx import LARGEST_PRODUCT, RescaledAdd, RescaledMul
from tilewright.ops.attention_pulp import UNMASKED, RatioAttention
from tilewright.ops.mapped_pulp import MappedConcat, MappedMul
from tilewright.ops.matmul import QMatMul, largest_product
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding
from tilewright.ops.softmax_pulp import RatioSoftmax

ZEROS = st.sampled_from((0, 0, 0, -128, 5))
SAME = np.arange(-128, 128).astype(np.int8)


@st.composite
def outputs(draw: st.DrawFn) -> Requantise:
    low = draw(st.sampled_from((-128, -128, 0)))
    return Requantise(Rounding.HALF_UP, draw(ZEROS), low, draw(st.sampled_from((127, 100))))


@st.composite
def products(draw: st.DrawFn, depth: int, *, by_rows: bool) -> QMatMul:
    a_zero, b_zero = draw(ZEROS), draw(st.sampled_from((0, 0, 0, 3)))
    reach = depth * largest_product(a_zero, b_zero)
    point = FixedPoint(*draw(fixed_points(reach, Rounding.HALF_UP)))
    output = draw(outputs())
    return QMatMul(transposes_b=by_rows, a_zero=a_zero, b_zero=b_zero, scale=point, output=output)


@st.composite
def mask_sums(draw: st.DrawFn) -> RescaledAdd:
    """Nothing, plain sums, or sums with factors of their own."""
    kind = draw(st.sampled_from(("none", "plain", "scaled")))
    if kind == "none":
        return UNMASKED
    if kind == "plain":
        return replace(UNMASKED, b_multiplier=1)
    a, b = draw(st.integers(0, 3000)), draw(st.integers(0, 3000))
    return RescaledAdd(draw(ZEROS), draw(ZEROS), a, b, draw(st.integers(0, 12)), draw(outputs()))


@st.composite
def tables(draw: st.DrawFn) -> Array:
    rng = np.random.default_rng(draw(seeds()))
    any_table = rng.integers(-128, 128, 256).astype(np.int8)
    return draw(st.sampled_from((SAME, SAME, any_table)))


@st.composite
def ratio_attention(draw: st.DrawFn) -> Case:
    leading = tuple(draw(sizes(3)) for _ in range(draw(st.integers(0, 2))))
    fours = draw(st.booleans())
    unit = 4 if fours else 1
    rows, keys = draw(sizes(5)), draw(sizes(9) | st.integers(30, 70))
    depth, columns = draw(sizes(5)) * unit, draw(sizes(3)) * unit
    step = draw(st.floats(0.5, 60.0))
    most = draw(st.sampled_from((1.0, 100.0, 20_000.0)))
    table = np.maximum(most * 2.0 ** -(np.arange(256) / step), 0).astype(np.int32)
    one = (1,) * draw(st.integers(0, len(leading)))
    mask = draw(st.sampled_from(((keys,), (*one, rows, keys), (*one, 1, keys))))
    op = RatioAttention(
        logits=draw(products(depth, by_rows=True)), mask_sum=draw(mask_sums()),
        softmax=RatioSoftmax(draw(st.sampled_from((256, 256, 128, 2)))),
        values=draw(products(keys, by_rows=False)), peak=int(table.max()),
    )  # fmt: skip
    varying = (
        draw(stored((*leading, rows, depth))), draw(stored((*leading, keys, depth))),
        draw(stored((*leading, keys, columns))),
    )  # fmt: skip
    constant = draw(tables()), table, draw(tables()), draw(stored(mask))
    return Case(op, (*varying, *constant), varying=3)


@st.composite
def mapped_mul(draw: st.DrawFn) -> Case:
    shape, output = draw(shapes()), draw(outputs())
    point = FixedPoint(*draw(fixed_points(LARGEST_PRODUCT, Rounding.HALF_UP)))
    op = MappedMul(RescaledMul(draw(ZEROS), draw(ZEROS), point, output))
    a, b = draw(stored(shape)), draw(stored(shape))
    return Case(op, (a, draw(tables()), b))


@st.composite
def mapped_concat(draw: st.DrawFn) -> Case:
    shape = list(draw(shapes(1, 4)))
    axis = draw(st.integers(0, len(shape) - 1))
    x = draw(stored(tuple(shape)))
    shape[axis] = draw(sizes(3))
    return Case(MappedConcat(axis), (x, draw(stored(tuple(shape))), draw(tables())), varying=2)


ATTENTION: dict[type[Op], st.SearchStrategy[Case]] = {
    MappedConcat: mapped_concat(),
    MappedMul: mapped_mul(),
    RatioAttention: ratio_attention(),
}
