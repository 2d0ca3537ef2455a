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
from tilewright.llm.tokenizer import COMMON_SPACES, SPACE_MARK, Spaces, Tokenizer


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
        Specials(names.get(b"<s>", 1), names.get(b"</s>", 2), _spaces(path, root)),
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


def _spaces(path: Path, root: JsonFields) -> Spaces:
    """Of a normaliser that puts a space before every text and writes spaces as ``SPACE_MARK``, or
    of a Metaspace step that puts one where the text does not begin with it.

    Raises UnsupportedError naming any other step.
    """
    steps = _steps(root, "normalizer", "normalizers")
    splits = _steps(root, "pre_tokenizer", "pretokenizers")
    for step in (*steps, *splits):
        if not (_writes_marks(step) or (step in splits and _is_whole(step))):
            raise UnsupportedError(
                f"{path}: texts go through {step.text('type', '?')} before they are tokenised; "
                "tokenizers are read that only put a space before them (Prepend, Replace, "
                "Metaspace without split)"
            )
    kinds = {step.text("type", "") for step in (*steps, *splits)}
    if not kinds & {"Replace", "Metaspace"}:
        raise UnsupportedError(
            f"{path}: spaces stay spaces; tokenizers that write them as {SPACE_MARK} are read"
        )
    if "Prepend" in kinds:
        return COMMON_SPACES
    return Spaces(is_prefixed=any(map(_puts_space, splits)), is_doubled=False)


def _steps(root: JsonFields, key: str, several: str) -> list[JsonFields]:
    if not root.has(key):
        return []
    step = root.fields(key)
    return step.objects(several) if step.has(several) else [step]


def _writes_marks(step: JsonFields) -> bool:
    match step.text("type", ""):
        case "Prepend":
            return step.text("prepend", "") == SPACE_MARK
        case "Replace":
            pattern = step.fields("pattern").values
            return pattern == {"String": " "} and step.text("content", "") == SPACE_MARK
        case _:
            return False


def _is_whole(step: JsonFields) -> bool:
    """Whether a text stays in one part, of which the model sees all."""
    is_meta = step.text("type", "") == "Metaspace"
    is_mark = step.text("replacement", SPACE_MARK) == SPACE_MARK
    return is_meta and is_mark and not step.flag("split", default=True)


def _puts_space(step: JsonFields) -> bool:
    older = step.flag("add_prefix_space", default=True)
    return step.text("prepend_scheme", "always" if older else "never") in ("first", "always")
