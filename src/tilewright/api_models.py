"""Networks of known shapes, written as files: what ``tilewright model`` does."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

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

    Raises OptionError for a network that is not known, a sequence that does not fit ITA, a file
    that cannot be written.
    """
    from tilewright.builders.mobilebert import LAYERS, mobilebert

    if network != "mobilebert":
        raise OptionError(f"model {network}: unknown; there is mobilebert")
    tokens = 128 if sequence is None else sequence
    if not 0 < tokens <= MOST_TOKENS or tokens % 64:
        raise OptionError(
            f"--sequence {tokens}: want a multiple of 64 up to {MOST_TOKENS}; the network keeps "
            "its tokens in tiles of 64, and ITA counts 15 of them"
        )
    count = LAYERS if layers is None else layers
    made, last = mobilebert(tokens, count, seed)
    path = Path(output)
    try:
        made.write(str(path), last)
    except OSError as error:
        raise OptionError(f"{path}: cannot be written: {error.strerror}") from None
    return ModelReport(network, path, tokens, count, path.stat().st_size)
