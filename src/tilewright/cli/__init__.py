"""The command line: parse arguments, call the API, print. No decisions."""

from tilewright.cli.main import main

__all__ = ["main"]
