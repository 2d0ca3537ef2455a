"""One drawn application of an operator, and what the strategies draw it from."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from tilewright.ir.op import Op
from tilewright.ir.target import Signature
from tilewright.ir.types import Array, DType, Shape, TensorType
from tilewright.ops.window2d import Window2d


@dataclass(frozen=True)
class Case:
    """``op`` applied to ``inputs``; the first ``varying`` of them change at run time.

    The others are constants, which a kernel may want in a layout of its own.
    """

    op: Op
    inputs: tuple[Array, ...]
    varying: int = 1

    @property
    def signature(self) -> Signature:
        types = tuple(TensorType.of(a) for a in self.inputs)
        return Signature(types, self.op.infer(*types))

    def __str__(self) -> str:
        return f"{self.op} on {', '.join(map(str, self.signature.inputs))}"


def seeds() -> st.SearchStrategy[int]:
    return st.integers(0, 2**32 - 1)


def sizes(largest: int = 6) -> st.SearchStrategy[int]:
    return st.integers(1, largest)


@st.composite
def stored(draw: st.DrawFn, shape: Shape, dtype: DType = DType.S8) -> Array:
    """Integers over the whole range of the type, or only its two extremes, or one value."""
    rng = np.random.default_rng(draw(seeds()))
    match draw(st.sampled_from(("any", "any", "extremes", "constant"))):
        case "any":
            return rng.integers(dtype.low, dtype.high + 1, shape).astype(dtype.numpy)
        case "extremes":
            return rng.choice([dtype.low, dtype.high], shape).astype(dtype.numpy)
        case _:
            value = draw(st.sampled_from((dtype.low, 0, dtype.high)))
            return np.full(shape, value, dtype.numpy)


@st.composite
def real(draw: st.DrawFn, shape: Shape, scale: float = 2.0) -> Array:
    """Normally distributed float32."""
    rng = np.random.default_rng(draw(seeds()))
    return (rng.standard_normal(shape) * scale).astype(np.float32)


@st.composite
def tensors(draw: st.DrawFn, shape: Shape, dtype: DType) -> Array:
    return draw(real(shape) if dtype.is_float else stored(shape, dtype))


@st.composite
def shapes(draw: st.DrawFn, smallest_rank: int = 1, largest_rank: int = 4) -> Shape:
    """Up to a few hundred elements."""
    rank = draw(st.integers(smallest_rank, largest_rank))
    largest = {1: 40, 2: 12, 3: 6, 4: 4}.get(rank, 3)
    return tuple(draw(sizes(largest)) for _ in range(rank))


@st.composite
def windows(draw: st.DrawFn, largest_pad: int = 4, *, dilates: bool = True) -> Window2d:
    """Small windows: uneven, strided, dilated; padding may exceed the window."""

    def pair(strategy: st.SearchStrategy[int]) -> tuple[int, int]:
        return draw(strategy), draw(strategy)

    kernel = pair(st.sampled_from((1, 2, 3, 3, 4)))
    strides = pair(st.sampled_from((1, 1, 2, 3)))
    dilations = pair(st.sampled_from((1, 1, 1, 2, 3))) if dilates else (1, 1)
    pad = st.sampled_from((0, 0, 1, 1, 2, largest_pad))
    pads = (draw(pad), draw(pad), draw(pad), draw(pad))
    return Window2d(kernel, strides, pads, dilations)


@st.composite
def window_inputs(draw: st.DrawFn, window: Window2d) -> tuple[int, int]:
    """Height and width of an input into which the padded window fits at least once."""
    top, left, bottom, right = window.pads
    smallest_h = max(window.extent[0] - top - bottom, 1)
    smallest_w = max(window.extent[1] - left - right, 1)
    return smallest_h + draw(st.integers(0, 7)), smallest_w + draw(st.integers(0, 7))
