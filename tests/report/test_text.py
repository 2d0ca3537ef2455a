"""Sizes and counts as people read them."""

import pytest

from tilewright.report.text import count_text, percent_text, size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"), (768, "768 B"), (8_384, "8,384 B"), (33_296, "33,296 B (32.5 KiB)"),
        (3_145_728, "3,145,728 B (3.0 MiB)"), (None, "unlimited"),
    ],
)  # fmt: skip
def test_sizes_are_exact_and_rounded_where_they_are_long(size: int | None, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (950, "950"), (12_500, "12.5 k"), (3_813_290, "3.81 M")]
)
def test_counts_have_three_figures(number: int, text: str) -> None:
    assert count_text(number) == text


def test_a_share_of_nothing_is_a_dash() -> None:
    assert percent_text(1, 4) == "25.0 %"
    assert percent_text(0, 0) == "-"
