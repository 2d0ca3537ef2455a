"""Generated C in lines of at most 100 characters, whatever a model file names things."""

import re
from collections.abc import Iterator
from textwrap import wrap

WIDTH = 100
LINE = 88
"""Characters of a line of code before it is indented."""

COMMENT = re.compile(r"(?P<code>.*?)(?P<slashes>///?)(?P<indent> *)(?P<words>.*)")


def fitted(text: str) -> str:
    """The same C in lines of the page's width: comments at the end of a line go above it, code is
    broken at spaces."""
    return "".join(f"{line}\n" for row in text.splitlines() for line in _lines(row))


def in_words(name: str) -> str:
    """A name of a model file as a comment may have it: on one line, ending no line with a \\."""
    return "".join(c if c.isprintable() and c != "\\" else "_" for c in name).replace("??/", "__/")


def _lines(row: str) -> Iterator[str]:
    found = COMMENT.fullmatch(row) if len(row) > WIDTH else None
    if found is None or '"' in found["code"]:
        yield from _broken(row)
        return
    code, words = found["code"], found["words"]
    margin = code if not code.strip() else code[: len(code) - len(code.lstrip())]
    start = margin + found["slashes"] + (found["indent"] if margin == code else " ")
    yield from wrap(
        words, WIDTH, initial_indent=start, subsequent_indent=start + "  ", break_on_hyphens=False
    )
    if margin != code:
        yield from _broken(code.rstrip())


def _broken(code: str) -> Iterator[str]:
    """Code in lines that are indented further; strings are left alone."""
    margin = code[: len(code) - len(code.lstrip())]
    while len(code) > WIDTH and '"' not in code:
        joint = " \\" if code.lstrip().startswith("#") else ""
        stop = code.rfind(" ", len(margin) + 4, WIDTH - len(joint) + 1)
        if stop <= len(margin) + 4:
            break  # one long word
        yield code[:stop] + joint
        code = f"{margin}    {code[stop + 1 :]}"
    yield code


def wrapped(head: str, parts: list[str], tail: str, between: str = ",") -> list[str]:
    """``head part, part tail`` in lines that begin below the first part."""
    lines = [head]
    for index, part in enumerate(parts):
        text = part + (tail if index == len(parts) - 1 else between)
        if len(lines[-1]) + 1 + len(text) > LINE and lines[-1].strip() and index:
            lines.append(" " * len(head) + text)
        else:
            lines[-1] += text if index == 0 else f" {text}"
    return lines
