"""Numbers that differ from tile to tile, as C: the text gives back the numbers."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilewright.backend.print_tiles import Tables
from tilewright.ir.index import column

drawn = settings(derandomize=True, deadline=None, max_examples=300)


def python(c: str) -> str:
    """The subset of C that is printed, for Python."""
    text = re.sub(
        r"\(([^()]*(?:\([^()]*\))?[^()]*) \? (-?\d+) : (-?\d+)\)", r"(\2 if \1 else \3)", c
    )
    return text.replace("/", "//")


@st.composite
def nested(draw: st.DrawFn) -> tuple[int, ...]:
    """What loops in loops make: repeated, held, or neither."""
    steps = draw(st.integers(-3, 3))
    inner = tuple(draw(st.integers(-5, 5)) + steps * i for i in range(draw(st.integers(1, 6))))
    ends = st.sampled_from((inner, (0, *[1] * 3), (0, 0, 0, 1), (1, 0, 0)))
    inner = draw(ends)
    times, outer = draw(st.integers(1, 4)), draw(st.integers(-30, 30))
    held = tuple(v for v in inner for _ in range(times))
    both = tuple(v + outer * i for i in range(times) for v in inner)
    return draw(st.sampled_from((inner * times, held, both)))


@drawn
@given(nested())
def test_a_number_is_what_the_text_says(values: tuple[int, ...]):
    tables = Tables("layer")
    text = tables.number(column(values), "number")
    known = {f"{name}": list(numbers) for (_, numbers), name in tables.names.items()}
    made = [eval(python(text), {**known, "tile": tile}) for tile in range(len(values))]
    assert made == list(values)


@drawn
@given(nested().map(lambda values: tuple(int(v > 0) for v in values)))
def test_a_condition_is_what_the_text_says(values: tuple[int, ...]):
    tables = Tables("layer")
    text = tables.condition(column(values))
    if text is None:
        assert len(set(values)) == 1
        return
    known = {f"{name}": list(numbers) for (_, numbers), name in tables.names.items()}
    made = [bool(eval(python(text), {**known, "tile": tile})) for tile in range(len(values))]
    assert made == [bool(v) for v in values]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0, 4, 8, 0, 4, 8), "(4 * (tile % 3))"),
        ((0, 0, 4, 4, 8, 8), "(4 * (tile / 2))"),
        ((0, 1, 1, 0, 1, 1), "((tile % 3) == 0 ? 0 : 1)"),
        ((1, 3, 5, 31, 33, 35), "(1 + 30 * (tile / 3) + 2 * (tile % 3))"),
        ((7, 7, 7, 5), "(tile == 3 ? 5 : 7)"),
    ],
)
def test_loops_in_loops_need_no_table(values: tuple[int, ...], text: str):
    assert Tables("layer").number(column(values), "number") == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0, 0, 1, 0, 0, 1), "tile % 3 == 2"),
        ((0, 0, 0, 1), "tile == 3"),
        ((1, 0, 1, 0), "tile % 2 == 0"),
        ((0, 1, 1, 0, 1, 1), "tile % 3 > 0"),
    ],
)
def test_conditions_of_loops_in_loops(values: tuple[int, ...], text: str):
    assert Tables("layer").condition(column(values)) == text
