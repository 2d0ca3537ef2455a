"""Drawn tensors, windows and scales for one-operator .tflite files, and their comparison."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import strategies as st

from tflite_models import Operator, Tensor, build, differences, lowered
from tilewright.ir.types import Array, Shape

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 7)


def a_scale(low: float = 2e-3, high: float = 3.0) -> st.SearchStrategy[float]:
    """float32 scales, spread evenly over their logarithm; some are powers of two: ties occur."""
    any_scale = st.floats(np.log(low), np.log(high)).map(lambda x: float(np.float32(np.exp(x))))
    return st.one_of(any_scale, st.sampled_from([0.5**k for k in range(8) if low <= 0.5**k]))


@st.composite
def activation(draw: st.DrawFn, name: str, shape: Shape, dtype: str = "int8") -> Tensor:
    info = np.iinfo(dtype)
    zero = draw(st.integers(int(info.min), int(info.max)))
    return Tensor(name, dtype, shape, (draw(a_scale()),), (zero,))


def stored(t: Tensor, seed: int) -> Array:
    """Random stored values, or reals for a float tensor."""
    rng = np.random.default_rng(seed)
    if t.dtype == "float32":
        return (rng.standard_normal(t.shape) * 3).astype(np.float32)
    info = np.iinfo(t.dtype)
    return rng.integers(int(info.min), int(info.max) + 1, t.shape).astype(t.dtype)


def compare(
    inputs: list[Tensor], constants: list[Tensor], operator: Operator, y: Tensor, seed: int
) -> None:
    """Assert that the one operator makes the bytes that LiteRT makes."""
    names = [t.name for t in inputs]
    model = build([*inputs, *constants, y], [operator], names, [y.name])
    with TemporaryDirectory() as folder:
        graph = lowered(model, Path(folder))
    arrays = {t.name: stored(t, seed + i) for i, t in enumerate(inputs)}
    assert differences(graph, model, arrays) == {}
    assert graph.notes == ()


def weights(seed: int, shape: Shape) -> Array:
    return np.random.default_rng(seed).integers(-127, 128, shape).astype(np.int8)


def same(size: int, stride: int) -> int:
    return -(-size // stride)


def valid(size: int, extent: int, stride: int) -> int:
    return (size - extent) // stride + 1


@st.composite
def geometry(draw: st.DrawFn) -> tuple[dict[str, int], tuple[int, int], Shape]:
    """Window options, kernel and input height and width; the window fits at least once."""
    kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    spatial = (extent[0] + draw(st.integers(0, 6)), extent[1] + draw(st.integers(0, 6)))
    options = {
        "padding": draw(st.sampled_from((0, 1))),
        "strideH": draw(st.integers(1, 3)),
        "strideW": draw(st.integers(1, 3)),
        "dilationHFactor": dilation[0],
        "dilationWFactor": dilation[1],
    }
    return options, kernel, spatial


def output_hw(options: dict[str, int], kernel: tuple[int, int], spatial: Shape) -> Shape:
    out: list[int] = []
    for axis, letter in enumerate("HW"):
        stride = options[f"stride{letter}"]
        extent = (kernel[axis] - 1) * options.get(f"dilation{letter}Factor", 1) + 1
        is_same = options["padding"] == 0
        out.append(same(spatial[axis], stride) if is_same else valid(spatial[axis], extent, stride))
    return tuple(out)


@st.composite
def channel_scales(draw: st.DrawFn, channels: int) -> tuple[float, ...]:
    """Weight scales: one, or one per channel."""
    count = draw(st.sampled_from((1, channels)))
    return tuple(draw(a_scale(1e-3, 0.05)) for _ in range(count))
