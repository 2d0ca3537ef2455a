"""Fixed-point functions of the tflite contract against real arithmetic."""

import numpy as np

from tilewright.ops.fixed_tflite import exp_on_negative_values, reciprocal_of_one_plus
from tilewright.ops.rescale import INT32_MAX


def test_the_exponential_is_exact_to_seven_digits() -> None:
    a = -np.linspace(0, 31, 10001)
    raw = np.round(a * 2**26).astype(np.int64)
    ours = exp_on_negative_values(raw) / 2**31
    assert np.abs(ours - np.exp(raw / 2**26)).max() < 5e-7


def test_the_exponential_of_zero_is_one() -> None:
    assert exp_on_negative_values(np.zeros(1, np.int64)).tolist() == [INT32_MAX]


def test_the_reciprocal_is_exact_to_eight_digits() -> None:
    raw = np.linspace(0, INT32_MAX, 10001).astype(np.int64)
    ours = reciprocal_of_one_plus(raw) / 2**31
    assert np.abs(ours - 1 / (1 + raw / 2**31)).max() < 1e-8
