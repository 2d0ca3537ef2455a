"""The ONNX package's node cases, compiled and run: what ``tilewright conformance`` does."""

from tilewright.conformance.report import ConformanceReport
from tilewright.conformance.run import KINDS, run_cases
from tilewright.errors import OptionError
from tilewright.ir.target import Target
from tilewright.pipeline import load_target


def run_conformance(
    target: Target | str = "host",
    words: tuple[str, ...] = (),
    kinds: tuple[str, ...] = KINDS,
) -> ConformanceReport:
    """The ONNX package's node cases on a target.

    words  those whose names contain one; all where there are none
    kinds  "float": the cases as they are; "int8": their quantised versions
    Raises ToolError where what runs programs of the target is missing.
    """
    machine = load_target(target) if isinstance(target, str) else target
    if machine.toolchain.run is None:
        raise OptionError(f"--target {machine.name}: nothing here runs its programs")
    outcomes = run_cases(machine, lambda n: not words or any(w in n for w in words), kinds)
    return ConformanceReport(machine.name, outcomes)
