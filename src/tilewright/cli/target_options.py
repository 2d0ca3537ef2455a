"""Options that a target brings: known once the command line names it, see ``Target.options``."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tilewright.cli.parser import CommandLine
from tilewright.errors import TilewrightError

if TYPE_CHECKING:
    from tilewright.ir.target import Target


def add_target_options(line: CommandLine, words: Sequence[str]) -> None:
    """Give every command that takes a target the options of the one that ``words`` name.

    A target that cannot be loaded adds none: the command itself says why.
    """
    name = _named_target(words)
    if name is None:
        return
    from tilewright.pipeline import load_target

    try:
        options = load_target(name).options
    except TilewrightError:
        return
    for parser in line.commands.values():
        if parser.get_default("target") is None:
            continue
        group = parser.add_argument_group(f"options of target {name}")
        for option in options:
            group.add_argument(
                f"--{option.name}", metavar=option.metavar, help=option.summary,
                dest=_destination(option.name),
            )  # fmt: skip


def with_target_options(target: "Target", arguments: argparse.Namespace) -> "Target":
    """``target`` as its own options ask for it. Raises OptionError for a wrong value."""
    for option in target.options:
        value = getattr(arguments, _destination(option.name), None)
        if value is not None:
            target = option.apply(target, value)
    return target


def _named_target(words: Sequence[str]) -> str | None:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--target")
    try:
        return parser.parse_known_args(words)[0].target
    except SystemExit:  # no name behind it: the command's own parser says so
        return None


def _destination(name: str) -> str:
    return f"target_option_{name}"
