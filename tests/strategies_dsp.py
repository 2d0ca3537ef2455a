"""Drawn cases for the kernels of the pack for Arm's DSP extension: channels that have no weights,
and most often symmetric weights and windows without holes."""

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


WEIGHT_ZEROS = st.sampled_from((0, 0, 0, -128, 127)) | st.integers(-128, 127)


@st.composite
def q_conv2d(draw: st.DrawFn) -> Case:
    window = draw(windows(dilates=draw(st.sampled_from((False, False, True)))))
    groups = draw(st.sampled_from((1, 1, 1, 2, 3)))
    c, o = draw(sizes(9) | st.sampled_from((4, 8))), groups * draw(sizes(13 // groups))
    h, w = draw(window_inputs(window))
    n, is_channels_first = draw(sizes(2)), draw(st.booleans())
    c_all = c * groups
    x = draw(stored((n, c_all, h, w) if is_channels_first else (n, h, w, c_all)))
    kernel = draw(weights((o, *window.kernel, c), 0))
    output, w_zero = draw(requantisations()), draw(WEIGHT_ZEROS)
    op = QConv2d(window, groups, is_channels_first, output, draw(zero_points()), w_zero)
    return Case(op, (x, *draw(operands(kernel, w_zero, 0, output.rounding))))


@st.composite
def q_depthwise(draw: st.DrawFn) -> Case:
    window = draw(windows(dilates=draw(st.sampled_from((False, False, True)))))
    c, multiplier = draw(sizes(13)), draw(st.sampled_from((1, 1, 1, 2, 3, 4, 8)))
    h, w = draw(window_inputs(window))
    x = draw(stored((draw(sizes(2)), h, w, c)))
    kernel = draw(weights((*window.kernel, c * multiplier), 2))
    output, w_zero = draw(requantisations()), draw(WEIGHT_ZEROS)
    op = QDepthwiseConv2d(window, output, draw(zero_points()), w_zero)
    return Case(op, (x, *draw(operands(kernel, w_zero, 2, output.rounding))))


@st.composite
def q_dense(draw: st.DrawFn) -> Case:
    leading = draw(st.sampled_from(((), (1,), (1,), (3,), (2, 3))))
    k, o = draw(sizes(70) | st.integers(128, 300)), draw(sizes(20))
    x = draw(stored((*leading, k)))
    kernel = draw(weights((o, k), 0))
    output, w_zero = draw(requantisations()), draw(WEIGHT_ZEROS)
    return Case(QDense(output, w_zero), (x, *draw(operands(kernel, w_zero, 0, output.rounding))))


SYMMETRIC: dict[type[Op], st.SearchStrategy[Case]] = {
    QConv2d: q_conv2d(),
    QDepthwiseConv2d: q_depthwise(),
    QDense: q_dense(),
}
