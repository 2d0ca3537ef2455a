"""Cycles of language models on the simulated Siracusa: a prompt, and a token behind 128 others.

stories260K and stories3M are read from ../shared/models/tinystories; two further shapes get drawn
weights and a vocabulary of the same folder, so that their texts mean nothing. Every model reads a
prompt of 64 tokens and says what follows at temperature 0.8, seed 7. Counts are simulated cycles
from token to token: sampler and bookkeeping included. Writes benchmarks/results/language.md.
Exit code 2 where a bound is missed.

    benchmarks/language.py          everything
    benchmarks/language.py 260K     only models with this word in their name; writes nothing
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tilewright.ir.types import Array
from tilewright.llm.formats.tokenizer_files import read_tokenizer
from tilewright.llm.model import Llama, LlamaLayer, LlamaShape
from tilewright.llm.sampler import seeded
from tilewright.llm.tokenizer import Tokenizer
from tilewright.pipeline import load_target
from tilewright.run.talk import TalkRequest, TalkResult
from tilewright.talking import compile_talker, read_model

ROOT = Path(__file__).parents[1]
MODELS = ROOT.parent / "shared/models/tinystories"
RESULTS = ROOT / "benchmarks/results/language.md"
PROMPT, CACHED = 64, 128
TOKENS = CACHED - PROMPT + 2
TEXT = "Once upon a time, there was a little girl named Lily. She loved to play outside. " * 9


@dataclass(frozen=True, slots=True)
class Case:
    """One model and what it may take.

    source  a checkpoint's name, or the shape of a model with drawn weights
    token   cycles behind 128 others
    prompt  cycles of 64 tokens; None: no bound
    """

    name: str
    source: str | LlamaShape
    vocabulary: str
    token: int
    prompt: int | None = None


CASES = (
    Case("stories260K", "stories260K.bin", "tok512.bin", 85_000),
    Case("stories3M", "stories3M-q80.bin", "tok4096.bin", 330_000, 2_500_000),
    Case(
        "TinyLLama-v0's shape",
        LlamaShape(64, 256, 8, 16, 16, 4, 32_000, 512, is_tied=False),
        "tokenizer32000.bin",
        430_000,
    ),
    Case("TW-4.2M", LlamaShape(240, 504, 6, 6, 3, 40, 4096, 512), "tok4096.bin", 370_000),
)


def drawn_model(name: str, shape: LlamaShape) -> Llama:
    """Weights of variance 1 / inputs, always the same ones."""
    rng = np.random.default_rng(7)

    def matrix(*size: int) -> Array:
        return (rng.standard_normal(size) / np.sqrt(size[-1])).astype(np.float32)

    ones = np.ones(shape.dim, np.float32)
    layers = tuple(
        LlamaLayer(
            ones, matrix(shape.q_dim, shape.dim), matrix(shape.kv_dim, shape.dim),
            matrix(shape.kv_dim, shape.dim), matrix(shape.dim, shape.q_dim), ones,
            matrix(shape.hidden_dim, shape.dim), matrix(shape.hidden_dim, shape.dim),
            matrix(shape.dim, shape.hidden_dim),
        )
        for _ in range(shape.layers)
    )  # fmt: skip
    embedding = matrix(shape.vocabulary, shape.dim)
    head = embedding if shape.is_tied else matrix(shape.vocabulary, shape.dim)
    return Llama(name, shape, embedding, layers, ones, head)


def prompt_for(words: Tokenizer) -> bytes:
    """The longest beginning of a text that is no more than 64 tokens."""
    text = TEXT
    while len(words.encode(text.encode())) > PROMPT:
        text = text[:-1]
    return text.encode()


def measured(case: Case) -> tuple[TalkResult, int]:
    """What the model said, and tokens of its prompt."""
    if isinstance(case.source, str):
        llama, words = read_model(MODELS / case.source, MODELS / case.vocabulary, None)
    else:
        words = read_tokenizer(MODELS / case.vocabulary)
        llama = drawn_model("drawn", case.source)
    talker = compile_talker(llama, words, load_target("siracusa"))
    prompt = prompt_for(words)
    request = TalkRequest(prompt, TOKENS, talker.sampling(0.8), seeded(7))
    return talker.say(request), len(words.encode(prompt))


def bounded(cycles: int, most: int | None) -> str:
    """A count as the table has it."""
    return f"{cycles:,}" + (" **missed**" if most is not None and cycles > most else "")


def main(words: list[str]) -> int:
    """Measure and write."""
    lines = [
        "# Language models on Siracusa",
        "",
        "Simulated cycles at temperature 0.8, seed 7: a prompt of about 64 tokens up to the first",
        "token after it, and one token behind 128 others; energy is an estimate, the mean of the",
        "tokens after the prompt. Written by `benchmarks/language.py`.",
        "",
        "| model | prompt tokens | prompt | at most | token at 128 | at most | estimated uJ |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    is_missed = False
    for case in CASES:
        if not all(word in case.name for word in words):
            continue
        said, prompt = measured(case)
        at = CACHED + 1 - prompt
        token = said.ticks[at] if at < len(said.ticks) else said.ticks[-1]
        where = "" if at < len(said.ticks) else f" (at {prompt + len(said.ticks) - 2})"
        energy = "" if said.energy is None else f"{said.energy.microjoules:.1f}"
        most = "" if case.prompt is None else f"{case.prompt:,}"
        lines.append(
            f"| {case.name} | {prompt} | {bounded(said.ticks[0], case.prompt)} | {most} "
            f"| {bounded(token, case.token)}{where} | {case.token:,} | {energy} |"
        )
        print(lines[-1], flush=True)
        if not words:  # what is known so far, since all of it takes a while
            RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
        is_missed |= token > case.token
    return 2 if is_missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
