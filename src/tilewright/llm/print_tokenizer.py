"""A vocabulary as C tables for ``tw_tokenizer.h``."""

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate

from tilewright.llm.tokenizer import NEVER, Tokenizer

_NUMBERS_PER_LINE = 16

_SPACE_INSIDE = re.compile(rb"[^ ] ")


def print_tokenizer(name: str, tokenizer: Tokenizer) -> str:
    """The text of a C file that defines ``const tw_tokenizer NAME_tokenizer``."""
    starts = [0]
    for piece in tokenizer.pieces:
        starts.append(starts[-1] + len(piece))
    listed, buckets = _hashed(tokenizer)
    tables = [
        _table("uint8_t", "text", b"".join(tokenizer.pieces) or b"\0"),
        _table("uint32_t", "start", starts),
        _table("uint16_t", "listed", listed or [0]),
        _table("uint16_t", "bucket", buckets),
        _table("uint16_t", "rank", tokenizer.ranks),
        _table("uint16_t", "byte_token", tokenizer.byte_tokens),
    ]
    fields = (
        *(f".{field} = {field}," for field in ("text", "start", "listed", "bucket")),
        ".rank = rank,",
        ".byte_token = byte_token,",
        f".tokens = {len(tokenizer.pieces)},",
        f".buckets = {len(buckets) - 1},",
        f".begin = {tokenizer.begin},",
        f".end = {tokenizer.end},",
        f".is_trimmed = {int(tokenizer.spaces.is_trimmed)},",
        f".is_prefixed = {int(tokenizer.spaces.is_prefixed)},",
        f".is_doubled = {int(tokenizer.spaces.is_doubled)},",
        f".is_by_words = {int(_is_by_words(tokenizer))},",
    )
    lines = [
        '#include "tw_tokenizer.h"', "",
        *tables,
        f"extern const tw_tokenizer {name}_tokenizer;",
        f"const tw_tokenizer {name}_tokenizer = {{",
        *(f"    {field}" for field in fields),
        "};", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _hashed(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """(tokens that a merge makes, by bucket; where each bucket begins), one bucket per token."""
    mergeable = _mergeable(tokenizer)
    count = max(len(mergeable), 1)
    found: list[list[int]] = [[] for _ in range(count)]
    for token in mergeable:
        found[_hash(tokenizer.pieces[token]) * count >> 32].append(token)
    starts = [0, *accumulate(len(tokens) for tokens in found)]
    return [token for tokens in found for token in tokens], starts


def _mergeable(tokenizer: Tokenizer) -> list[int]:
    return [token for token, rank in enumerate(tokenizer.ranks) if rank != NEVER]


def _hash(piece: bytes) -> int:
    """FNV-1a of 32 bits (Fowler, Noll, Vo)."""
    found = 2166136261
    for byte in piece:
        found = (found ^ byte) * 16777619 & 0xFFFFFFFF
    return found


def _is_by_words(tokenizer: Tokenizer) -> bool:
    """Whether no merge joins anything with a space behind it: then words are merged by themselves,
    with the same result."""
    return not any(_SPACE_INSIDE.search(tokenizer.pieces[t]) for t in _mergeable(tokenizer))


def _table(kind: str, name: str, values: Sequence[int] | bytes) -> str:
    return "\n".join([f"static const {kind} {name}[{len(values)}] = {{", *_rows(values), "};", ""])


def _rows(values: Sequence[int] | bytes) -> Iterable[str]:
    for start in range(0, len(values), _NUMBERS_PER_LINE):
        row = values[start : start + _NUMBERS_PER_LINE]
        yield "    " + ", ".join(str(value) for value in row) + ","


def table_bytes(tokenizer: Tokenizer) -> int:
    """Of all tables together."""
    count = len(tokenizer.pieces)
    listed = 2 * max(len(_mergeable(tokenizer)), 1) + 1
    return sum(map(len, tokenizer.pieces)) + 4 * (count + 1) + 2 * (listed + count + 256)
