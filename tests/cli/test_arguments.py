"""Sizes, shapes and lists as people type them."""

import argparse
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digits import MODEL
from tilewright.cli.arguments import input_shape, memory_ranges, memory_sizes, positive, size
from tilewright.cli.main import main
from tilewright.cli.parser import build_parser


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4096", 4096), ("0", 0), ("12 B", 12), ("64kB", 64_000), ("32KiB", 32_768),
        ("1.5MiB", 1_572_864), ("2MB", 2_000_000), ("1gib", 1_073_741_824),
    ],
)  # fmt: skip
def test_sizes_have_units_of_1000_and_1024(text: str, count: int) -> None:
    assert size(text) == count


@pytest.mark.parametrize("text", ["", "KiB", "-4", "4 apples", "1e3", "0x10", "1.0001KiB", "32Ki"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=repr(text)):
        size(text)


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 2**40))
def test_plain_numbers_are_bytes(count: int) -> None:
    assert size(str(count)) == count


def test_a_wrong_argument_names_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parser.parse_args(["check", "x.onnx", "--memory", "ram=-5"])
    assert "\ntilewright check: error: argument --memory: '-5'" in capsys.readouterr().err


def test_memories_are_listed_with_commas() -> None:
    assert memory_sizes("ram=32KiB,flash=1MiB") == {"ram": 32_768, "flash": 1_048_576}


@pytest.mark.parametrize("text", ["ram", "=4", "ram=", "ram=4,flash"])
def test_a_memory_without_name_or_size_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="NAME=VALUE"):
        memory_sizes(text)


@pytest.mark.parametrize("parse", [memory_sizes, memory_ranges])
def test_a_memory_has_one_size(parse: Callable[[str], object]) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="gives ram two sizes; leave one out"):
        parse("ram=4KiB,L1=2KiB,ram=8KiB")


def test_a_shape_has_a_name_which_may_hold_an_equals_sign() -> None:
    assert input_shape("x=1,3,96,96") == ("x", (1, 3, 96, 96))
    assert input_shape("a=b=1,2") == ("a=b", (1, 2))


@pytest.mark.parametrize("text", ["x=", "x", "x=1,0", "x=1,,2", "x=one"])
def test_what_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="write it like x=1,3,96,96"):
        input_shape(text)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", ""])
def test_a_count_starts_at_one(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="1 or more"):
        positive(text)


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["inspec", "model.onnx"], "did you mean inspect?"),
        (["check", "model.onnx", "--memry", "ram=3"], "did you mean --memory?"),
        (["check", str(MODEL), "--target", "hst"], "did you mean host?"),
    ],
    ids=["command", "option", "target"],
)
def test_the_nearest_word_is_said(
    words: list[str], near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(words)
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert near in " ".join(capsys.readouterr().err.split())


def test_units_may_be_one_letter() -> None:
    assert [size(text) for text in ("16K", "1.5m", "2G")] == [16384, 3 << 19, 2 << 30]
