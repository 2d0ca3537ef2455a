"""From real numbers to int8: ties away from zero, and what is no number at all."""

import numpy as np

from tilewright.ops.quantise_tflite import QuantizeHalfAway


def test_ties_go_away_from_zero() -> None:
    x = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], np.float32)
    assert QuantizeHalfAway(1.0, 0).evaluate(x).tolist() == [-3, -2, -1, 1, 2, 3]


def test_numbers_just_below_a_tie_do_not_round_up() -> None:
    below = np.nextafter(np.float32(0.5), np.float32(0))
    assert QuantizeHalfAway(1.0, 0).evaluate(np.array([below, -below])).tolist() == [0, 0]


def test_what_is_no_number_becomes_the_zero_point_and_infinities_clip() -> None:
    x = np.array([np.nan, np.inf, -np.inf], np.float32)
    assert QuantizeHalfAway(0.1, -7).evaluate(x).tolist() == [-7, 127, -128]
