"""Tokenizers of every file format are the same, and SentencePiece agrees."""

import json
import random
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import llm_files
from llm_files import SHARED
from llm_texts import drawn_text, drawn_vocabulary
from tilewright.errors import CompileError, OptionError, UnsupportedError
from tilewright.llm.formats.tokenizer_files import find_tokenizer, read_tokenizer
from tilewright.llm.tokenizer import Spaces

needs_stories = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/models is not there")
NAMES = ["tok512", "tok4096", "tokenizer32000"]
Pieces = list[tuple[bytes, float, int]]


def written(folder: Path, pieces: Pieces) -> list[Path]:
    """The same vocabulary in every format."""
    rng = np.random.default_rng(0)
    llama = llm_files.drawn_llama(rng, llm_files.drawn_shape(rng, tied=True))
    files = {
        "tokenizer.bin": llm_files.tokenizer_bin(pieces),
        "tokenizer.model": llm_files.sentencepiece_model(pieces),
        "tokenizer.json": llm_files.tokenizer_json(pieces),
        "model.gguf": llm_files.gguf(llama, 0, llm_files.gguf_tokenizer_keys(pieces)),
    }
    for name, raw in files.items():
        (folder / name).write_bytes(raw)
    return [folder / name for name in files]


def test_every_format_gives_the_same_tokens(tmp_path):
    for seed in range(5):
        rng = random.Random(seed)
        tokenizers = [read_tokenizer(path) for path in written(tmp_path, drawn_vocabulary(rng))]
        assert all(t.pieces[3:] == tokenizers[0].pieces[3:] for t in tokenizers)
        for _ in range(50):
            text = drawn_text(rng)
            tokens = tokenizers[0].encode(text)
            assert all(t.encode(text) == tokens for t in tokenizers)
            assert tokenizers[0].decode(tokens).decode() == text.replace("▁", " ")


@needs_stories
@pytest.mark.parametrize("name", NAMES)
def test_sentencepiece_agrees_on_1000_drawn_texts(name):
    judge = pytest.importorskip("sentencepiece", reason="needs sentencepiece")
    model = llm_files.sentencepiece_model(llm_files.stored_pieces(SHARED / f"{name}.bin"))
    theirs = judge.SentencePieceProcessor(model_proto=model)
    ours = read_tokenizer(SHARED / f"{name}.bin")
    rng = random.Random(3)
    for text in ["", *(drawn_text(rng) for _ in range(1000))]:
        assert ours.encode(text) == [1, *theirs.encode(text)]


def test_sentencepiece_agrees_about_spaces(tmp_path):
    judge = pytest.importorskip("sentencepiece", reason="needs sentencepiece")
    rng = random.Random(5)
    llama = llm_files.drawn_llama(
        np.random.default_rng(0), llm_files.drawn_shape(np.random.default_rng(0), tied=True)
    )
    for is_trimmed, is_prefixed in product([False, True], repeat=2):
        spaces, pieces = Spaces(is_trimmed, is_prefixed), drawn_vocabulary(rng)
        model = llm_files.sentencepiece_model(pieces, spaces)
        (tmp_path / "a.model").write_bytes(model)
        keys = llm_files.gguf_tokenizer_keys(pieces, spaces=spaces)
        (tmp_path / "a.gguf").write_bytes(llm_files.gguf(llama, 0, keys))
        theirs = judge.SentencePieceProcessor(model_proto=model)
        ours = [read_tokenizer(tmp_path / f"a.{kind}") for kind in ("model", "gguf")]
        texts = ["".join(rng.choices("  ae▁r", k=rng.randrange(9))) for _ in range(200)]
        for text in [*texts, *(drawn_text(rng) for _ in range(100))]:
            expected = [1, *theirs.encode(text)]
            assert [each.encode(text) for each in ours] == [expected, expected]


