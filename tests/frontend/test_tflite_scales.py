"""Where the reference rounds products and ratios of scales to float32, and where it does not.

The two differ by 2**-24 of a multiplier, which random values almost never show; so each case is
searched for accumulators that tell them apart.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tflite_models import Operator, Tensor, build, constant, differences, lowered
from tilewright.ir.types import Array
from tilewright.ops.rescale import Rounding, fixed_point, rescale

LEVELS = np.arange(1, 120)


def by_two_roundings(acc: Array, scale: float) -> Array:
    point = fixed_point(scale, Rounding.DOUBLE)
    return rescale(acc, point.multiplier, point.shift, Rounding.DOUBLE)


def by_one_rounding(acc: Array, scale: float) -> Array:
    return np.floor(acc * scale + 0.5)


def in_float32(x: float, w: float) -> float:
    return float(np.float32(x) * np.float32(w))


def drawn_scales(rng: np.random.Generator, low: float, high: float) -> tuple[float, float, float]:
    """x, w and y with an x * w / y between exp(-high) and exp(-low)."""
    x, w = (float(np.float32(np.exp(rng.uniform(-6, -3)))) for _ in range(2))
    return x, w, float(np.float32(x * w * np.exp(rng.uniform(low, high))))


def telling_accumulators(kind: str) -> Iterator[tuple[tuple[float, float, float], Array]]:
    """Scales, and accumulators that a float32 product of x and w rescales to another level."""
    rescaled = by_one_rounding if kind == "FULLY_CONNECTED" else by_two_roundings
    rng = np.random.default_rng(5)
    while True:
        x, w, y = drawn_scales(rng, 6, 9)
        near = ((LEVELS - 0.5) * y / (x * w)).astype(np.int64)[:, None] + np.arange(-3, 4)
        acc = near.ravel()
        told = rescaled(acc, in_float32(x, w) / y) != rescaled(acc, x * w / y)
        if told.any():
            yield (x, w, y), acc[told]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_layers_multiply_scales_as_litert_does(kind: str, dtype: str, tmp_path: Path) -> None:
    form, shape, options, fields = {
        "CONV_2D": ((6, 1, 1, 6), (1, 1, 1, 6), "Conv2DOptions", {"strideH": 1, "strideW": 1}),
        "DEPTHWISE_CONV_2D": (
            (1, 1, 1, 6), (1, 1, 1, 6), "DepthwiseConv2DOptions",
            {"strideH": 1, "strideW": 1, "depthMultiplier": 1},
        ),
        "FULLY_CONNECTED": ((6, 6), (1, 6), "FullyConnectedOptions", {}),
    }[kind]  # fmt: skip
    zero = int(np.iinfo(dtype).min)
    cases = telling_accumulators(kind)
    for _ in range(10):
        (x, w, y), acc = next(cases)
        tensors = [
            Tensor("x", dtype, shape, (x,), (0,)),
            # Weights of zero make the bias the accumulator.
            Tensor("w", dtype, form, (w,), (0,), 3 if form[0] == 1 else 0, np.zeros(form, dtype)),
            constant("b", np.resize(acc, 6).astype(np.int32), (in_float32(x, w),)),
            Tensor("y", dtype, shape, (y,), (zero,)),
        ]
        operator = Operator(kind, ["x", "w", "b"], "y", options, fields)
        model = build(tensors, [operator], ["x"], ["y"])
        x_stored = np.zeros(shape, dtype)
        assert differences(lowered(model, tmp_path), model, {"x": x_stored}) == {}


def test_products_divide_scales_as_litert_does(tmp_path: Path) -> None:
    a, b = (m.ravel() for m in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)))
    rng = np.random.default_rng(5)
    shown = 0
    while shown < 10:
        a_scale, b_scale, y_scale = drawn_scales(rng, 4, 7)
        single = float(np.float32(in_float32(a_scale, b_scale)) / np.float32(y_scale))
        told = by_two_roundings(a * b, single) != by_two_roundings(
            a * b, a_scale * b_scale / y_scale
        )
        if not told.any():
            continue
        shown += 1
        inputs = {"a": a[told].astype(np.int8), "b": b[told].astype(np.int8)}
        tensors = [
            Tensor("a", "int8", inputs["a"].shape, (a_scale,), (0,)),
            Tensor("b", "int8", inputs["b"].shape, (b_scale,), (0,)),
            Tensor("y", "int8", inputs["a"].shape, (y_scale,), (0,)),
        ]
        operator = Operator("MUL", ["a", "b"], "y", "MulOptions")
        model = build(tensors, [operator], ["a", "b"], ["y"])
        assert differences(lowered(model, tmp_path), model, inputs) == {}
