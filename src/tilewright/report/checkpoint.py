"""What `tilewright inspect CHECKPOINT` says of a language model."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console

from tilewright.report.text import Json, count_text, facts, size_text, table


@dataclass(frozen=True, slots=True)
class FitRow:
    """One target. ``context``: tokens that its working memory has room for, None without a limit;
    0 where the weights at 8 bits do not fit. ``memory``: the weights' and the cache's."""

    target: str
    memory: str
    context: int | None


@dataclass(frozen=True, slots=True)
class CheckpointReport:
    """A language model, seen before compiling it.

    weight_bytes   bits → bytes of all weights, with embedding and head at 8 bits
    cache_bytes    of keys and values, per token
    token_macs     per token, without attention
    attention_macs per token and cached token
    """

    model: str
    shape: Mapping[str, int | float | bool]
    parameters: int
    weight_bytes: Mapping[int, int]
    cache_bytes: int
    token_macs: int
    attention_macs: int
    fits: tuple[FitRow, ...]

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "model": self.model,
            "shape": dict(self.shape),
            "parameters": self.parameters,
            "weight_bytes": {str(bits): size for bits, size in self.weight_bytes.items()},
            "cache_bytes_per_token": self.cache_bytes,
            "macs_per_token": self.token_macs,
            "macs_per_cached_token": self.attention_macs,
            "fits": [
                {"target": row.target, "memory": row.memory, "context": row.context}
                for row in self.fits
            ],
        }

    def show(self, console: Console) -> None:
        """Facts, then a line per target."""
        sizes = ", ".join(f"{bits} bits {size_text(n)}" for bits, n in self.weight_bytes.items())
        per_token = f"{count_text(self.token_macs)}, and {self.attention_macs:,} per cached token"
        console.print(
            facts(
                [
                    ("Model", self.model),
                    ("Shape", ", ".join(f"{name} {value}" for name, value in self.shape.items())),
                    ("Parameters", f"{self.parameters:,}"),
                    ("Weights", sizes),
                    ("Cache", f"{self.cache_bytes:,} B per token"),
                    ("MACs per token", per_token),
                ]
            )
        )
        console.print()
        rows = [(row.target, row.memory, _context(row.context)) for row in self.fits]
        title = "What fits where, by weights of 8 bits and cache alone"
        console.print(table(title, ("Target", "Memory", ">Context"), rows))


def _context(tokens: int | None) -> str:
    if tokens is None:
        return "any"
    return f"{tokens:,}" if tokens else "does not fit"
