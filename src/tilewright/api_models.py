"""Networks of known shapes, written as files: what ``tilewright model`` does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from tilewright.errors import OptionError
from tilewright.report.text import Json, facts, size_text

if TYPE_CHECKING:
    from tilewright.builders.tile_network import TileNetwork

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


@dataclass(frozen=True, slots=True)
class _Encoder:
    """An encoder for ITA: its builder takes tokens, layers and a seed. ``multiple``: of tokens."""

    build: "Callable[[int, int, int], tuple[TileNetwork, str]]"
    tokens: int
    layers: int
    multiple: int = 1


def _encoders() -> "Mapping[str, _Encoder]":
    """By name. Builders import what writes files, which takes a while."""
    from tilewright.builders import encoders, mobilebert

    return {
        "mobilebert": _Encoder(mobilebert.mobilebert, 128, mobilebert.LAYERS, multiple=64),
        "dinov2-s": _Encoder(encoders.dinov2_s, encoders.DINO_TOKENS, encoders.DINO_LAYERS),
        "whisper-tiny-encoder": _Encoder(
            encoders.whisper_tiny_encoder, encoders.WHISPER_TOKENS, encoders.WHISPER_LAYERS
        ),
    }


def write_model(
    network: str,
    output: Path | str,
    sequence: int | None = None,
    layers: int | None = None,
    seed: int = 0,
) -> ModelReport:
    """Write a network with drawn weights; the same seed gives the same file.

    sequence  tokens: of an encoder's input; of a language model's context
    Raises OptionError for a network that is not known, a sequence that does not fit ITA, a file
    that cannot be written.
    """
    from tilewright.builders.llama import LLAMAS

    path, encoders, size = Path(output), _encoders(), (sequence, layers)
    try:
        if network in encoders:
            tokens, count = _write_encoder(encoders[network], path, size, seed)
        elif network in LLAMAS:
            tokens, count = _write_llama(network, path, size, seed)
        else:
            raise OptionError(
                f"model {network}: unknown; there are {', '.join((*encoders, *LLAMAS))}"
            )
    except OSError as error:
        raise OptionError(f"{path}: cannot be written: {error.strerror}") from None
    return ModelReport(network, path, tokens, count, path.stat().st_size)


_Size = tuple[int | None, int | None]
"""Tokens and layers, where they shall not be as they are."""


def _write_encoder(known: _Encoder, path: Path, size: _Size, seed: int) -> tuple[int, int]:
    """As .onnx; tokens and layers."""
    tokens = known.tokens if size[0] is None else size[0]
    count = known.layers if size[1] is None else size[1]
    if not 0 < tokens <= MOST_TOKENS or tokens % known.multiple:
        of = f"a multiple of {known.multiple}" if known.multiple > 1 else "a number"
        raise OptionError(
            f"--sequence {tokens}: want {of} up to {MOST_TOKENS}; the network keeps its tokens in "
            "tiles of 64, and ITA counts 15 of them"
        )
    made, last = known.build(tokens, count, seed)
    made.write(str(path), last)
    return tokens, count


def _write_llama(network: str, path: Path, size: _Size, seed: int) -> tuple[int, int]:
    """As GGUF with a vocabulary; tokens of the context and layers."""
    import numpy as np

    from tilewright.builders.gguf import gguf_bytes
    from tilewright.builders.llama import LLAMAS, drawn_llama, drawn_vocabulary

    shape, rng = LLAMAS[network], np.random.default_rng(seed)
    shape = replace(shape, context=size[0] or shape.context, layers=size[1] or shape.layers)
    llama = drawn_llama(network, shape, rng)
    path.write_bytes(gguf_bytes(llama, drawn_vocabulary(shape.vocabulary, rng)))
    return shape.context, shape.layers
