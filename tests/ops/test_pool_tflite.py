"""Average pooling: which way halves go, for int8 and for uint8 that is stored minus 128."""

import numpy as np

from tilewright.ops.pool_tflite import QAveragePool2d
from tilewright.ops.window2d import Window2d

PAIR = Window2d((1, 2))


def test_halves_go_away_from_zero() -> None:
    x = np.array([[-2, -1], [1, 2], [0, -1], [127, 126]], np.int8).reshape(4, 1, 2, 1)
    assert QAveragePool2d(PAIR).evaluate(x).ravel().tolist() == [-2, 2, -1, 127]


def test_halves_of_uint8_values_go_up() -> None:
    x = np.array([[-2, -1], [1, 2], [0, -1], [127, 126]], np.int8).reshape(4, 1, 2, 1)
    assert QAveragePool2d(PAIR, offset=128).evaluate(x).ravel().tolist() == [-1, 2, 0, 127]


def test_padding_counts_for_nothing() -> None:
    x = np.full((1, 1, 1, 1), 90, np.int8)
    padded = Window2d((3, 3), pads=(1, 1, 1, 1))
    assert QAveragePool2d(padded).evaluate(x).ravel().tolist() == [90]
