"""What `tilewright fuzz` says."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console

from tilewright.fuzz.cases import Finding
from tilewright.report.text import Json, facts, paragraph

WORDS = {
    "compiled": "compiled",
    "refused": "refused in words",
    "judged": "asked ONNX Runtime, too",
    "in C": "run as C under sanitizers",
    "boards": "run on emulated boards and simulated chips",
}


@dataclass(frozen=True, slots=True)
class FuzzReport:
    """Cases, their operators, and what was found.

    counts   how often what was done
    reasons  of refusals, the most frequent ones
    """

    cases: int
    nodes: int
    findings: tuple[Finding, ...]
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    reasons: tuple[tuple[str, int], ...] = ()

    def json(self) -> dict[str, Json]:
        """The machine form."""
        findings: list[Json] = [
            {
                "case": found.case,
                "seed": found.seed,
                "kind": found.kind,
                "target": found.target,
                "memory": dict(found.memory),
                "detail": found.detail,
                "nodes": found.nodes,
                "reproducer": found.reproducer,
            }
            for found in self.findings
        ]
        more: dict[str, Json] = {
            key.replace(" ", "_"): self.counts[key] for key in WORDS if key in self.counts
        }
        return {"cases": self.cases, "nodes": self.nodes, "findings": findings, **more}

    def show(self, console: Console) -> None:
        """Counts, then every finding."""
        rows = [("cases", f"{self.cases:,}")]
        if self.nodes:
            rows.append(("operators", f"{self.nodes:,}"))
        rows += [
            (text, f"{self.counts[key]:,}") for key, text in WORDS.items() if self.counts.get(key)
        ]
        rows.append(("findings", f"{len(self.findings):,}"))
        console.print(facts(rows))
        for reason, count in self.reasons:
            paragraph(console, f"{count} refused: {reason}")
        for found in self.findings:
            paragraph(console, f"\ncase {found.case} on {found.target}: {found.kind}", "bold")
            paragraph(console, found.detail)
            if found.reproducer:
                size = f"{found.nodes} nodes: " if found.nodes else ""
                paragraph(console, f"{size}{found.reproducer}")
