"""From what tokenizer files store (pieces, scores, kinds) to a Tokenizer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from tilewright.errors import ModelError
from tilewright.llm.tokenizer import COMMON_SPACES, NEVER, SPACE_MARK, Spaces, Tokenizer

LARGEST_VOCABULARY = NEVER
"""Tokens are 16-bit numbers in generated firmware."""


class Kind(IntEnum):
    """What a token is, numbered as SentencePiece and GGUF do."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A piece as files have it; the highest score is merged first."""

    piece: bytes
    score: float
    kind: int


@dataclass(frozen=True, slots=True)
class Specials:
    """What a file says besides its pieces."""

    begin: int = 1
    end: int = 2
    spaces: Spaces = COMMON_SPACES


_BYTE_PIECE = re.compile(rb"<0x([0-9A-Fa-f]{2})>")
_UNKNOWN_PIECE = " \u2047 ".encode()  # as SentencePiece prints a token that stands for anything


def byte_of(piece: bytes) -> int | None:
    """The byte that ``<0x41>`` stands for."""
    match = _BYTE_PIECE.fullmatch(piece)
    return None if match is None else int(match.group(1), 16)


def build_tokenizer(name: str, tokens: Sequence[StoredToken], specials: Specials) -> Tokenizer:
    """The tokenizer of stored pieces. The first of equal pieces wins.

    Raises ModelError where tokens for single bytes are missing or numbers do not fit.
    """
    count = len(tokens)
    if not 0 < count <= LARGEST_VOCABULARY:
        raise ModelError(f"{name}: {count} tokens; 1 to {LARGEST_VOCABULARY} are read")
    for what, token in (("begin", specials.begin), ("end", specials.end)):
        if not 0 <= token < count:
            raise ModelError(f"{name}: the {what} token is {token}; there are {count} tokens")
    if any(token.score != token.score for token in tokens):
        raise ModelError(f"{name}: a score is not a number")
    byte_tokens: dict[int, int] = {}
    for number, token in enumerate(tokens):
        byte = byte_of(token.piece) if token.kind == Kind.BYTE else None
        if byte is not None:
            byte_tokens.setdefault(byte, number)
    if len(byte_tokens) < 256:
        raise ModelError(
            f"{name}: {len(byte_tokens)} tokens for single bytes (<0x00> to <0xFF>); a vocabulary "
            "with byte fallback has 256"
        )
    return Tokenizer(
        tuple(_printed(token) for token in tokens), _ranks(tokens),
        tuple(byte_tokens[byte] for byte in range(256)), specials.begin, specials.end,
        specials.spaces,
    )  # fmt: skip


def _printed(token: StoredToken) -> bytes:
    byte = byte_of(token.piece)
    if token.kind == Kind.BYTE and byte is not None:
        return bytes([byte])
    if token.kind == Kind.UNKNOWN:
        return _UNKNOWN_PIECE
    if token.kind in (Kind.CONTROL, Kind.UNUSED):
        return b""
    return token.piece.replace(SPACE_MARK.encode(), b" ")


def _ranks(tokens: Sequence[StoredToken]) -> tuple[int, ...]:
    """Equal scores share a rank: the leftmost pair comes first then."""
    seen: set[bytes] = set()
    merged: list[int] = []
    for number, token in enumerate(tokens):
        piece = _printed(token)
        if token.kind == Kind.NORMAL and piece and piece not in seen:
            seen.add(piece)
            merged.append(number)
    order = {
        score: rank
        for rank, score in enumerate(sorted({tokens[n].score for n in merged}, reverse=True))
    }
    ranks = [NEVER] * len(tokens)
    for number in merged:
        ranks[number] = order[tokens[number].score]
    return tuple(ranks)
