"""Means rounded once, against real arithmetic on small examples."""

import numpy as np

from tilewright.ir.types import DType, TensorType
from tilewright.ops.pool_onnx import RescaledAveragePool2d, RescaledMean
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding, fixed_point
from tilewright.ops.window2d import Window2d

EVEN = Rounding.HALF_EVEN
PADDED = Window2d((3, 3), pads=(1, 1, 1, 1))


def scales(counts: range, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    points = [fixed_point(ratio / n, EVEN) for n in counts]
    multiplier = np.array([p.multiplier for p in points], np.int32)
    return multiplier, np.array([p.shift for p in points], np.int8)


def test_a_window_at_the_rim_is_divided_by_what_lies_inside():
    x = np.full((1, 2, 2, 1), 10, np.int8)
    op = RescaledAveragePool2d(
        Window2d((3, 3), pads=(1, 1, 1, 1)), x_zero=4, output=Requantise(EVEN)
    )
    y = op.evaluate(x, *scales(range(1, 10), 1.0))
    assert y.reshape(-1).tolist() == [6, 6, 6, 6]


def test_padding_counts_where_one_scale_serves_every_window():
    x = np.full((1, 2, 2, 1), 10, np.int8)
    op = RescaledAveragePool2d(
        Window2d((3, 3), pads=(1, 1, 1, 1)), x_zero=4, output=Requantise(EVEN)
    )
    y = op.evaluate(x, *scales(range(9, 10), 1.0))
    assert y.reshape(-1).tolist() == [round(4 * 6 / 9)] * 4


def test_a_window_that_is_all_padding_gives_the_zero_point():
    x = np.full((1, 1, 1, 1), 100, np.int8)
    window = Window2d((1, 1), pads=(1, 0, 0, 0))
    op = RescaledAveragePool2d(window, x_zero=4, output=Requantise(EVEN, zero=-9))
    assert op.evaluate(x, *scales(range(1, 2), 1.0)).reshape(-1).tolist() == [-9, 87]


def test_a_mean_rescales_and_moves_the_zero_point():
    x = np.arange(-12, 12, dtype=np.int8).reshape(1, 3, 4, 2)
    op = RescaledMean((1, 2), True, 2, fixed_point(3.0 / 12, EVEN), Requantise(EVEN, zero=1))
    exact = (x.astype(float).mean(axis=(1, 2), keepdims=True) - 2) * 3 + 1
    assert np.array_equal(op.evaluate(x), np.rint(exact).astype(np.int8))


def test_a_mean_may_drop_its_dimensions():
    op = RescaledMean((1,), False, 0, fixed_point(0.25, EVEN), Requantise(EVEN))
    assert op.infer(TensorType(DType.S8, (2, 4, 5))) == TensorType(DType.S8, (2, 5))
