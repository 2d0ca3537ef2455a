"""The one door for tokenizers, and the two kinds that have no reader of their own."""

import struct
from pathlib import Path

from tilewright.errors import ModelError, UnsupportedError
from tilewright.llm.formats.file_bytes import Cursor, FileBytes
from tilewright.llm.formats.gguf_file import is_gguf, read_gguf_file
from tilewright.llm.formats.gguf_llama import GgufKeys
from tilewright.llm.formats.sentencepiece_model import read_sentencepiece
from tilewright.llm.formats.tokenizer_json import read_tokenizer_json
from tilewright.llm.formats.vocabulary import (
    LARGEST_VOCABULARY,
    Kind,
    Specials,
    StoredToken,
    build_tokenizer,
    byte_of,
)
from tilewright.llm.tokenizer import Spaces, Tokenizer

_CHARACTER_MAP = "tokenizer.ggml.precompiled_charsmap"
_FIRST_LEARNED = 259
"""In tokenizer.bin: unknown, begin, end and 256 bytes come before."""


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer in a file, by the file's name.

    Raises ModelError where the file is damaged, UnsupportedError for another kind of vocabulary.
    """
    if path.suffix == ".gguf" or is_gguf(path):
        return _from_gguf(path)
    if path.suffix == ".json":
        return read_tokenizer_json(path)
    if path.suffix == ".model":
        return read_sentencepiece(path)
    return _from_llama2c(path)


def find_tokenizer(checkpoint: Path) -> Tokenizer:
    """The tokenizer that a checkpoint brings: in its metadata, or in its folder.

    Raises ModelError naming what was looked for where there is none.
    """
    if checkpoint.suffix == ".gguf" or is_gguf(checkpoint):
        return read_tokenizer(checkpoint)
    folder = checkpoint if checkpoint.is_dir() else checkpoint.parent
    for name in ("tokenizer.model", "tokenizer.json", "tokenizer.bin"):
        if (folder / name).is_file():
            return read_tokenizer(folder / name)
    raise ModelError(
        f"{folder}: no tokenizer.model, tokenizer.json or tokenizer.bin; name the model's "
        "tokenizer with --tokenizer FILE"
    )


def _from_llama2c(path: Path) -> Tokenizer:
    """uint32 longest piece; for every token float32 score, int32 length, bytes."""
    cursor = Cursor(FileBytes(path))
    longest = cursor.number("I", "longest piece")
    tokens: list[StoredToken] = []
    while cursor.left and len(tokens) <= LARGEST_VOCABULARY:
        what = f"token {len(tokens)}"
        score, length = struct.unpack("<fi", cursor.take(8, what))
        if not 0 <= length <= longest:
            raise ModelError(
                f"{path}: {what} has {length} bytes, the longest piece of the file {longest}"
            )
        piece = cursor.take(length, what)
        tokens.append(StoredToken(piece, score, _llama2c_kind(len(tokens), piece)))
    return build_tokenizer(str(path), tokens, Specials())


def _llama2c_kind(number: int, piece: bytes) -> Kind:
    """The file does not say it; the numbers are SentencePiece's."""
    if number < 3:
        return Kind.UNKNOWN if number == 0 else Kind.CONTROL
    is_byte = number < _FIRST_LEARNED and byte_of(piece) == number - 3
    return Kind.BYTE if is_byte else Kind.NORMAL


def _from_gguf(path: Path) -> Tokenizer:
    keys = GgufKeys(str(path), read_gguf_file(path).keys)
    model = keys.text("tokenizer.ggml.model")
    if model != "llama":
        raise UnsupportedError(
            f"{path}: the tokenizer is {model}; llama (SentencePiece pieces with scores) is read"
        )
    pieces = keys.strings("tokenizer.ggml.tokens")
    scores = keys.numbers("tokenizer.ggml.scores")
    kinds = keys.numbers("tokenizer.ggml.token_type")
    if not len(pieces) == len(scores) == len(kinds):
        raise ModelError(
            f"{path}: {len(pieces)} tokens, {len(scores)} scores and {len(kinds)} token types"
        )
    tokens = [
        StoredToken(piece, float(score), int(kind))
        for piece, score, kind in zip(pieces, scores, kinds, strict=True)
    ]
    if _CHARACTER_MAP in keys.values and keys.numbers(_CHARACTER_MAP).size:
        raise UnsupportedError(
            f"{path}: {_CHARACTER_MAP}: texts are normalised before they are tokenised; "
            "vocabularies without a character map are read"
        )
    specials = Specials(
        keys.integer("tokenizer.ggml.bos_token_id", 1),
        keys.integer("tokenizer.ggml.eos_token_id", 2),
        Spaces(
            keys.flag("tokenizer.ggml.remove_extra_whitespaces", default=False),
            keys.flag("tokenizer.ggml.add_space_prefix", default=True),
        ),
    )
    return build_tokenizer(str(path), tokens, specials)
