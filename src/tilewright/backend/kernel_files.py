"""Kernels and runtime as a bundle has them: what the network calls, under names of its own."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from tilewright.backend.stage import RUNTIME
from tilewright.ir.program import Program
from tilewright.ir.target import Kernel

RUNTIME_HEADERS = ("tilewright.h", "tw_arithmetic.h")

_INCLUDED = re.compile(r'^#include "(.+)"$', re.MULTILINE)
_HEAD = r"^void (?P<symbol>\w+)\(const void \*args, tw_\w+ work\)"
_DECLARED = re.compile(rf"{_HEAD};$")
_DEFINED = re.compile(rf"\n(?:^//.*\n)*{_HEAD} \{{(?:.*\}}$|\n(?s:.*?)^\}}$)\n", re.MULTILINE)


def kernel_files(program: Program) -> dict[str, str]:
    """File name → text. A kernel stands in SYMBOL.c alone, whatever its pack has beside it.

    Symbols get the network's prefix, which lets two networks, even from two versions of Tilewright,
    link into one program.
    """
    kernels = list(dict.fromkeys(call.kernel for call in program.calls))
    symbols = {kernel.symbol for kernel in kernels}
    headers = list(dict.fromkeys(_headers(program, kernels)))
    names = header_names(headers)
    texts = {names[path]: _text(path, names, symbols) for path in headers}
    own = (*program.runtime, *program.parallel)
    texts |= {path.name: path.read_text(encoding="utf-8") for path in own}
    for kernel in kernels:
        texts[f"{kernel.symbol}.c"] = _text(kernel.source, names, {kernel.symbol})
    longest_first = sorted(symbols, key=len, reverse=True)
    words = re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})\b(?=\s*\()")
    return {name: words.sub(rf"{program.name}_\1", text) for name, text in texts.items()}


def kernel_headers(program: Program) -> list[str]:
    """Names in the bundle of the headers that declare the kernels."""
    kernels = list(dict.fromkeys(call.kernel for call in program.calls))
    names = header_names(list(dict.fromkeys(_headers(program, kernels))))
    return sorted({names[kernel.header] for kernel in kernels})


def header_names(headers: Sequence[Path]) -> dict[Path, str]:
    """Header → its name in a bundle: its own; where two packs have one of the same name, the later
    one's gets a number."""
    names: dict[Path, str] = {}
    for path in headers:
        same = sum(known.name == path.name for known in names)
        names[path] = f"{path.stem}_{same + 1}.h" if same else path.name
    return names


def _headers(program: Program, kernels: Sequence[Kernel]) -> Iterator[Path]:
    yield from (RUNTIME / header for header in RUNTIME_HEADERS)
    if program.runtime:
        yield RUNTIME / "tw_box.h"
    for kernel in kernels:
        yield from (kernel.header, *kernel.includes)


def _text(path: Path, names: Mapping[Path, str], symbols: Collection[str]) -> str:
    """One file; headers beside it are included by their names in the bundle."""

    def included(found: re.Match[str]) -> str:
        beside = path.parent / found[1]
        return f'#include "{names.get(beside, found[1])}"'

    text = _INCLUDED.sub(included, path.read_text(encoding="utf-8"))
    return only_called(text, symbols)


def only_called(text: str, symbols: Collection[str]) -> str:
    """C without the declarations and definitions of kernels that are not among ``symbols``.

    A comment goes with the functions that follow it.
    """
    text = _DEFINED.sub(lambda found: found[0] if found["symbol"] in symbols else "", text)
    blocks = (_declared(block, symbols) for block in text.split("\n\n"))
    return "\n\n".join(block for block in blocks if block is not None).rstrip("\n") + "\n"


def _declared(block: str, symbols: Collection[str]) -> str | None:
    """One paragraph of C; None where nothing is left of it."""
    kept: list[str] = []
    comment: list[str] = []
    has_lost = False
    for line in block.splitlines():
        found = _DECLARED.match(line)
        if found and found["symbol"] not in symbols:
            has_lost = True
        elif line.startswith("//"):
            comment = [line] if has_lost else [*comment, line]
            has_lost = False
        else:
            kept += [*comment, line]
            comment, has_lost = [], False
    kept += [] if has_lost else comment
    return "\n".join(kept) if kept or not block else None
