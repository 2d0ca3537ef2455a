"""Tokenizer and sampler in C do what their definitions in Python say, bit for bit."""

import random
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import llm_files
from llm_files import SHARED
from llm_texts import drawn_bytes, drawn_vocabulary
from tilewright.llm.formats.tokenizer_files import read_tokenizer
from tilewright.llm.print_tokenizer import print_tokenizer
from tilewright.llm.sampler import ONE, Sampling, random_word, sample, seeded
from tilewright.llm.tokenizer import Spaces, Tokenizer
from tilewright.run.compiler import SANITIZE_FLAGS, find_compiler

PIECES = Path(__file__).parents[2] / "src/tilewright/runtime/llm"
FLAGS = ("-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", *SANITIZE_FLAGS)

TOKENIZER_MAIN = r"""
#include "tw_tokenizer.h"
#include <stdio.h>
#include <stdlib.h>
extern const tw_tokenizer drawn_tokenizer;
// For every text: its size, then its bytes. Out: tokens, and the text that they print.
int main(void) {
  uint32_t size;
  while (fread(&size, 4, 1, stdin) == 1) {
    const uint32_t capacity = size + 2;
    uint8_t *text = malloc(size + 1);
    uint16_t *tokens = malloc(2 * capacity), *pairs = malloc(2 * capacity);
    if (fread(text, 1, size, stdin) != size) return 1;
    const int32_t count = tw_encode(&drawn_tokenizer, text, size, tokens, pairs, capacity);
    if (count < 1) return 2;
    if (tw_encode(&drawn_tokenizer, text, size, tokens, pairs, 0) != TW_NO_ROOM) return 3;
    for (int32_t i = 0; i < count; i++) printf("%u ", tokens[i]);
    printf("|");
    for (int32_t i = 1; i < count; i++) {
      const tw_piece piece = tw_decode(&drawn_tokenizer, tokens[i - 1], tokens[i]);
      for (uint32_t b = 0; b < piece.size; b++) printf("%02x", piece.bytes[b]);
    }
    printf("\n");
    free(text), free(tokens), free(pairs);
  }
  return 0;
}
"""

SAMPLER_MAIN = r"""
#include "tw_sampler.h"
#include <stdio.h>
#include <stdlib.h>
// For every case: a tw_sampler, how many logits and how many draws, the logits. Out: the tokens.
int main(void) {
  tw_sampler sampler;
  uint32_t counts[2];
  while (fread(&sampler, sizeof sampler, 1, stdin) == 1) {
    if (fread(counts, 4, 2, stdin) != 2) return 1;
    int16_t *logits = malloc(2 * counts[0]);
    if (fread(logits, 2, counts[0], stdin) != counts[0]) return 1;
    for (uint32_t i = 0; i < counts[1]; i++) printf("%u ", tw_sample(&sampler, logits, counts[0]));
    printf("%llu\n", (unsigned long long)sampler.state);
    free(logits);
  }
  return 0;
}
"""


