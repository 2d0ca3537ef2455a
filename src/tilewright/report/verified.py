"""What `tilewright verify` says: who agrees with whom, and where they first do not."""

from dataclasses import dataclass
from math import inf, isinf

from rich.console import Console

from tilewright.report.text import Json, paragraph, table
from tilewright.run.compare import Comparison, Difference
from tilewright.run.verify import Verification


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """One `tilewright verify`."""

    model: str
    target: str
    contract: str
    verification: Verification

    @property
    def holds(self) -> bool:
        """Whether every promise is kept."""
        return self.verification.holds

    def json(self) -> dict[str, Json]:
        """The machine form."""
        return {
            "model": self.model,
            "target": self.target,
            "contract": self.contract,
            "inferences": self.verification.inferences,
            "holds": self.holds,
            "comparisons": [_comparison_json(c) for c in self.verification.comparisons],
            "agreements": [
                {
                    "output": a.output,
                    "inferences": a.inferences,
                    "same_top": a.same_top,
                    "sqnr_db": None if isinf(a.sqnr_db) else a.sqnr_db,
                }
                for a in self.verification.agreements
            ],
            "skipped": list(self.verification.skipped),
            "notes": list(self.verification.notes),
        }

    def show(self, console: Console) -> None:
        """One row per comparison, then the first difference of each that fails."""
        title = f"{self.model} on {self.target}, contract {self.contract}"
        columns = ("Who", "On", "Promise", ">Tensors", ">Elements", ">Differ", ">By", "")
        rows = [
            (
                f"{c.left} / {c.right}",
                c.what,
                c.promise,
                f"{c.tensors:,}",
                f"{c.elements:,}",
                f"{c.differing:,}",
                f"{c.largest:.3g}",
                "ok" if c.holds else "NO",
            )
            for c in self.verification.comparisons
        ]
        console.print(table(title, columns, rows))
        for a in self.verification.agreements:
            third = self.verification.comparisons[-1].right
            said = f"{a.output}: the same largest element as {third} in {a.same_top} of"
            ratio = "equal" if a.sqnr_db == inf else f"SQNR {a.sqnr_db:.1f} dB"
            paragraph(console, f"{said} {a.inferences} inferences, {ratio}")
        for note in self.verification.notes:
            paragraph(console, note)
        for skipped in self.verification.skipped:
            paragraph(console, f"Left out: {skipped}", "yellow")
        for comparison in self.verification.comparisons:
            if comparison.first is not None:
                paragraph(console, mismatch_text(comparison, comparison.first), "bold red")
        if self.holds:
            inferences = self.verification.inferences
            many = f"{inferences} inferences" if inferences > 1 else "one inference"
            paragraph(console, f"They agree on {many}.", "bold green")


def mismatch_text(comparison: Comparison, first: Difference) -> str:
    """The first difference: node, tensor, element and both values."""
    index = "".join(f"[{i}]" for i in first.index)
    return (
        f"{first.node}: {comparison.left} and {comparison.right} disagree first at "
        f"{first.tensor}{index}: {first.left:g} against {first.right:g} "
        f"(promised: {comparison.promise}); {comparison.differing:,} of "
        f"{comparison.elements:,} elements differ, by {comparison.largest:g} at most"
    )


def _comparison_json(comparison: Comparison) -> dict[str, Json]:
    first = comparison.first
    return {
        "left": comparison.left,
        "right": comparison.right,
        "what": comparison.what,
        "promise": comparison.promise,
        "holds": comparison.holds,
        "tensors": comparison.tensors,
        "elements": comparison.elements,
        "differing": comparison.differing,
        "largest": comparison.largest,
        "first": None
        if first is None
        else {
            "node": first.node,
            "tensor": first.tensor,
            "index": list(first.index),
            "left": first.left,
            "right": first.right,
        },
    }
