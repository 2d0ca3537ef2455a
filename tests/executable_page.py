"""Runs a Markdown page: the code that it shows is the code that a test executes.

The word behind the fence says what happens to a block, in order, in one folder:

```` ```sh ````            run by ``sh -e``
```` ```text ````          what the ``sh`` block before it prints; ``...`` stands for anything
```` ```c main.c ````      any language with a path: written to that file
```` ```diff ````          applied with ``git apply``

Other blocks are for reading only.
"""

import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block: language, path (or ""), text, and where the text starts in the page."""

    language: str
    path: str
    text: str
    start: int


def blocks(page: str) -> Iterator[Block]:
    for match in FENCE.finditer(page):
        yield Block(match[1], match[2] or "", match[3], match.start(3))


def agrees(expected: str, printed: str) -> bool:
    """Equal but for blanks at line ends and what ``...`` stands for."""
    pattern = ".*?".join(re.escape(part) for part in _trimmed(expected).split("..."))
    return re.fullmatch(pattern, _trimmed(printed), re.DOTALL) is not None


def renewed(expected: str, printed: str) -> str:
    """What is printed now; lines that an expected line with ``...`` stands for keep that form."""
    loose = [line for line in expected.splitlines() if "..." in line]
    lines = _trimmed(printed).splitlines()
    return "".join(f"{next((w for w in loose if agrees(w, line)), line)}\n" for line in lines)


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


PROGRESS = re.compile(r"^tilewright: (?!error).* \.\.\.\n", re.MULTILINE)
"""What a command says that takes more than two seconds, as it may on a busy machine."""


@dataclass
class Runner:
    """Executes blocks in ``folder``; ``printed`` is what the last ``sh`` block said."""

    folder: Path
    printed: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def shell(self, script: str) -> None:
        path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-ec", script],
            cwd=self.folder, capture_output=True, text=True, check=False,
            env=os.environ | {"PATH": path, "COLUMNS": "100", "NO_COLOR": "1"} | self.environment,
        )  # fmt: skip
        assert done.returncode == 0, f"$ {script}\n{done.stdout}{done.stderr}"
        self.printed = PROGRESS.sub("", done.stdout)

    def apply(self, diff: str) -> None:
        if shutil.which("git") is None:
            pytest.skip("git is not installed: it applies the page's diffs")
        done = subprocess.run(
            ["git", "apply", "--unidiff-zero", "--recount", "-"],
            cwd=self.folder, input=diff, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{diff}\n{done.stderr}"

    def run(self, block: Block) -> None:
        match block:
            case Block(language="sh", path=""):
                self.shell(block.text)
            case Block(language="diff"):
                self.apply(block.text)
            case Block(path=path) if path:
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / path).write_text(block.text)
            case _:
                pass


def run_page(page: Path, runner: Runner, *, update: bool) -> None:
    """Execute a page; ``update`` rewrites printed text that has changed instead of failing."""
    text = page.read_text()
    changes: list[tuple[Block, str]] = []
    executed = 0
    for block in blocks(text):
        if block.language != "text":
            runner.run(block)
            executed += block.language == "sh"
        elif not agrees(block.text, runner.printed):
            changes.append((block, renewed(block.text, runner.printed)))
    assert executed, f"{page} shows no command"
    if update:
        for block, printed in reversed(changes):
            text = text[: block.start] + printed + text[block.start + len(block.text) :]
        page.write_text(text)
        return
    for block, printed in changes:
        assert printed == block.text, f"{page.name} shows another output"
