"""Text to tokens and back, as SentencePiece's byte-pair vocabularies mean it.

The definition: slow and obvious. Generated firmware does the same in C and is compared with it
(``runtime/llm/tw_tokenizer.c``).
"""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from tilewright.errors import OptionError

NEVER = 0xFFFF
"""Rank of a token that no merge makes: unknown, control and byte tokens, and second copies."""

SPACE_MARK = "▁"  # how SentencePiece writes a space; in a text it means one


@dataclass(frozen=True, slots=True)
class Spaces:
    """What happens to a text's spaces before it is tokenised.

    is_trimmed   those at both ends go, and of several in a row one stays
    is_prefixed  then one is put before a text that is not empty
    is_doubled   also where the text begins with one
    """

    is_trimmed: bool = False
    is_prefixed: bool = True
    is_doubled: bool = True

    def normalised(self, raw: bytes) -> bytes:
        """The text with a space for every ``SPACE_MARK``, which is no surplus space except at the
        end: SentencePiece takes off there what it has written itself."""
        mark = SPACE_MARK.encode()
        if self.is_trimmed:
            raw = re.sub(rb" +", b" ", raw).removeprefix(b" ")
            while raw.endswith((b" ", mark)):
                raw = raw.removesuffix(b" ").removesuffix(mark)
        raw = raw.replace(mark, b" ")
        if not raw or not self.is_prefixed or (raw.startswith(b" ") and not self.is_doubled):
            return raw
        return b" " + raw


COMMON_SPACES = Spaces()
"""Of Llama 2 and all that was made like it."""


@dataclass(frozen=True)
class Tokenizer:
    """A vocabulary.

    pieces       by token, the bytes that it prints
    ranks        by token, when a merge makes it: the smallest of all possible merges comes first
    byte_tokens  by byte, the token that stands for it where no piece does
    begin, end   tokens before and after a text
    spaces       what happens to a text's spaces first
    """

    pieces: tuple[bytes, ...]
    ranks: tuple[int, ...]
    byte_tokens: tuple[int, ...]
    begin: int
    end: int
    spaces: Spaces = COMMON_SPACES

    @cached_property
    def _token_of(self) -> dict[bytes, int]:
        return {
            piece: token
            for token, (piece, rank) in enumerate(zip(self.pieces, self.ranks, strict=True))
            if rank != NEVER
        }

    def encode(self, text: str | bytes) -> list[int]:
        """The tokens of a text, after ``begin``.

        Code points that are no piece become byte tokens. Then, as long as two neighbours together
        are a piece, the pair whose piece has the smallest rank, leftmost first, is replaced.
        Bytes that are not UTF-8 are units of their own.
        """
        raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        tokens: list[int] = []
        for unit in code_points(self.spaces.normalised(raw)):
            token = self._token_of.get(unit)
            tokens += [self.byte_tokens[byte] for byte in unit] if token is None else [token]
        return [self.begin, *self._merged(tokens)]

    def _merged(self, tokens: list[int]) -> list[int]:
        while True:
            made = [self._pair(a, b) for a, b in pairwise(tokens)]
            ranks = [NEVER if token is None else self.ranks[token] for token in made]
            best = min(ranks, default=NEVER)
            if best == NEVER:
                return tokens
            index = ranks.index(best)
            token = made[index]
            assert token is not None
            tokens = [*tokens[:index], token, *tokens[index + 2 :]]

    def _pair(self, a: int, b: int) -> int | None:
        if NEVER in (self.ranks[a], self.ranks[b]):
            return None
        return self._token_of.get(self.pieces[a] + self.pieces[b])

    def printed(self, previous: int, token: int) -> bytes:
        """What a token adds to the text after ``previous``: its piece, without the space that
        encoding puts before a text."""
        piece = self.pieces[token]
        is_first = self.spaces.is_prefixed and previous == self.begin
        return piece.removeprefix(b" ") if is_first else piece

    def decode(self, tokens: list[int]) -> bytes:
        """The text of tokens, of which the first is usually ``begin``."""
        pairs = zip([self.begin, *tokens], tokens, strict=False)
        return b"".join(self.printed(previous, token) for previous, token in pairs)

    def check_fits(self, name: str, vocabulary: int) -> None:
        """Raises OptionError where a model has another vocabulary."""
        if len(self.pieces) != vocabulary:
            raise OptionError(
                f"{name}: {len(self.pieces)} tokens, but the model has a vocabulary of "
                f"{vocabulary}; give the tokenizer that the model was trained with"
            )


def code_points(raw: bytes) -> list[bytes]:
    """UTF-8 units: as many continuation bytes as the first byte wants, or one byte where they are
    not there."""
    units: list[bytes] = []
    start = 0
    while start < len(raw):
        size = _unit_bytes(raw[start])
        tail = raw[start + 1 : start + size]
        if len(tail) < size - 1 or any(byte & 0xC0 != 0x80 for byte in tail):
            size = 1
        units.append(raw[start : start + size])
        start += size
    return units


def _unit_bytes(first: int) -> int:
    if first < 0xC0 or first >= 0xF8:
        return 1
    return 2 if first < 0xE0 else 3 if first < 0xF0 else 4
