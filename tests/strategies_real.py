"""Drawn cases for operators with real-number meaning, and for the borders to stored integers."""

from math import inf

import numpy as np
from hypothesis import strategies as st

from case import Case, real, seeds, shapes, sizes, stored, window_inputs, windows
from tilewright.ir.op import Op
from tilewright.ir.types import Array, DType, Shape
from tilewright.ops.conv2d import Conv2d, DepthwiseConv2d
from tilewright.ops.curves import Curve
from tilewright.ops.dense import Dense
from tilewright.ops.elementwise import Activation, Add, BatchNorm, Clip, Mul
from tilewright.ops.pool2d import AveragePool2d
from tilewright.ops.quantise import Dequantize, Quantize
from tilewright.ops.reduce import Mean
from tilewright.ops.softmax import Softmax


def clips() -> st.SearchStrategy[tuple[float, float]]:
    return st.sampled_from(((-inf, inf), (-inf, inf), (0.0, inf), (0.0, 6.0), (-1.0, 1.0)))


@st.composite
def weights(draw: st.DrawFn, shape: Shape, depth: int) -> Array:
    """Scaled so that sums of ``depth`` products stay near 1: float32 sums are then accurate."""
    return draw(real(shape, 0.5 / np.sqrt(depth)))


@st.composite
def conv2d(draw: st.DrawFn) -> Case:
    window = draw(windows())
    groups = draw(st.sampled_from((1, 1, 1, 2, 3)))
    per_group, o = draw(sizes(6)), groups * draw(sizes(12))
    h, w = draw(window_inputs(window))
    n, is_channels_first = draw(sizes(2)), draw(st.booleans())
    c = per_group * groups
    x = draw(real((n, c, h, w) if is_channels_first else (n, h, w, c)))
    depth = per_group * window.kernel[0] * window.kernel[1]
    kernel = draw(weights((o, *window.kernel, per_group), depth))
    op = Conv2d(window, groups, is_channels_first, *draw(clips()))
    return Case(op, (x, kernel, draw(real((o,)))))


@st.composite
def depthwise(draw: st.DrawFn) -> Case:
    window = draw(windows())
    c, multiplier = draw(sizes(12)), draw(st.sampled_from((1, 1, 1, 2, 3)))
    h, w = draw(window_inputs(window))
    x = draw(real((draw(sizes(2)), h, w, c)))
    depth = window.kernel[0] * window.kernel[1]
    kernel = draw(weights((*window.kernel, c * multiplier), depth))
    op = DepthwiseConv2d(window, *draw(clips()))
    return Case(op, (x, kernel, draw(real((c * multiplier,)))))


@st.composite
def dense(draw: st.DrawFn) -> Case:
    leading = draw(st.sampled_from(((), (1,), (1,), (3,), (2, 3))))
    k, o = draw(sizes(40)), draw(sizes(20))
    x = draw(real((*leading, k)))
    return Case(Dense(*draw(clips())), (x, draw(weights((o, k), k)), draw(real((o,)))))


