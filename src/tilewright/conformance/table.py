"""The page of the documentation that says what becomes of every case.

python -m tilewright.conformance.table docs/reference/onnx-operators.md
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from tilewright.conformance.outcome import Outcome, Result
from tilewright.conformance.report import ConformanceReport
from tilewright.conformance.run import run_cases
from tilewright.pipeline import load_target

PAGE_HEAD = """\
# ONNX operators

The node cases that the `onnx` package generates, each compiled. Definitions of operators, and the C
under sanitizers on the host, are both compared with the outputs that the standard demands. A test
compares a sample of this page with what `tilewright conformance` finds.

Inputs that exporters write as initialisers (shapes, axes, weights) are initialisers where the
network wants them so; where all inputs are single numbers or lists of sizes (Range, windows), all
of them may be, and the result is then known at import. Reals are float32 inside, plain integers
int32. Results in bfloat16 may be two steps of it from the reference, which rounds after every
operator.
Real results are compared as the case asks, and a difference of 2**-22 of the greatest result counts
for none: where terms cancel (inverse transforms), float32 leaves that much.
"""


def page_text(report: ConformanceReport) -> str:
    """The whole page."""
    counts = ", ".join(f"{report.count(result)} {result.value}" for result in Result)
    lines = [PAGE_HEAD, f"{len(report.outcomes)} cases: {counts}.", ""]
    lines += ["| operator | passed | refused | wrong |", "|---|---|---|---|"]
    for name, found in report.by_operator():
        lines.append(f"| {name} | {' | '.join(str(found[r]) for r in Result)} |")
    lines += ["", "## Every case", ""]
    by_name = sorted(report.outcomes, key=lambda outcome: outcome.name)
    lines += [_line(outcome) for outcome in by_name]
    return "\n".join(lines) + "\n"


def _line(outcome: Outcome) -> str:
    reason = f": {shortened(outcome.reason)}" if outcome.result is not Result.PASSED else ""
    return f"- `{outcome.name}` {outcome.result.value}{reason}"


def shortened(reason: str) -> str:
    """A reason on one short line: without the number that a case's file has here."""
    text = re.sub(r"case_\d{4}(\.onnx)?: ", "", reason).replace("|", "/")
    return text if len(text) <= 110 else f"{text[:107]}..."


def read_page(text: str) -> Mapping[str, str]:
    """Case → result, from the page."""
    return dict(re.findall(r"^- `(\w+)` (\w+)", text, re.MULTILINE))


if __name__ == "__main__":
    made = ConformanceReport("host", run_cases(load_target("host")))
    Path(sys.argv[1]).write_text(page_text(made), encoding="utf-8")
