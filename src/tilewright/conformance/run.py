"""Every case, or some of them, on one target."""

from collections.abc import Callable, Sequence

from tilewright.conformance.batch import outcomes
from tilewright.conformance.cases import node_cases
from tilewright.conformance.compiled_cases import CompiledCase, compiled_case
from tilewright.conformance.outcome import Outcome
from tilewright.conformance.quantised import quantised
from tilewright.ir.target import Target

KINDS = "float", "int8"


def run_cases(
    target: Target,
    wanted: Callable[[str], bool] = lambda name: True,
    kinds: Sequence[str] = KINDS,
) -> tuple[Outcome, ...]:
    """The outcomes of the cases whose names are wanted, in the package's order, those of one kind
    after those of another."""
    cases = [case for case in node_cases() if wanted(case.name)]
    versions = [(case, "float") for case in cases if "float" in kinds]
    if "int8" in kinds:
        versions += [(found, "int8") for case in cases if (found := quantised(case)) is not None]
    made = [
        compiled_case(case, kind, number, target) for number, (case, kind) in enumerate(versions)
    ]
    ran = outcomes([item for item in made if isinstance(item, CompiledCase)], target)
    return tuple(next(ran) if isinstance(item, CompiledCase) else item for item in made)
