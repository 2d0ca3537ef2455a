"""Names for C are short, valid and say where they come from."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilewright.backend.c_names import LONGEST, identifier


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("functional_1/conv2d/BiasAdd", "biasadd"),
        ("model/conv2d_1/Conv2D;model/relu", "relu"),
        ("serving_default_input:0", "t_0"),
        ("x.nhwc", "x_nhwc"),
        ("float", "t_float"),
        ("Größe", "gr_e"),
        ("", "tensor"),
        ("///", "tensor"),
    ],
)
def test_the_last_part_of_a_path_names_the_tensor(text: str, name: str) -> None:
    assert identifier(text) == name


@settings(derandomize=True, deadline=None)
@given(st.text())
def test_any_text_becomes_a_short_identifier(text: str) -> None:
    name = identifier(text)
    assert re.fullmatch(r"[a-z_][a-z0-9_]*", name)
    assert len(name) <= LONGEST + len("t_")
