"""A parser that names the command or option that was probably meant."""

import argparse
import re
from typing import NoReturn

from tilewright.errors import did_you_mean


class NearParser(argparse.ArgumentParser):
    """argparse's parser, with the nearest word in messages about words that it does not know."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and leave with exit code 2."""
        choice = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        near = ""
        if choice is not None:
            near = did_you_mean(choice.group(1), re.findall(r"[\w-]+", choice.group(2)))
        super().error(f"{message}{near}")

    def refuse(self, unknown: list[str]) -> NoReturn:
        """Say that these words are no options of this command."""
        known = set(re.findall(r"--?[a-z][a-z-]*", self.format_help()))
        near = did_you_mean(unknown[0].partition("=")[0], known)
        self.error(f"unrecognized arguments: {' '.join(unknown)}{near}")
