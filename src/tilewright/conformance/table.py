"""The page of the documentation that says what becomes of every case.

python -m tilewright.conformance.table docs/reference/onnx-operators.md
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tilewright.conformance.outcome import Outcome, Result
from tilewright.conformance.run import KINDS, run_cases
from tilewright.pipeline import load_target

BOARD = "cortex-m4"
"""The emulated board that the page is about, besides the host."""

PAGE_HEAD = """\
# ONNX operators

The node cases that the `onnx` package generates, each compiled, and of those with real inputs a
version in int8: stored inputs behind DequantizeLinear, a QuantizeLinear behind every real result.
Definitions of operators, the C under sanitizers on the host, and the C on an emulated Cortex-M4,
twice in one process, are all compared with what is demanded. A test compares samples of this page
with what `tilewright conformance` finds.

Inputs that exporters write as initialisers (shapes, axes, weights) are initialisers where the
network wants them so; where all inputs are single numbers or lists of sizes (Range, windows), all
of them may be, and the result is then known at import. Reals are float32 inside, plain integers
int32. Results in bfloat16 may be two steps of it from the reference, which rounds after every
operator.
Real results are compared as the case asks, and a difference of 2**-22 of the greatest result counts
for none: where terms cancel (inverse transforms), float32 leaves that much. Of the versions in int8
the reference evaluator's result on what the stored inputs stand for is demanded, stored in turn;
definitions in integers may be one step off, indices and comparisons may not.
"""

Key = tuple[str, str]
"""Kind and name of a case."""


def page_text(host: Sequence[Outcome], board: Sequence[Outcome]) -> str:
    """The whole page. ``board``: of the same cases, or of some of them."""
    lines = [PAGE_HEAD, "| target | kind | cases | passed | refused | wrong |"]
    lines += ["|---|---|--:|--:|--:|--:|", *_totals(host), *_totals(board), ""]
    lines += [
        "| operator | passed | refused | int8: passed | refused | wrong |",
        "|---|--:|--:|--:|--:|--:|",
        *_by_operator(host),
    ]
    for kind, title in zip(KINDS, ("Every case", "Every case in int8"), strict=True):
        found = [outcome for outcome in host if outcome.kind == kind]
        lines += ["", f"## {title}", ""]
        lines += [_line(outcome) for outcome in sorted(found, key=lambda outcome: outcome.name)]
    results = {(outcome.kind, outcome.name): outcome.result for outcome in host}
    other = [o for o in board if results[o.kind, o.name] is not o.result]
    if other:
        lines += ["", f"## Otherwise on {BOARD}", ""]
        lines += [f"{_line(o)} ({o.kind})" for o in sorted(other, key=lambda o: (o.name, o.kind))]
    return "\n".join(lines) + "\n"


def _totals(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for kind in KINDS:
        mine = [outcome for outcome in outcomes if outcome.kind == kind]
        counts = Counter(outcome.result for outcome in mine)
        if mine:
            numbers = " | ".join(str(counts[result]) for result in Result)
            yield f"| {mine[0].target} | {kind} | {len(mine)} | {numbers} |"


def _by_operator(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """A row per operator; models of several nodes together."""
    found: dict[str, Counter[tuple[str, Result]]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.family, Counter())[outcome.kind, outcome.result] += 1
    for name, counts in sorted(found.items()):
        numbers = [counts[kind, r] for kind in KINDS for r in (Result.PASSED, Result.REFUSED)]
        numbers.append(sum(counts[kind, Result.WRONG] for kind in KINDS))
        yield f"| {name} | {' | '.join(map(str, numbers))} |"


def _line(outcome: Outcome) -> str:
    reason = f": {shortened(outcome.reason)}" if outcome.result is not Result.PASSED else ""
    return f"- `{outcome.name}` {outcome.result.value}{reason}"


def shortened(reason: str) -> str:
    """A reason on one short line: without the number that a case's file has here."""
    text = re.sub(r"case_\d{4}(\.onnx)?: ", "", reason).replace("|", "/")
    return text if len(text) <= 110 else f"{text[:107]}..."


def read_page(text: str) -> Mapping[Key, str]:
    """Kind and name → result on the host, from the page."""
    found: dict[Key, str] = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0]
        if title.startswith("Every case"):
            kind = "int8" if title.endswith("int8") else "float"
            lines = re.findall(r"^- `(\w+)` (\w+)", section, re.MULTILINE)
            found |= {(kind, name): result for name, result in lines}
    return found


if __name__ == "__main__":
    host, board = (run_cases(load_target(name)) for name in ("host", BOARD))
    Path(sys.argv[1]).write_text(page_text(host, board), encoding="utf-8")
