"""Networks of known shapes, written as files: what ``tilewright model`` does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
class _Known:
    """A network: its builder takes tokens, layers and a seed. ``multiple``: of tokens."""

    build: "Callable[[int, int, int], tuple[TileNetwork, str]]"
    tokens: int
    layers: int
    multiple: int = 1


def _networks() -> "Mapping[str, _Known]":
    """By name. Builders import what writes files, which takes a while."""
    from tilewright.builders import encoders, mobilebert

    return {
        "mobilebert": _Known(mobilebert.mobilebert, 128, mobilebert.LAYERS, multiple=64),
        "dinov2-s": _Known(encoders.dinov2_s, encoders.DINO_TOKENS, encoders.DINO_LAYERS),
        "whisper-tiny-encoder": _Known(
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

    Raises OptionError for a network that is not known, a sequence that does not fit ITA, a file
    that cannot be written.
    """
    networks = _networks()
    if network not in networks:
        raise OptionError(f"model {network}: unknown; there are {', '.join(networks)}")
    known = networks[network]
    tokens = known.tokens if sequence is None else sequence
    if not 0 < tokens <= MOST_TOKENS or tokens % known.multiple:
        of = f"a multiple of {known.multiple}" if known.multiple > 1 else "a number"
        raise OptionError(
            f"--sequence {tokens}: want {of} up to {MOST_TOKENS}; the network keeps its tokens in "
            "tiles of 64, and ITA counts 15 of them"
        )
    count = known.layers if layers is None else layers
    made, last = known.build(tokens, count, seed)
    path = Path(output)
    try:
        made.write(str(path), last)
    except OSError as error:
        raise OptionError(f"{path}: cannot be written: {error.strerror}") from None
    return ModelReport(network, path, tokens, count, path.stat().st_size)
