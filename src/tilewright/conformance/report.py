"""What `tilewright conformance` says: the table by operator, and every refusal's reason."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rich.console import Console

from tilewright.conformance.outcome import Outcome, Result
from tilewright.report.text import Json, paragraph, table


@dataclass(frozen=True, slots=True)
class ConformanceReport:
    """Every case that ran, in the package's order."""

    target: str
    outcomes: tuple[Outcome, ...]

    def count(self, result: Result) -> int:
        """Cases of one column."""
        return sum(outcome.result is result for outcome in self.outcomes)

    @property
    def wrong(self) -> int:
        """Cases whose results are not what the standard demands."""
        return self.count(Result.WRONG)

    def json(self) -> dict[str, Json]:
        """The machine form."""
        cases: list[Json] = [
            {
                "name": outcome.name,
                "kind": outcome.kind,
                "target": outcome.target,
                "result": outcome.result.value,
                "reason": outcome.reason,
            }
            for outcome in self.outcomes
        ]
        return {
            "total": len(self.outcomes),
            **{result.value: self.count(result) for result in Result},
            "cases": cases,
        }

    def show(self, console: Console) -> None:
        """A row per operator, then what is wrong and what is refused."""
        rows = [[name, *(str(counts[r]) for r in Result)] for name, counts in self.by_operator()]
        rows.append(["all", *(str(self.count(result)) for result in Result)])
        columns = ["Operator", *(f">{result.value.capitalize()}" for result in Result)]
        console.print(table(f"ONNX node cases on {self.target}", columns, rows))
        for result in (Result.WRONG, Result.REFUSED):
            for outcome in self.outcomes:
                if outcome.result is result:
                    name = f"{outcome.name} ({outcome.kind})"
                    paragraph(console, f"{name}: {result.value}: {outcome.reason}")

    def by_operator(self) -> Iterable[tuple[str, Mapping[Result, int]]]:
        """Each operator's counts; models of several nodes together."""
        found: dict[str, Counter[Result]] = {}
        for outcome in self.outcomes:
            found.setdefault(outcome.family, Counter())[outcome.result] += 1
        return sorted(found.items())
