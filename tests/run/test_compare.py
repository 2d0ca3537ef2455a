"""Comparisons keep or break promises, and name the first element that breaks one."""

import numpy as np
import pytest

from tilewright.run.compare import Comparison, Pair, Tolerance, agreement, compare


def compared(left: object, right: object, tolerance: Tolerance) -> Comparison:
    pair = Pair("conv", "y", np.asarray(left), np.asarray(right))
    return compare(("ours", "theirs"), "every layer", [pair], tolerance)


def test_equal_arrays_keep_every_promise() -> None:
    result = compared(np.int8([1, 2]), np.int8([1, 2]), Tolerance.EXACT)
    assert result.holds
    assert (result.tensors, result.elements, result.differing, result.largest) == (1, 2, 0, 0.0)


def test_the_first_difference_is_named_with_index_and_both_values() -> None:
    result = compared(np.int8([[1, 2], [3, 4]]), np.int8([[1, 2], [5, 0]]), Tolerance.EXACT)
    assert result.first is not None
    assert (result.first.node, result.first.tensor) == ("conv", "y")
    assert (result.first.index, result.first.left, result.first.right) == ((1, 0), 3.0, 5.0)
    assert (result.differing, result.largest) == (2, 4.0)


def test_int8_extremes_differ_by_255_not_by_a_wrapped_number() -> None:
    assert compared(np.int8([-128]), np.int8([127]), Tolerance.EXACT).largest == 255.0


@pytest.mark.parametrize(("step", "holds"), [(1, True), (2, False)])
def test_one_step_allows_one(step: int, holds: bool) -> None:
    assert compared(np.int8([7]), np.int8([7 + step]), Tolerance.ONE_STEP).holds is holds


def test_reported_differences_never_break_a_promise() -> None:
    result = compared(np.int8([0]), np.int8([100]), Tolerance.REPORTED)
    assert result.holds
    assert result.differing == 1


@pytest.mark.parametrize(
    ("left", "right", "holds"),
    [
        (1.00019, 1.0, True),
        (1.00021, 1.0, False),
        (0.00009, 0.0, True),
        (np.nan, np.nan, False),
        (np.inf, np.inf, True),
        (np.inf, 1.0, False),
    ],
)
def test_real_numbers_have_an_absolute_and_a_relative_tolerance(
    left: float, right: float, holds: bool
) -> None:
    assert compared(np.float32([left]), np.float32([right]), Tolerance.EXACT).holds is holds


@pytest.mark.parametrize(
    ("kinds", "tolerance", "said"),
    [
        (("int8",), Tolerance.EXACT, "equal"),
        (("float32",), Tolerance.EXACT, "within 1e-4"),
        (("int8", "float32"), Tolerance.ONE_STEP, "within 1 / 1e-4"),
        (("float32",), Tolerance.REPORTED, "reported"),
    ],
)
def test_a_promise_names_what_it_is_about(
    kinds: tuple[str, ...], tolerance: Tolerance, said: str
) -> None:
    pairs = [Pair("n", "t", np.zeros(2, kind), np.zeros(2, kind)) for kind in kinds]
    assert compare(("l", "r"), "layers", pairs, tolerance).promise == said


def test_different_shapes_break_every_promise() -> None:
    result = compared(np.zeros((2, 3)), np.zeros((3, 2)), Tolerance.REPORTED)
    assert result.first is not None
    assert "shape [2, 3] against [3, 2]" in result.first.tensor


def test_the_first_pair_that_differs_is_the_one_that_is_named() -> None:
    pairs = [
        Pair("first", "a", np.int8([1]), np.int8([1])),
        Pair("second", "b", np.int8([1]), np.int8([2])),
        Pair("third", "c", np.int8([1]), np.int8([9])),
    ]
    result = compare(("l", "r"), "every layer", pairs, Tolerance.EXACT)
    assert result.first is not None
    assert result.first.node == "second"


def test_agreement_counts_equal_winners_and_measures_the_difference() -> None:
    """With zero point 10: signals 0, 10 and 10, 0; differences 0, 1 and 8, 4."""
    pairs = [
        Pair("output", "y", np.int8([10, 21]), np.int8([10, 20])),
        Pair("output", "y", np.int8([12, 14]), np.int8([20, 10])),
    ]
    found = agreement("y", pairs, zero_point=10)
    assert (found.output, found.inferences, found.same_top) == ("y", 2, 1)
    assert found.sqnr_db == pytest.approx(10 * np.log10(200 / (1 + 64 + 16)))


def test_equal_outputs_have_no_difference_to_measure() -> None:
    pair = Pair("output", "y", np.int8([1, 2]), np.int8([1, 2]))
    assert agreement("y", [pair], zero_point=0).sqnr_db == np.inf
