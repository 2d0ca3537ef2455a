"""Integer softmax: close to the real one, defined for every row that it accepts."""

import numpy as np
import pytest

from tilewright.ir.types import DType, TensorType
from tilewright.ops.softmax_tflite import QSoftmax, exp_table


def test_results_are_within_one_step_of_the_real_softmax() -> None:
    rng = np.random.default_rng(3)
    for scale in (0.02, 0.17, 1.0):
        x = rng.integers(-128, 128, (50, 12)).astype(np.int8)
        e = np.exp(scale * (x.astype(float) - x.max(axis=-1, keepdims=True)))
        real = e / e.sum(axis=-1, keepdims=True)
        ours = (QSoftmax().evaluate(x, exp_table(1.0, scale)).astype(float) + 128) / 256
        assert np.abs(ours - np.minimum(real, 255 / 256)).max() <= 1 / 256


def test_even_rows_of_equal_elements_share_alike() -> None:
    for length, share in ((1, 127), (2, 0), (256, -127), (511, -127), (2048, -128)):
        x = np.full((1, length), 17, np.int8)
        y = QSoftmax().evaluate(x, exp_table(1.0, 0.1))
        assert set(y.ravel().tolist()) == {share}


def test_the_table_ends_where_the_argument_leaves_its_range() -> None:
    table = exp_table(1.0, 1.0)
    assert (table[:16] > 0).all()
    assert (table[16:] == 0).all()
    assert (np.diff(table.astype(np.int64)) <= 0).all()


def test_rows_that_overflow_the_sum_are_refused() -> None:
    table = TensorType(DType.S32, (256,))
    with pytest.raises(ValueError, match="at most 4095 elements fit"):
        QSoftmax().infer(TensorType(DType.S8, (1, 4096)), table)


def test_a_scale_that_vanishes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"is below 2\*\*-26"):
        exp_table(1.0, 2.0**-28)
