"""Constants read back from C as the same bits."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tilewright.backend.print_constants import (
    c_float,
    declaration,
    elements,
    print_array,
    stored_bytes,
)

MOST_CHARACTERS = 3
"""Per byte of a long array."""


def numbers_of(text: str) -> list[str]:
    body = text[text.rindex("{") + 1 : text.rindex("}")]
    return [word for word in re.sub(r"\s|}", "", body).split(",") if word]


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
    numbers = [int(word.replace("INT32_MIN", str(-(2**31)))) for word in numbers_of(text)]
    assert numbers == array.tolist()
    assert max(map(len, text.splitlines())) <= 100
    assert f"const int32_t t[{array.size}]" in text
    assert declaration("t", array) == f"extern const int32_t t[{array.size}];"


@settings(derandomize=True, deadline=None)
@given(arrays(np.float32, st.integers(1, 40), elements=st.floats(width=32, allow_infinity=False)))
def test_an_array_of_floats_reads_back_as_the_same_bits(array: np.ndarray) -> None:
    array = np.nan_to_num(array)
    text = print_array("t", array, "a comment")
    back = np.array([np.float32(word.removesuffix("f")) for word in numbers_of(text)])
    assert back.astype(np.float32).tobytes() == array.tobytes()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("size", [1, 3, 4, 1000, 1001])
def test_bytes_are_words_of_the_same_bytes_filled_up_with_zeros(dtype: type, size: int) -> None:
    array = np.random.default_rng(size).integers(-128, 128, size).astype(dtype)
    text = print_array("t", array, "a comment")
    words = np.array([int(word, 16) for word in numbers_of(text)], "<u4").tobytes()
    assert words[:size] == array.tobytes()
    assert not any(words[size:])
    assert len(words) == stored_bytes(array) < size + 4
    short = "s8" if dtype is np.int8 else "u8"
    assert elements("t", array) == f"t.{short}"
    assert f"{np.dtype(dtype)}_t {short}[{size}];" in declaration("t", array)


@pytest.mark.parametrize(
    "array",
    [
        np.random.default_rng(0).integers(-128, 128, 10_000).astype(np.int8),
        np.random.default_rng(0).integers(2**30, 2**31, 10_000).astype(np.int32),
        np.random.default_rng(0).integers(-100_000, 100_000, 10_000).astype(np.int32),
    ],
    ids=["weights", "multipliers", "biases"],
)
def test_a_byte_takes_at_most_three_characters(array: np.ndarray) -> None:
    assert len(print_array("t", array, "a comment")) <= MOST_CHARACTERS * array.nbytes
