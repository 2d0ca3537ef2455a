"""A finding as a folder: the smallest model, and the command that shows it."""

import shlex
from dataclasses import replace
from pathlib import Path

from tilewright.errors import OptionError
from tilewright.fuzz.cases import Case, Finding


def write_reproducer(case: Case, found: Finding, folder: Path) -> Finding:
    """Write ``folder/seed_S_case_N``; the finding with where that is. Raises OptionError."""
    place = folder / f"seed_{found.seed}_case_{found.case}"
    model = place / "model.onnx"
    words = ["tilewright", "verify", str(model), "--target", found.target, "--effort", "quick"]
    for name, size in found.memory.items():
        words += ["--memory", f"{name}={size}"]
    for after, before in case.drawn.states:
        words += ["--state", f"{after}={before}"]
    if found.kind == "C":
        words.append("--sanitize")
    lines = [
        f"kind: {found.kind}", f"seed {found.seed}, case {found.case}, target {found.target}",
        "", found.detail, "", shlex.join(words), "",
    ]  # fmt: skip
    try:
        place.mkdir(parents=True, exist_ok=True)
        model.write_bytes(case.drawn.model.SerializeToString())
        (place / "finding.txt").write_text("\n".join(lines), encoding="utf-8")
    except OSError as error:
        raise OptionError(
            f"{place}: cannot be written: {error.strerror}; give another folder with -o"
        ) from None
    return replace(found, nodes=len(case.drawn.model.graph.node), reproducer=str(place))
