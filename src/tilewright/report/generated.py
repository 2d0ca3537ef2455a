"""What `tilewright generate` says: the text, and what its tokens cost."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from rich.console import Console

from tilewright.llm.widths import Widths, widths_text
from tilewright.report.text import Json, facts, paragraph, size_text
from tilewright.run.result import Energy


@dataclass(frozen=True, slots=True)
class Drafts:
    """``most`` candidates at once; ``calls`` of the network after the prompt."""

    most: int
    calls: int

    def per_call(self, tokens: int) -> float:
        """Tokens that one call was worth; the prompt's call made the first of them."""
        return (tokens - 1) / self.calls if self.calls else 0.0


@dataclass(frozen=True, slots=True)
class GenerateReport:
    """One text.

    text           prompt and what follows it; bytes that are no UTF-8 are replaced
    tokens         made after the prompt
    prompt_tokens  of the prompt, the beginning included
    unit           of what was measured: "nanoseconds", "instructions" or "cycles"
    ticks          of the first token with the whole prompt, then of each further one
    arena, constants  memory → bytes; of the network
    vocabulary     bytes of the tokenizer's tables, beside the constants
    widths         bits of the matrices, layer by layer
    drafts         candidates, and how many calls all tokens took
    energy         estimate per token after the first; None where the target has no model of it
    name, folder   of the C; None: it was not kept
    """

    target: str
    text: str
    tokens: tuple[int, ...]
    prompt_tokens: int
    unit: str
    ticks: tuple[int, ...]
    arena: Mapping[str, int]
    constants: Mapping[str, int]
    vocabulary: int
    widths: Widths
    drafts: Drafts
    energy: Energy | None = None
    name: str = ""
    folder: str | None = None

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "text": self.text,
            "tokens": list(self.tokens),
            "prompt_tokens": self.prompt_tokens,
            "cycles": {
                "unit": self.unit,
                "prompt": self.ticks[0] if self.ticks else None,
                "per_token": list(self.ticks[1:]),
            },
            "memory": {
                "arena": dict(self.arena),
                "constants": dict(self.constants),
                "tokenizer": self.vocabulary,
            },
            "weights": [asdict(layer) for layer in self.widths],
            "drafts": {
                "most": self.drafts.most,
                "calls": self.drafts.calls,
                "tokens_per_call": self.drafts.per_call(len(self.tokens)),
            },
            "folder": self.folder,
            "energy_uj_per_token": None if self.energy is None else self.energy.microjoules,
        }

    def show(self, console: Console) -> None:
        """The text, then a few lines of facts."""
        paragraph(console, self.text)
        console.print()
        rows = [("Target", self.target), ("Tokens", self._tokens())]
        if self.ticks:
            rows.append(("Prompt", f"{self.ticks[0]:,} {self.unit} to the first token"))
        if len(self.ticks) > 1:
            rows.append(("Per token", self._per_token()))
        if self.drafts.most:
            each = self.drafts.per_call(len(self.tokens))
            words = f"{self.drafts.calls:,} calls with up to {self.drafts.most} candidates"
            rows.append(("Drafts", f"{words}: {each:.2f} tokens per call"))
        if self.energy is not None:
            words = f"{self.energy.microjoules:,.0f} uJ per token; {self.energy.model}"
            rows.append(("Energy", words))
        for title, sizes in (("Arena", self.arena), ("Constants", self.constants)):
            words = ", ".join(f"{name} {size_text(size)}" for name, size in sizes.items())
            rows.append((title, words))
        rows.append(("Weights", widths_text(self.widths)))
        rows.append(("Tokenizer", f"{size_text(self.vocabulary)} of tables"))
        if self.folder is not None:
            words = f"{self.folder}/: include {self.name}_generate.h, call tw_{self.name}_generate"
            rows.append(("Written", words))
        console.print(facts(rows))

    def _tokens(self) -> str:
        return f"{self.prompt_tokens} of the prompt, {len(self.tokens)} made"

    def _per_token(self) -> str:
        later = self.ticks[1:]
        first = self.prompt_tokens + 1
        last = self.prompt_tokens + len(later)
        mean = sum(later) / len(later)
        return (
            f"{mean:,.0f} {self.unit} on average; {later[0]:,} at position {first}, "
            f"{later[-1]:,} at position {last}"
        )
