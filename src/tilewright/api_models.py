"""Networks of known shapes, written as files: what ``tilewright model`` does."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from tilewright.builders.gguf import gguf_bytes
from tilewright.builders.llama import LLAMAS, drawn_llama, drawn_vocabulary
from tilewright.builders.mobilebert import LAYERS, mobilebert
from tilewright.errors import OptionError
from tilewright.report.text import Json, facts, size_text

MOST_TOKENS = 960
"""What ITA's counters hold."""


@dataclass(frozen=True, slots=True)
class ModelReport:
    """A network that was written; ``size`` of the file in bytes."""

    network: str
    output: Path
    tokens: int
    layers: int
    size: int

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "network": self.network, "output": str(self.output), "sequence": self.tokens,
            "layers": self.layers, "bytes": self.size,
        }  # fmt: skip

    def show(self, console: Console) -> None:
        """Four facts."""
        lines = (
            ("network", f"{self.network}, {self.layers} layers"),
            ("sequence", str(self.tokens)),
            ("size", size_text(self.size)),
            ("written to", str(self.output)),
        )
        console.print(facts(lines))


def write_model(
    network: str,
    output: Path | str,
    sequence: int | None = None,
    layers: int | None = None,
    seed: int = 0,
) -> ModelReport:
    """Write a network with drawn weights; the same seed gives the same file.

    sequence  tokens: of MobileBERT's input, by default 128; of a language model's context
    Raises OptionError for a network that is not known, a sequence that does not fit ITA, a file
    that cannot be written.
    """
    path = Path(output)
    try:
        if network in LLAMAS:
            tokens, count = _write_llama(network, path, (sequence, layers), seed)
        elif network == "mobilebert":
            tokens, count = _write_mobilebert(path, (sequence, layers), seed)
        else:
            raise OptionError(
                f"model {network}: unknown; there are mobilebert, {', '.join(LLAMAS)}"
            )
    except OSError as error:
        raise OptionError(f"{path}: cannot be written: {error.strerror}") from None
    return ModelReport(network, path, tokens, count, path.stat().st_size)


_Size = tuple[int | None, int | None]
"""Tokens and layers, where they shall not be as they are."""


def _write_mobilebert(path: Path, size: _Size, seed: int) -> tuple[int, int]:
    """As .onnx; tokens and layers."""
    tokens, layers = size[0] or 128, size[1] or LAYERS
    if tokens > MOST_TOKENS or tokens % 64:
        raise OptionError(
            f"--sequence {tokens}: want a multiple of 64 up to {MOST_TOKENS}; the network keeps "
            "its tokens in tiles of 64, and ITA counts 15 of them"
        )
    made, last = mobilebert(tokens, layers, seed)
    made.write(str(path), last)
    return tokens, layers


def _write_llama(network: str, path: Path, size: _Size, seed: int) -> tuple[int, int]:
    """As GGUF with a vocabulary; tokens of the context and layers."""
    shape, rng = LLAMAS[network], np.random.default_rng(seed)
    shape = replace(shape, context=size[0] or shape.context, layers=size[1] or shape.layers)
    llama = drawn_llama(network, shape, rng)
    path.write_bytes(gguf_bytes(llama, drawn_vocabulary(shape.vocabulary, rng)))
    return shape.context, shape.layers
