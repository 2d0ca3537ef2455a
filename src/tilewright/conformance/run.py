"""Every case, or some of them, on one target."""

from collections.abc import Callable, Sequence

from tilewright.conformance.batch import outcomes
from tilewright.conformance.cases import NodeCase, node_cases
from tilewright.conformance.compiled_cases import CompiledCase, compiled_case
from tilewright.conformance.outcome import Outcome
from tilewright.ir.target import Target


def run_cases(
    target: Target, wanted: Callable[[str], bool] = lambda name: True
) -> tuple[Outcome, ...]:
    """The outcomes of the cases whose names are wanted, in the package's order."""
    cases: Sequence[NodeCase] = [case for case in node_cases() if wanted(case.name)]
    made = [compiled_case(case, number, target) for number, case in enumerate(cases)]
    ran = outcomes([item for item in made if isinstance(item, CompiledCase)], target)
    return tuple(next(ran) if isinstance(item, CompiledCase) else item for item in made)
