"""Drawn cases for rows that are chosen at run time."""

import numpy as np
from hypothesis import strategies as st

from case import Case, seeds, shapes, tensors
from tilewright.ir.op import Op
from tilewright.ir.types import DType
from tilewright.ops.gather import Gather


@st.composite
def gather(draw: st.DrawFn) -> Case:
    """Most indices are rows; some count from the end, some are far outside."""
    x = draw(tensors(draw(shapes(1, 4)), draw(st.sampled_from((DType.S8, DType.S32, DType.F32)))))
    axis = draw(st.integers(0, x.ndim - 1))
    rows = x.shape[axis]
    reach = draw(st.sampled_from((rows, rows, 3 * rows, 2**31)))
    index = np.random.default_rng(draw(seeds())).integers(-reach, reach, draw(shapes(0, 2)))
    return Case(Gather(axis), (x, index.astype(np.int32)), varying=2)


GATHER: dict[type[Op], st.SearchStrategy[Case]] = {Gather: gather()}
