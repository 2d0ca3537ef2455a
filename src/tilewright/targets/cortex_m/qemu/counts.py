"""What the counting plugin is asked and what it answers: executions by layer and function."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tilewright.run.elf import Symbol
from tilewright.run.result import Count

AFTER = "harness_after"
"""Runs straight after each inference; see main.c."""

_HARNESS = "harness_"
_INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\t(\S+)")
_THUMB = 1
"""Bit 0 of a function's address says which instruction set it uses."""


def write_plan(path: Path, symbols: Sequence[Symbol], run: str, inference: int) -> None:
    """The plugin's file plan=: which code is watched. ``run``: tw_NAME_run, which calls layers."""
    entries = {symbol.name: symbol.address & ~_THUMB for symbol in symbols if symbol.is_function}
    start = min(entries.values())
    stop = max(s.address + s.size for s in symbols if s.is_function)
    layers = sorted(_layer_entries(symbols, run))
    words = [start, stop - start, entries[run], entries[AFTER], inference, len(layers), *layers]
    path.write_bytes(np.array(words, np.uint64).tobytes())


def _layer_entries(symbols: Sequence[Symbol], run: str) -> set[int]:
    # Two layers with the same arguments may be one function to the compiler: hence a set.
    # Their names go on with a number; those of kernels, layer_norm_f32 among them, do not.
    name = re.escape(run.removeprefix("tw_").removesuffix("_run"))
    layer = re.compile(rf"{name}_layer_\d")
    return {s.address & ~_THUMB for s in symbols if s.is_function and layer.match(s.name)}


def read_count(
    path: Path, symbols: Sequence[Symbol], layers: int, mnemonics: Mapping[int, str]
) -> Count:
    """Instructions of the inference that was counted. ``mnemonics``: of every address.

    A layer's are those from its entry to the next layer's; what runs before the first layer
    (tw_NAME_run's own beginning) counts in the total only. Code of the harness does not count.
    """
    functions = sorted((s for s in symbols if s.is_function and s.size), key=lambda s: s.address)
    raw = _stretches(path)
    stretches = [_by_function(stretch, functions) for stretch in raw]
    assert len(stretches) == layers + 1, f"{len(stretches) - 1} layers ran, wanted {layers}"
    totals = [sum(stretch.values()) for stretch in stretches]
    return Count(
        "instructions",
        sum(totals),
        tuple(totals[1:]),
        tuple(stretches[1:]),
        _mixes(np.concatenate(raw), functions, mnemonics),
    )


def read_mnemonics(disassembly: str) -> dict[int, str]:
    """Address → instruction, from what ``objdump -d --no-show-raw-insn`` prints."""
    lines = (_INSTRUCTION.match(line) for line in disassembly.splitlines())
    return {int(match.group(1), 16): match.group(2) for match in lines if match}


def _mixes(
    pairs: np.ndarray[tuple[int, int], np.dtype[np.uint64]],
    functions: Sequence[Symbol],
    mnemonics: Mapping[int, str],
) -> dict[str, dict[str, int]]:
    starts = [s.address & ~_THUMB for s in functions]
    mixes: dict[str, dict[str, int]] = {}
    for address, executions in pairs.tolist():
        name = _plain_name(functions[bisect_right(starts, address) - 1])
        if not name.startswith(_HARNESS):
            mix = mixes.setdefault(name, {})
            mnemonic = mnemonics.get(address, "?")
            mix[mnemonic] = mix.get(mnemonic, 0) + executions
    return mixes


def _plain_name(symbol: Symbol) -> str:
    """Without the suffixes that compilers give to clones."""
    return symbol.name.partition(".")[0]


def _stretches(path: Path) -> list[np.ndarray[tuple[int, int], np.dtype[np.uint64]]]:
    """[instructions][address, executions] for each stretch between two entries."""
    words = np.fromfile(path, np.uint64)
    found: list[np.ndarray[tuple[int, int], np.dtype[np.uint64]]] = []
    at = 0
    while at < words.size:
        pairs = int(words[at])
        found.append(words[at + 1 : at + 1 + 2 * pairs].reshape(pairs, 2))
        at += 1 + 2 * pairs
    return found


def _by_function(
    stretch: np.ndarray[tuple[int, int], np.dtype[np.uint64]], functions: Sequence[Symbol]
) -> Mapping[str, int]:
    starts = np.array([s.address & ~_THUMB for s in functions], np.uint64)
    homes = np.searchsorted(starts, stretch[:, 0], side="right") - 1
    sums = np.bincount(homes, stretch[:, 1].astype(np.float64), len(functions))
    found: dict[str, int] = {}
    for index in map(int, np.flatnonzero(sums)):
        name = _plain_name(functions[index])
        if not name.startswith(_HARNESS):
            found[name] = found.get(name, 0) + int(sums[index])
    return found
