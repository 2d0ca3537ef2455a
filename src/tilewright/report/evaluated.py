"""What `tilewright evaluate` says: how much a language model loses as integers, and where."""

from dataclasses import dataclass

from rich.console import Console

from tilewright.llm.score import LayerLoss, Score
from tilewright.llm.widths import Widths, widths_text
from tilewright.report.text import Json, facts, table


@dataclass(frozen=True, slots=True)
class EvaluateReport:
    """One model on some texts.

    tokens  that were predicted
    widths  bits of the matrices
    losses  one per layer, on the first text
    """

    model: str
    tokens: int
    widths: Widths
    score: Score
    losses: tuple[LayerLoss, ...]

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "perplexity_float": self.score.perplexity_float,
            "perplexity": self.score.perplexity,
            "top1": self.score.top1,
            "layers": [{"layer": loss.layer, "error": loss.error} for loss in self.losses],
        }

    def show(self, console: Console) -> None:
        """A few facts, and the layers with the largest loss first."""
        score = self.score
        title = f"{self.model}: {self.tokens:,} tokens, weights of {widths_text(self.widths)}"
        console.print(title, style="bold", highlight=False)
        rows = [
            ("Perplexity", f"{score.perplexity:.4f} ({100 * score.increase:+.2f} %)"),
            ("In float32", f"{score.perplexity_float:.4f}"),
            ("Same likeliest token", f"{100 * score.top1:.2f} %"),
        ]
        console.print(facts(rows))
        console.print()
        worst = sorted(self.losses, key=lambda loss: -loss.error)
        losses = [(str(loss.layer), f"{100 * loss.error:.2f} %") for loss in worst]
        console.print(table("What each layer loses of what it adds", ("Layer", ">Error"), losses))