@st.composite
def operand_pairs(draw: st.DrawFn) -> tuple[Shape, Shape]:
    """Two shapes that broadcast: equal, with repeated dimensions on either side, or shorter."""
    shape = draw(shapes(1, 6)) if draw(st.booleans()) else draw(shapes())
    repeats = st.sampled_from((False, False, False, True))

    def side() -> Shape:
        own = tuple(1 if draw(repeats) else n for n in shape)
        return own[draw(st.sampled_from((0, 0, 0, len(own) // 2))) :]

    return side(), side()


@st.composite
def binary(draw: st.DrawFn, kind: type[Add] | type[Mul]) -> Case:
    a, b = draw(operand_pairs())
    return Case(kind(*draw(clips())), (draw(real(a)), draw(real(b))), varying=2)


@st.composite
def clip(draw: st.DrawFn) -> Case:
    return Case(Clip(*draw(clips())), (draw(real(draw(shapes()))),))


@st.composite
def activation(draw: st.DrawFn) -> Case:
    # Half of the draws are of the curves that a kernel of their own has.
    curve = draw(st.sampled_from(tuple(Curve)[:5]) | st.sampled_from(tuple(Curve)))
    x = draw(real(draw(shapes()), draw(st.sampled_from((1.0, 4.0, 60.0)))))
    # Beside a pole of tan nothing is well defined.
    x = np.clip(x, -1, 1) if curve is Curve.TAN else x
    return Case(Activation(curve, draw(st.floats(0, 1, width=32)), 0.5), (x,))


@st.composite
def batch_norm(draw: st.DrawFn) -> Case:
    shape = draw(shapes())
    scale, bias, mean = (draw(real(shape[-1:], 1.0)) for _ in range(3))
    variance = np.abs(draw(real(shape[-1:], 1.0))) + np.float32(0.1)
    return Case(BatchNorm(1e-3), (draw(real(shape)), scale, bias, mean, variance))


@st.composite
def average_pool2d(draw: st.DrawFn) -> Case:
    # The mean of a window that is all padding has no value: 0 / 0.
    window = draw(windows(1, dilates=False).filter(_touches_input))
    h, w = draw(window_inputs(window))
    x = draw(real((draw(sizes(2)), h, w, draw(sizes(20)))))
    return Case(AveragePool2d(window, draw(st.booleans())), (x,))


def _touches_input(window) -> bool:
    (kh, kw), (top, left, bottom, right) = window.kernel, window.pads
    return max(top, bottom) < kh and max(left, right) < kw


@st.composite
def axes(draw: st.DrawFn, rank: int) -> tuple[int, ...]:
    return tuple(sorted(draw(st.sets(st.integers(0, rank - 1), min_size=1))))


@st.composite
def mean(draw: st.DrawFn) -> Case:
    shape = draw(shapes())
    return Case(Mean(draw(axes(len(shape))), draw(st.booleans())), (draw(real(shape)),))


@st.composite
def softmax(draw: st.DrawFn) -> Case:
    beta = draw(st.sampled_from((1.0, 0.5, 2.0)))
    return Case(Softmax(beta), (draw(real(draw(shapes()), 5.0)),))


@st.composite
def scales(draw: st.DrawFn) -> float:
    """Scales as files store them: float32."""
    return float(np.float32(2.0 ** draw(st.floats(-12, 3))))


@st.composite
def quantize(draw: st.DrawFn) -> Case:
    """Values all over the range and beyond, half of them ties, some not finite."""
    scale, zero = draw(scales()), draw(st.integers(-128, 127))
    shape = draw(shapes())
    rng = np.random.default_rng(draw(seeds()))
    steps = np.where(
        rng.random(shape) < 0.5, rng.integers(-300, 300, shape) + 0.5, rng.normal(0, 100, shape)
    )
    x = (steps * scale).astype(np.float32)
    odd = draw(st.sampled_from((0.0, np.inf, -np.inf, np.nan, 3e38, 1e-45)))
    x.flat[0] = odd
    return Case(Quantize(scale, zero), (x,))


@st.composite
def dequantize(draw: st.DrawFn) -> Case:
    op = Dequantize(draw(scales()), draw(st.integers(-128, 127)))
    dtype = draw(st.sampled_from((DType.S8, DType.S16)))
    return Case(op, (draw(stored(draw(shapes()), dtype)),))


REAL: dict[type[Op], st.SearchStrategy[Case]] = {
    Conv2d: conv2d(),
    DepthwiseConv2d: depthwise(),
    Dense: dense(),
    Add: binary(Add),
    Mul: binary(Mul),
    Clip: clip(),
    Activation: activation(),
    BatchNorm: batch_norm(),
    AveragePool2d: average_pool2d(),
    Mean: mean(),
    Softmax: softmax(),
    Quantize: quantize(),
    Dequantize: dequantize(),
}
