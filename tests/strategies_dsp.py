"""Drawn cases for kernels that want symmetric weights, one group and windows without holes."""

import numpy as np
from hypothesis import strategies as st

from case import Case, sizes, stored, window_inputs, windows
from strategies_products import operands, requantisations, zero_points
from tilewright.ir.op import Op
from tilewright.ir.types import Array
from tilewright.ops.conv2d import QConv2d, QDepthwiseConv2d
from tilewright.ops.dense import QDense


@st.composite
def weights(draw: st.DrawFn, shape: tuple[int, ...], channel_axis: int) -> Array:
    """int8; now and then a channel without any."""
    w = draw(stored(shape))
    if draw(st.integers(0, 3)) == 0:
        dead = draw(st.integers(0, shape[channel_axis] - 1))
        w = w.copy()
        np.moveaxis(w, channel_axis, 0)[dead] = 0
    return w


@st.composite
def q_conv2d(draw: st.DrawFn) -> Case:
    window = draw(windows(dilates=False))
    c, o = draw(sizes(9) | st.sampled_from((4, 8))), draw(sizes(13))
    h, w = draw(window_inputs(window))
    n, is_channels_first = draw(sizes(2)), draw(st.booleans())
    x = draw(stored((n, c, h, w) if is_channels_first else (n, h, w, c)))
    kernel = draw(weights((o, *window.kernel, c), 0))
    output = draw(requantisations())
    op = QConv2d(window, 1, is_channels_first, output, draw(zero_points()))
    return Case(op, (x, *draw(operands(kernel, 0, 0, output.rounding))))


@st.composite
def q_depthwise(draw: st.DrawFn) -> Case:
    window = draw(windows(dilates=False))
    c = draw(sizes(13))
    h, w = draw(window_inputs(window))
    x = draw(stored((draw(sizes(2)), h, w, c)))
    kernel = draw(weights((*window.kernel, c), 2))
    output = draw(requantisations())
    op = QDepthwiseConv2d(window, output, draw(zero_points()))
    return Case(op, (x, *draw(operands(kernel, 0, 2, output.rounding))))


@st.composite
def q_dense(draw: st.DrawFn) -> Case:
    leading = draw(st.sampled_from(((), (1,), (1,), (3,), (2, 3))))
    k, o = draw(sizes(70) | st.integers(128, 300)), draw(sizes(20))
    x = draw(stored((*leading, k)))
    kernel = draw(weights((o, k), 0))
    output = draw(requantisations())
    return Case(QDense(output), (x, *draw(operands(kernel, 0, 0, output.rounding))))


SYMMETRIC: dict[type[Op], st.SearchStrategy[Case]] = {
    QConv2d: q_conv2d(),
    QDepthwiseConv2d: q_depthwise(),
    QDense: q_dense(),
}