def built(folder: Path, name: str, main: str, more: str = "") -> Path:
    (folder / "main.c").write_text(main)
    (folder / "tables.c").write_text(more or "typedef int empty;\n")
    sources = [folder / "main.c", folder / "tables.c", PIECES / f"{name}.c"]
    command = [*find_compiler().command, *FLAGS, f"-I{PIECES}", *sources, "-o", folder / name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return folder / name


def said(program: Path, raw: bytes) -> list[str]:
    done = subprocess.run([program], input=raw, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().splitlines()


def assert_tokenizer_in_c(
    folder: Path, tokenizer: Tokenizer, texts: list[bytes], capacity: str = "size + 2"
) -> None:
    """``capacity``: tokens that there is room for, in C."""
    folder.mkdir()
    tables = print_tokenizer("drawn", tokenizer)
    main = TOKENIZER_MAIN.replace("size + 2", capacity)
    program = built(folder, "tw_tokenizer", main, tables)
    raw = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    for text, line in zip(texts, said(program, raw), strict=True):
        tokens, _, printed = line.partition("|")
        expected = tokenizer.encode(text)
        assert [int(token) for token in tokens.split()] == expected
        assert bytes.fromhex(printed) == tokenizer.decode(expected)


def tokenizer_of(folder: Path, pieces: list[tuple[bytes, float, int]]) -> Tokenizer:
    (folder / "tokenizer.bin").write_bytes(llm_files.tokenizer_bin(pieces))
    return read_tokenizer(folder / "tokenizer.bin")


def test_drawn_texts_become_the_same_tokens_in_c(tmp_path):
    for seed, flags in enumerate([(0, 1, 1), (1, 1, 1), (1, 0, 1), (0, 1, 0), (1, 1, 0)]):
        rng = random.Random(seed)
        tokenizer = replace(
            tokenizer_of(tmp_path, drawn_vocabulary(rng)), spaces=Spaces(*map(bool, flags))
        )
        texts = [b"", b" ", b"  a  ", *(drawn_bytes(rng) for _ in range(100))]
        texts += ["".join(rng.choices("  ae▁", k=rng.randrange(9))).encode() for _ in range(100)]
        assert_tokenizer_in_c(tmp_path / str(seed), tokenizer, texts)


@pytest.mark.parametrize("is_by_words", [True, False])
def test_a_text_that_is_merged_by_words_needs_room_for_one_more(tmp_path, is_by_words):
    joined = [b"ab", b" a", b" ab", b"  ", b"abab", *([] if is_by_words else [b"b a", b"a "])]
    pieces = [(b"<unk>", 0.0, 2), (b"<s>", 0.0, 3), (b"</s>", 0.0, 3)]
    pieces += [(f"<0x{byte:02X}>".encode(), 0.0, 6) for byte in range(256)]
    pieces += [(piece, -float(i), 1) for i, piece in enumerate([*joined, b"a", b"b", b" "])]
    tokenizer = tokenizer_of(tmp_path, pieces)
    assert f".is_by_words = {int(is_by_words)}," in print_tokenizer("drawn", tokenizer)
    rng = random.Random(3)
    texts = ["".join(rng.choices("abab  c", k=40)).encode() for _ in range(60)]
    assert_tokenizer_in_c(tmp_path / "all", tokenizer, texts)
    if is_by_words:
        assert_tokenizer_in_c(tmp_path / "few", tokenizer, [b"ab  ab abab " * 30], "size / 2 + 6")


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/models is not there")
@pytest.mark.parametrize("name", ["tok512", "tok4096", "tokenizer32000"])
def test_real_vocabularies_in_c(tmp_path, name):
    rng = random.Random(7)
    story = (SHARED / "sample.txt").read_bytes()[:1500]
    texts = [story, *(drawn_bytes(rng) for _ in range(100))]
    assert_tokenizer_in_c(tmp_path / "c", read_tokenizer(SHARED / f"{name}.bin"), texts)


def drawn_case(rng: np.random.Generator) -> tuple[np.ndarray, Sampling, int]:
    count = int(rng.choice([1, 2, 7, 60, 512]))
    spread = float(rng.choice([0.5, 30, 1000, 12000]))
    logits = np.clip(rng.normal(0, spread, count), -32768, 32767).astype(np.int16)
    sampling = Sampling.of(
        float(rng.choice([22 / 32767, 0.02, 1e-4])),
        float(rng.choice([0, 0.01, 0.8, 1, 3, 500])),
        float(rng.choice([0, 0.05, 0.5, 0.9, 0.999, 1])),
        int(rng.choice([0, 1, 3, 40, 10000])),
    )
    return logits, sampling, seeded(int(rng.integers(0, 2**63)))


def test_drawn_choices_are_the_same_in_c(tmp_path):
    program = built(tmp_path, "tw_sampler", SAMPLER_MAIN)
    rng = np.random.default_rng(5)
    cases = [drawn_case(rng) for _ in range(400)]
    raw = b""
    for logits, how, state in cases:
        head = (state, how.octaves, how.temperature, how.top_p, how.top_k)
        raw += struct.pack("<QIIII", *head) + struct.pack("<II", len(logits), 4) + logits.tobytes()
    for (logits, how, first), line in zip(cases, said(program, raw), strict=True):
        tokens, state = [], first
        for _ in range(4):
            token, state = sample(logits, how, state)
            tokens.append(token)
        assert line.split() == [*map(str, tokens), str(state)]


def test_random_words_are_those_of_the_generator():
    expected = {
        1: (0x47E4CE4B, 0xABCFA6A8, 0xB9D10D8F, 0x4DB418A0),
        42: (0x56CE4AB7, 0xC841EB53, 0xCA466BE0, 0xF1ACC733),
        1337: (0x3AF61262, 0x30C5CEDB, 0x4F94DCF3, 0xE714B144),
    }
    for seed, words in expected.items():
        state = seeded(seed)
        for word in words:
            found, state = random_word(state)
            assert found == word


def test_tokens_are_drawn_as_often_as_their_probabilities_say():
    """Within five standard deviations of 4,000 draws; the table's rounding is below that."""
    logits = np.array([0, 1000, -500, 700, -3000], np.int16)
    scale, temperature, draws = 1 / 800, 1.3, 4000
    real = np.exp(logits * scale / temperature)
    expected, state = real / real.sum(), 9
    counts = np.zeros(5)
    for _ in range(draws):
        token, state = sample(logits, Sampling.of(scale, temperature), state)
        counts[token] += 1
    deviation = np.sqrt(draws * expected * (1 - expected))
    assert np.all(abs(counts - draws * expected) < 5 * deviation)


def test_top_k_and_top_p_keep_the_most_likely_only():
    logits = np.array([5, 9, 9, 1, 8], np.int16)

    def kept(top_p: float, top_k: int) -> set[int]:
        found, state = set(), 3
        for _ in range(300):
            token, state = sample(logits, Sampling.of(0.1, 1.0, top_p, top_k), state)
            found.add(token)
        return found

    assert kept(0, 1) == {1}
    assert kept(0, 3) == {1, 2, 4}
    assert kept(0.4, 0) == {1, 2}
    assert kept(0, 0) == {0, 1, 2, 3, 4}
    assert sample(logits, Sampling(1, 0), 3) == (1, 3)
    assert ONE == 65536
