"""Constants read back from C as the same bits."""

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tilewright.backend.print_constants import c_float, print_array


@settings(derandomize=True, deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_reads_back_as_the_same_bits(value: float) -> None:
    text = c_float(value)
    assert re.fullmatch(r"-?[0-9.]+(e[+-][0-9]+)?f", text)
    assert np.float32(text[:-1]).tobytes() == np.float32(value).tobytes()


def test_infinities_are_named() -> None:
    assert (c_float(float("inf")), c_float(float("-inf"))) == ("INFINITY", "-INFINITY")


@settings(derandomize=True, deadline=None)
@given(arrays(np.int32, st.integers(1, 40), elements=st.integers(-(2**31), 2**31 - 1)))
def test_an_array_lists_every_element_in_order(array: np.ndarray) -> None:
    text = print_array("t", array, "a comment")
    body = text[text.index("{") + 1 : text.index("}")].replace("INT32_MIN", str(-(2**31)))
    assert [int(word) for word in body.split(",") if word.strip()] == array.tolist()
    assert max(map(len, text.splitlines())) <= 100
    assert f"const int32_t t[{array.size}]" in text
