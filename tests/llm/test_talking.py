"""Firmware that talks says what the definitions say, token by token, on every target."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import llm_files
from tilewright.errors import CompileError, OptionError
from tilewright.llm.build import text_graph
from tilewright.llm.formats.tokenizer_files import read_tokenizer
from tilewright.llm.sampler import sample, seeded
from tilewright.llm.score import evaluated
from tilewright.pipeline import Options, load_target
from tilewright.run.host import find_compiler
from tilewright.run.talk import TalkRequest, talk_on_host
from tilewright.talking import Talker, compile_talker, read_model
from tiny_llama import TINY, tiny_llama

PIECES = llm_files.byte_vocabulary([" a", "in", " ain", "er", " er"])
QUICK = Options(effort="quick")


def tiny_talker(folder: Path, target: str = "host") -> Talker:
    (folder / "tokenizer.bin").write_bytes(llm_files.tokenizer_bin(PIECES))
    tokenizer = read_tokenizer(folder / "tokenizer.bin")
    llama = tiny_llama(replace(TINY, vocabulary=len(PIECES), context=24))
    return compile_talker(llama, tokenizer, load_target(target), QUICK)


def defined(talker: Talker, request: TalkRequest) -> tuple[int, ...]:
    """Tokens by the operators' definitions, one whole text after the other."""
    integers, tokenizer = talker.integers, talker.tokenizer
    text = tokenizer.encode(request.prompt)
    made: list[int] = []
    state = request.state
    while len(made) < request.tokens and len(text) <= integers.shape.context:
        graph = text_graph(integers, len(text))
        logits = evaluated(graph, np.array(text, np.int32))[-1]
        token, state = sample(logits, request.sampling, state)
        if token in (tokenizer.begin, tokenizer.end):
            break
        made.append(token)
        text.append(token)
    return tuple(made)


def requests(talker: Talker) -> list[TalkRequest]:
    return [
        TalkRequest(b"", 5, talker.sampling(0), seeded(0)),
        TalkRequest(b"rain in", 30, talker.sampling(0.8, 0.9, 40), seeded(7)),
        TalkRequest("né  a".encode(), 3, talker.sampling(2.0), seeded(5)),
    ]


def test_generated_c_says_what_the_definitions_say(tmp_path):
    find_compiler()
    talker = tiny_talker(tmp_path)
    programs = [entry.program for entry in talker.made.entries.values()]
    for request in requests(talker):
        said = talk_on_host(
            talker.bundle, programs, talker.target.toolchain, request, sanitizes=True
        )
        assert said.tokens == defined(talker, request)
        assert len(said.tokens) > 0
        assert len(said.ticks) == len(said.tokens)


def test_a_prompt_longer_than_the_context_is_refused(tmp_path):
    talker = tiny_talker(tmp_path)
    with pytest.raises(OptionError, match="more tokens than the context"):
        talker.say(TalkRequest(b"x" * 100, 5, talker.sampling(0), 1))
    with pytest.raises(OptionError, match="5000 bytes, at most 4096"):
        talker.say(TalkRequest(b"x" * 5000, 5, talker.sampling(0), 1))


def test_models_and_tokenizers_that_do_not_fit_are_refused(tmp_path):
    rng = np.random.default_rng(1)
    llama = llm_files.drawn_llama(rng, llm_files.drawn_shape(rng, tied=True))
    (tmp_path / "m.bin").write_bytes(llm_files.llama2c_v1(llama))
    with pytest.raises(CompileError, match="name the model's tokenizer with --tokenizer"):
        read_model(tmp_path / "m.bin", None, None)
    (tmp_path / "tokenizer.bin").write_bytes(llm_files.tokenizer_bin(PIECES))
    with pytest.raises(OptionError, match=f"{len(PIECES)} tokens"):
        read_model(tmp_path / "m.bin", None, None)
