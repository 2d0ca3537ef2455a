"""SentencePiece's tokenizer.model: a protobuf message, of which few fields matter.

Field 1, repeated: a piece {1: text, 2: score, 3: kind}. Field 2: how it was trained {3: model type,
2 = byte pairs; 24: a space belongs to the word before}. Field 3: how texts are normalised {1: name,
2: character map, 3: a space is put before the text, 4: surplus spaces go, 5: spaces are written as
another letter}; all three are on where the file does not say. Field 5: how what is decoded is
normalised, with the same fields.
"""

import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tilewright.errors import ModelError, UnsupportedError
from tilewright.llm.formats.file_bytes import FileBytes
from tilewright.llm.formats.vocabulary import (
    LARGEST_VOCABULARY,
    Kind,
    Specials,
    StoredToken,
    build_tokenizer,
)
from tilewright.llm.tokenizer import SPACE_MARK, Spaces, Tokenizer

_BYTE_PAIRS = 2
Field = tuple[int, int | bytes]
"""A field's number and its value: a varint, or raw bytes of any other kind."""


def read_sentencepiece(path: Path) -> Tokenizer:
    """The tokenizer in a .model file.

    Raises ModelError where the file is damaged, UnsupportedError for anything but byte pairs on
    texts as they are.
    """
    file = FileBytes(path)
    raw = file.part(0, file.size, "tokenizer").tobytes()
    tokens: list[StoredToken] = []
    specials = Specials(spaces=Spaces(is_trimmed=True))
    for number, value in _fields(path, raw):
        if not isinstance(value, bytes):
            continue
        if number == 1 and len(tokens) <= LARGEST_VOCABULARY:
            tokens.append(_piece(path, value))
        elif number == 2:
            specials = _trained(path, value, specials)
        elif number == 3:
            specials = replace(specials, spaces=_spaces(path, value))
        elif number == 5:
            _check_letters_stay(path, value)
    return build_tokenizer(str(path), tokens, specials)


def _fields(path: Path, raw: bytes) -> Iterator[Field]:
    at = 0
    while at < len(raw):
        key, at = _varint(path, raw, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(path, raw, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = _varint(path, raw, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ModelError(f"{path}: byte {at} is no field of a SentencePiece model")
        if size > len(raw) - at:
            raise ModelError(
                f"{path}: a field of {size} bytes from byte {at} of a message of {len(raw)}; the "
                "file is cut off or damaged"
            )
        yield key >> 3, raw[at : at + size]
        at += size


def _varint(path: Path, raw: bytes, at: int) -> tuple[int, int]:
    """Seven bits a byte, least significant first; the last byte has no high bit."""
    value = 0
    for index, byte in enumerate(raw[at : at + 10]):
        value |= (byte & 127) << (7 * index)
        if byte < 128:
            return value, at + index + 1
    raise ModelError(f"{path}: a number at byte {at} does not end")


def _piece(path: Path, raw: bytes) -> StoredToken:
    piece, score, kind = b"", 0.0, int(Kind.NORMAL)
    for number, value in _fields(path, raw):
        if number == 1 and isinstance(value, bytes):
            piece = value
        elif number == 2 and isinstance(value, bytes) and len(value) == 4:
            score = float(struct.unpack("<f", value)[0])
        elif number == 3 and isinstance(value, int):
            kind = value
    return StoredToken(piece, score, kind)


def _trained(path: Path, raw: bytes, specials: Specials) -> Specials:
    fields = dict(_fields(path, raw))
    if fields.get(24, 0) != 0:
        raise UnsupportedError(
            f"{path}: a space belongs to the word before it (treat_whitespace_as_suffix); "
            "vocabularies in which it belongs to the word behind it are read"
        )
    if fields.get(3, 1) != _BYTE_PAIRS:
        raise UnsupportedError(
            f"{path}: SentencePiece model type {fields.get(3, 1)} is not read; 2, byte pairs, is"
        )
    begin, end = fields.get(41, specials.begin), fields.get(42, specials.end)
    if not (isinstance(begin, int) and isinstance(end, int)):
        raise ModelError(f"{path}: the begin or end token is no number")
    return Specials(begin, end, specials.spaces)


def _spaces(path: Path, raw: bytes) -> Spaces:
    fields = _check_letters_stay(path, raw)
    if fields.get(5, 1) == 0:
        raise UnsupportedError(
            f"{path}: spaces stay spaces (escape_whitespaces is off); vocabularies that write "
            f"them as {SPACE_MARK} are read"
        )
    return Spaces(is_trimmed=fields.get(4, 1) != 0, is_prefixed=fields.get(3, 1) != 0)


def _check_letters_stay(path: Path, raw: bytes) -> dict[int, int | bytes]:
    fields = dict(_fields(path, raw))
    if fields.get(2, b"") != b"":
        raise UnsupportedError(
            f"{path}: texts are normalised by {fields.get(1, b'')!r} before or after they are "
            "tokenised; vocabularies with the normaliser 'identity' are read"
        )
    return fields