def test_metaspace_puts_no_space_before_one(tmp_path):
    pieces = llm_files.byte_vocabulary(["ab", " a", " ab"])
    root = json.loads(llm_files.tokenizer_json(pieces))
    step = {"type": "Metaspace", "replacement": "▁", "split": False}
    for scheme, texts in (("first", ["ab", " ab"]), ("never", [" ab"])):
        given = {"normalizer": None, "pre_tokenizer": step | {"prepend_scheme": scheme}}
        (tmp_path / "a.json").write_text(json.dumps(root | given))
        tokenizer = read_tokenizer(tmp_path / "a.json")
        for text in texts:
            assert [tokenizer.pieces[token] for token in tokenizer.encode(text)[1:]] == [b" ab"]
    assert [tokenizer.pieces[token] for token in tokenizer.encode("ab")[1:]] == [b"ab"]


@needs_stories
@pytest.mark.parametrize("name", NAMES)
def test_texts_come_back(name):
    tokenizer = read_tokenizer(SHARED / f"{name}.bin")
    rng = random.Random(4)
    story = (SHARED / "sample.txt").read_text()[:1000]
    for text in [story, *(drawn_text(rng) for _ in range(300))]:
        assert tokenizer.decode(tokenizer.encode(text)).decode() == text.replace("▁", " ")
    if name != "tokenizer32000":
        assert tokenizer.encode("Once upon a time") == [1, 403, 407, 261, 378]


@needs_stories
def test_another_models_tokenizer_is_refused_with_both_sizes():
    tokenizer = read_tokenizer(SHARED / "tok512.bin")
    tokenizer.check_fits("tok512.bin", 512)
    with pytest.raises(OptionError, match=r"512 tokens.*vocabulary of 4096"):
        tokenizer.check_fits("tok512.bin", 4096)


def test_what_is_not_read_is_named(tmp_path):
    pieces = llm_files.byte_vocabulary(["ab"])
    model = llm_files.sentencepiece_model(pieces)
    charmap = llm_files.message(2, b"map")
    for number, raw, words in (
        (2, llm_files.count(3, 1), "model type 1"),
        (2, llm_files.count(3, 2) + llm_files.count(24, 1), "treat_whitespace_as_suffix"),
        (3, charmap, "normalised"),
        (3, llm_files.count(5, 0), "escape_whitespaces"),
        (5, charmap, "normalised"),
    ):
        (tmp_path / "a.model").write_bytes(model + llm_files.message(number, raw))
        with pytest.raises(UnsupportedError, match=words):
            read_tokenizer(tmp_path / "a.model")
    text = llm_files.tokenizer_json(pieces)
    for old, new, words in (
        (b'"byte_fallback": true', b'"x": true', "byte fallback"),
        (b'"type": "Prepend"', b'"type": "NFKC"', "through NFKC"),
        (b'"normalizer"', b'"x"', "spaces stay spaces"),
        (b'"model":', b'"pre_tokenizer": {"type": "ByteLevel"}, "model":', "through ByteLevel"),
    ):
        assert text.count(old) == 1
        (tmp_path / "a.json").write_bytes(text.replace(old, new))
        with pytest.raises(UnsupportedError, match=words):
            read_tokenizer(tmp_path / "a.json")
    with pytest.raises(CompileError, match="--tokenizer FILE"):
        find_tokenizer(tmp_path / "model.bin")


def damaged(whole: bytes, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    data = bytearray(whole)
    if rng.integers(0, 2):
        del data[int(rng.integers(0, len(data))) :]
    for at in rng.integers(0, max(len(data), 1), int(rng.integers(1, 6))) if data else ():
        data[at] = int(rng.integers(0, 256))
    return bytes(data)


@pytest.mark.parametrize("index", range(4))
def test_300_damaged_files_are_refused_in_words_or_read(tmp_path, index):
    path = written(tmp_path, llm_files.byte_vocabulary(["ab", "abc", " ab"]))[index]
    whole, refused = path.read_bytes(), 0
    for seed in range(300):
        path.write_bytes(damaged(whole, seed))
        try:
            read_tokenizer(path).encode("abc ab")
        except CompileError as error:
            refused += str(tmp_path) in str(error)
    assert refused > 100
