"""A vocabulary as C tables for ``tw_tokenizer.h``."""

from collections.abc import Iterable, Sequence

from tilewright.llm.tokenizer import NEVER, Tokenizer

_NUMBERS_PER_LINE = 16


def print_tokenizer(name: str, tokenizer: Tokenizer) -> str:
    """The text of a C file that defines ``const tw_tokenizer NAME_tokenizer``."""
    starts = [0]
    for piece in tokenizer.pieces:
        starts.append(starts[-1] + len(piece))
    ranks = tokenizer.ranks
    mergeable = [token for token, rank in enumerate(ranks) if rank != NEVER]
    mergeable.sort(key=lambda token: tokenizer.pieces[token])
    tables = [
        _table("uint8_t", "text", b"".join(tokenizer.pieces) or b"\0"),
        _table("uint32_t", "start", starts),
        _table("uint16_t", "sorted", mergeable or [0]),
        _table("uint16_t", "rank", ranks),
        _table("uint16_t", "byte_token", tokenizer.byte_tokens),
    ]
    fields = (
        *(f".{field} = {field}," for field in ("text", "start", "sorted", "rank", "byte_token")),
        f".tokens = {len(tokenizer.pieces)},",
        f".mergeable = {len(mergeable)},",
        f".begin = {tokenizer.begin},",
        f".end = {tokenizer.end},",
        f".is_prefixed = {int(tokenizer.is_prefixed)},",
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


def _table(kind: str, name: str, values: Sequence[int] | bytes) -> str:
    return "\n".join([f"static const {kind} {name}[{len(values)}] = {{", *_rows(values), "};", ""])


def _rows(values: Sequence[int] | bytes) -> Iterable[str]:
    for start in range(0, len(values), _NUMBERS_PER_LINE):
        row = values[start : start + _NUMBERS_PER_LINE]
        yield "    " + ", ".join(str(value) for value in row) + ","


def table_bytes(tokenizer: Tokenizer) -> int:
    """Of all tables together."""
    count = len(tokenizer.pieces)
    mergeable = sum(rank != NEVER for rank in tokenizer.ranks)
    return sum(map(len, tokenizer.pieces)) + 4 * (count + 1) + 2 * (mergeable + count + 256)
