"""Drawn cases for layer and RMS normalisation, of real numbers and of integers."""

import numpy as np
from hypothesis import strategies as st

from case import Case, real, seeds, shapes, sizes, stored
from tilewright.ir.op import Op
from tilewright.ir.types import Array, Shape
from tilewright.ops.norm_onnx import RescaledNorm, norm_tables, rescaled_norm
from tilewright.ops.norm_pulp import TruncatedLayerNorm, TruncatedRmsNorm
from tilewright.ops.normalisation import LayerNorm, RmsNorm
from tilewright.ops.softmax_pulp import RatioSoftmax, ShiftSoftmax

EPSILONS = st.sampled_from((1e-3, 0.1))
"""Not so small that rows of nearly equal elements are all rounding."""

SHIFTS = st.sampled_from((0, 8, 14, 16))
ZEROS = st.sampled_from((0, -128))


@st.composite
def rows(draw: st.DrawFn, longest: int = 300) -> Shape:
    leading = draw(shapes(0, 2))
    return (*leading, draw(sizes(20) | st.sampled_from((16, 17, 32, 63)) | sizes(longest)))


@st.composite
def stored_rows(draw: st.DrawFn) -> Array:
    """Any values; or such that lie close together, far from zero."""
    shape = draw(rows())
    if draw(st.booleans()):
        return draw(stored(shape))
    rng = np.random.default_rng(draw(seeds()))
    middle = draw(st.integers(-120, 120))
    return np.clip(rng.normal(middle, 1.5, shape).round(), -128, 127).astype(np.int8)


@st.composite
def layer_norm(draw: st.DrawFn) -> Case:
    x = draw(real(draw(rows(100))))
    scale, bias = draw(real(x.shape[-1:])), draw(real(x.shape[-1:]))
    return Case(LayerNorm(draw(EPSILONS)), (x, scale, bias))


@st.composite
def rms_norm(draw: st.DrawFn) -> Case:
    x = draw(real(draw(rows(100))))
    return Case(RmsNorm(draw(EPSILONS)), (x, draw(real(x.shape[-1:]))))


@st.composite
def ratio_softmax(draw: st.DrawFn) -> Case:
    """Tables that fall from 2**20, as polynomials and shifts give them."""
    x = draw(stored_rows())
    step = draw(st.floats(0.5, 60.0))
    table = (2.0**20 * 2.0 ** -(np.arange(256) / step)).astype(np.int32)
    return Case(RatioSoftmax(draw(st.sampled_from((256, 256, 128, 2)))), (x, table))


@st.composite
def shift_softmax(draw: st.DrawFn) -> Case:
    x = draw(stored_rows())
    group = draw(st.sampled_from((0, 0, 1, min(16, x.shape[-1]), x.shape[-1])))
    return Case(ShiftSoftmax(draw(st.sampled_from((256, 128))), group), (x,))


@st.composite
def rescaled(draw: st.DrawFn) -> Case:
    """Scales and offsets from none at all to many times the output's range."""
    x = draw(stored_rows())
    factors = st.sampled_from((0.0, 0.1, 30.0, 2000.0))
    scale = draw(real(x.shape[-1:], draw(factors))).astype(np.float64)
    bias = draw(real(x.shape[-1:], draw(factors))).astype(np.float64)
    epsilon = draw(st.sampled_from((0.0, 1e-12, 0.1, 1.0, 3e4)))
    op = rescaled_norm(
        x.shape[-1], is_centred=draw(st.booleans()), x_zero=draw(st.integers(-128, 127)),
        epsilon=epsilon, gain=np.abs(scale).max(), offset=np.abs(bias).max(),
    )  # fmt: skip
    return Case(op, (x, *norm_tables(op, scale, bias, draw(st.integers(-128, 127)))))


@st.composite
def factors(draw: st.DrawFn, length: int) -> Array:
    """Of the order of the dialect's networks, or anything that int32 holds."""
    rng = np.random.default_rng(draw(seeds()))
    limit = draw(st.sampled_from((300, 4_000_000, 2**31 - 1)))
    return rng.integers(-limit, limit, length, endpoint=True).astype(np.int32)


def reach_of(scale: Array) -> int:
    return int(np.abs(scale.astype(np.int64)).max(initial=1))


@st.composite
def truncated_layer_norm(draw: st.DrawFn) -> Case:
    x = draw(stored_rows())
    scale, bias = draw(factors(x.shape[-1])), draw(factors(x.shape[-1]))
    op = TruncatedLayerNorm(draw(SHIFTS), draw(ZEROS), reach_of(scale))
    return Case(op, (x, scale, bias))


@st.composite
def truncated_rms_norm(draw: st.DrawFn) -> Case:
    x = draw(stored_rows())
    scale = draw(factors(x.shape[-1]))
    return Case(TruncatedRmsNorm(draw(SHIFTS), draw(ZEROS), reach_of(scale)), (x, scale))


NORMS: dict[type[Op], st.SearchStrategy[Case]] = {
    LayerNorm: layer_norm(),
    RmsNorm: rms_norm(),
    RescaledNorm: rescaled(),
    RatioSoftmax: ratio_softmax(),
    ShiftSoftmax: shift_softmax(),
    TruncatedLayerNorm: truncated_layer_norm(),
    TruncatedRmsNorm: truncated_rms_norm(),
}
