"""docs/reference/cli.md says what the program says."""

import shlex
from pathlib import Path

from tilewright.cli.parser import COMMANDS, build_parser
from tilewright.cli.reference import reference_text

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference_text(), (
        "run: python -m tilewright.cli.reference > docs/reference/cli.md"
    )


def test_every_command_has_examples_that_parse() -> None:
    line = build_parser()
    for command in COMMANDS:
        assert command.examples
        for example in command.examples:
            words = shlex.split(example)
            assert words[:2] == ["tilewright", command.name]
            assert line.parser.parse_args(words[1:]).command == command.name


def test_help_is_at_most_100_columns_wide() -> None:
    line = build_parser()
    for parser in (line.parser, *line.commands.values()):
        assert max(map(len, parser.format_help().splitlines())) <= 100
