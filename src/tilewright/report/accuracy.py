"""What `tilewright evaluate` says of a network: how often it is right, and where noise comes in."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf

from rich.console import Console

from tilewright.report.text import Json, facts, percent_text, table
from tilewright.run.accuracy import ClassScore, Noise


@dataclass(frozen=True, slots=True)
class AccuracyReport:
    """One network on some data.

    inferences  on the target
    classes     by label; empty without labels
    against     whose numbers are the reference: "float" (the same network, nothing rounded), or a
                second model
    compared    inferences, the first ones, that were compared with it
    same_top    of these: with the same largest element in the first output
    layers      in the network's order, and those that both have
    outputs     in the network's order
    """

    model: str
    target: str
    contract: str
    inferences: int
    classes: tuple[ClassScore, ...]
    against: str
    compared: int
    same_top: int
    layers: tuple[Noise, ...]
    outputs: tuple[Noise, ...]

    @property
    def correct(self) -> int:
        """Inferences whose largest element is their label."""
        return sum(one.correct for one in self.classes)

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "inferences": self.inferences,
            "accuracy": self.correct / self.inferences if self.classes else None,
            "correct": self.correct if self.classes else None,
            "classes": [
                {"label": one.label, "samples": one.samples, "correct": one.correct}
                for one in self.classes
            ],
            "against": self.against,
            "compared": self.compared,
            "same_top": self.same_top,
            "layers": _json(self.layers),
            "outputs": _json(self.outputs),
            "target": self.target,
            "contract": self.contract,
        }

    def show(self, console: Console) -> None:
        """Facts, classes, and the layers with the most noise first."""
        title = f"{self.model} on {self.target}, contract {self.contract}"
        console.print(title, style="bold", highlight=False)
        console.print(facts(self._facts()))
        console.print()
        if self.classes:
            rows = [
                (str(c.label), f"{c.samples:,}", f"{c.correct:,}",
                 percent_text(c.correct, c.samples))
                for c in self.classes
            ]  # fmt: skip
            console.print(table("By class", ("Label", ">Samples", ">Right", ">Share"), rows))
        worst = sorted(self.layers, key=lambda layer: layer.sqnr_db)
        rows = [(layer.name, layer.what, _decibels(layer)) for layer in worst]
        title = f"Layers against {self.against}, the noisiest first"
        console.print(table(title, ("Layer", "Operator", ">SQNR"), rows))

    def _facts(self) -> list[tuple[str, str]]:
        rows = [("Inferences", f"{self.inferences:,}")]
        if self.classes:
            share = percent_text(self.correct, self.inferences)
            rows.append(("Right", f"{self.correct:,} ({share})"))
        same = f"{self.same_top:,} of {self.compared:,}"
        rows.append(("Same largest element", f"{same} as {self.against}"))
        rows += [(f"Output {one.name}", f"{_decibels(one)} to noise") for one in self.outputs]
        return rows


def _json(found: Sequence[Noise]) -> list[Json]:
    return [
        {"name": one.name, "op": one.what, "sqnr_db": None if isinf(one.sqnr_db) else one.sqnr_db}
        for one in found
    ]


def _decibels(noise: Noise) -> str:
    return "equal" if noise.noise == 0 else f"{noise.sqnr_db:.1f} dB"
