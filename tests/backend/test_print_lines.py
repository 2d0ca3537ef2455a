"""Lines of generated C stay short, and wrapping them changes comments only."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tilewright.backend.print_lines import WIDTH, fitted, in_words

WORDS = st.lists(
    st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=120),
    min_size=1,
    max_size=30,
).map(" ".join)


def without_comments(text: str) -> str:
    return "\n".join(code for line in text.splitlines() if (code := line.split("//")[0].strip()))


@settings(derandomize=True, deadline=None)
@given(code=st.sampled_from(["", "  ", "  int8_t *x; ", "enum { "]), words=WORDS)
def test_lines_with_comments_are_at_most_as_wide_as_the_page(code: str, words: str):
    text = f"{code}// {words}\n"
    wrapped = fitted(text)
    assert all(len(line) <= WIDTH for line in wrapped.splitlines())
    assert without_comments(wrapped) == without_comments(text)
    said = re.sub(r"\s|//", "", words)
    assert re.sub(r"\s|//", "", wrapped) == re.sub(r"\s", "", code) + said or code.strip()


def test_a_short_line_is_kept_as_it_is():
    text = "  x = y; // why\n\n// what\n#include <a.h>\n"
    assert fitted(text) == text


def test_a_long_comment_behind_code_goes_above_it():
    first, second, code = fitted(f"  int8_t *x; // [1][3] {'tensor ' * 20}\n").splitlines()
    assert first.startswith("  // [1][3] tensor tensor ")
    assert second.startswith("  //   tensor ")
    assert code == "  int8_t *x;"


def test_a_name_without_spaces_begins_on_the_line_that_announces_it():
    first, second = fitted("//   tensor  " + "layer/" * 20 + "\n").splitlines()
    assert first.startswith("//   tensor  layer/layer/")
    assert second.startswith("//     ")


def test_no_name_continues_a_comment_on_the_next_line():
    assert in_words("a\nb\\") == "a_b_"
    assert in_words("a??/") == "a__/"
    assert in_words("model/größe") == "model/größe"
