"""Hugging Face's tokenizer.json, where it holds byte pairs in Llama 2's style.

A merge's place in the list is when it happens. Vocabularies of byte-level pieces (GPT-2's style, in
which a space is written as another letter) are a different algorithm and are refused.
"""

from pathlib import Path
from typing import cast

from tilewright.errors import ModelError, UnsupportedError
from tilewright.llm.formats.file_bytes import FileBytes
from tilewright.llm.formats.json_fields import JsonFields, parse_json
from tilewright.llm.formats.vocabulary import (
    LARGEST_VOCABULARY,
    Kind,
    Specials,
    StoredToken,
    build_tokenizer,
    byte_of,
)
from tilewright.llm.tokenizer import SPACE_MARK, Tokenizer


def read_tokenizer_json(path: Path) -> Tokenizer:
    """The tokenizer in a tokenizer.json.

    Raises ModelError where the file is damaged, UnsupportedError for another kind of vocabulary.
    """
    file = FileBytes(path)
    root = parse_json(str(path), file.part(0, file.size, "tokenizer").tobytes())
    model = root.fields("model")
    if model.text("type", "BPE") != "BPE" or not model.flag("byte_fallback", default=False):
        raise UnsupportedError(
            f"{path}: a vocabulary of type {model.text('type', 'BPE')} without byte fallback is "
            "not read; BPE with byte_fallback is (Llama 2's style)"
        )
    pieces = _pieces(path, model.fields("vocab"))
    specials = _specials_of(root)
    scores = _scores(path, model.items("merges"))
    control = {number for number, content in specials.items() if content}
    tokens = [
        StoredToken(
            piece, scores.get(piece, -float(len(scores) + 1)), _kind(number, piece, control)
        )
        for number, piece in enumerate(pieces)
    ]
    names = {piece: number for number, piece in enumerate(pieces)}
    return build_tokenizer(
        str(path), tokens,
        Specials(names.get(b"<s>", 1), names.get(b"</s>", 2), _is_prefixed(root)),
    )  # fmt: skip


def _pieces(path: Path, vocabulary: JsonFields) -> list[bytes]:
    count = len(vocabulary.values)
    pieces = [b""] * min(count, LARGEST_VOCABULARY + 1)
    filled = 0
    for piece in vocabulary.values:
        number = vocabulary.integer(piece)
        if not 0 <= number < len(pieces):
            raise ModelError(f"{path}: token {piece!r} has number {number} of {count} tokens")
        pieces[number] = piece.encode("utf-8", "surrogatepass")
        filled += 1
    if filled != len(set(map(vocabulary.integer, vocabulary.values))):
        raise ModelError(f"{path}: two tokens of the vocabulary have the same number")
    return pieces


def _specials_of(root: JsonFields) -> dict[int, str]:
    if not root.has("added_tokens"):
        return {}
    return {item.integer("id"): item.text("content") for item in root.objects("added_tokens")}


def _scores(path: Path, merges: list[object]) -> dict[bytes, float]:
    """By the piece that a merge makes; the first merge that makes it counts."""
    scores: dict[bytes, float] = {}
    for rank, merge in enumerate(merges):
        stored = merge.split(" ") if isinstance(merge, str) else _listed(merge)
        parts = [part for part in stored if isinstance(part, str)]
        if len(parts) != 2:
            raise ModelError(f"{path}: merge {rank} is {merge!r:.40}; two pieces are merged")
        made = "".join(parts).encode("utf-8", "surrogatepass")
        scores.setdefault(made, -float(rank))
    return scores


def _listed(value: object) -> list[object]:
    return cast(list[object], value) if isinstance(value, list) else []


def _kind(number: int, piece: bytes, control: set[int]) -> Kind:
    if piece == b"<unk>":
        return Kind.UNKNOWN
    if number in control:
        return Kind.CONTROL
    return Kind.NORMAL if byte_of(piece) is None else Kind.BYTE


def _is_prefixed(root: JsonFields) -> bool:
    """Whether a step before the model puts a space before the text."""
    if root.has("normalizer"):
        normalizer = root.fields("normalizer")
        steps = normalizer.objects("normalizers") if normalizer.has("normalizers") else []
        if any(step.text("prepend", "") == SPACE_MARK for step in (normalizer, *steps)):
            return True
    if root.has("pre_tokenizer"):
        before = root.fields("pre_tokenizer")
        scheme = before.text("prepend_scheme", "")
        return scheme in ("first", "always") or before.flag("add_prefix_space", default=False)
    return False
