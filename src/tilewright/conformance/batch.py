"""The C of compiled cases, run: what became of each."""

from collections.abc import Iterator, Sequence

from tilewright.conformance.compiled_cases import CompiledCase
from tilewright.conformance.outcome import Outcome, Result, difference
from tilewright.ir.target import Target
from tilewright.run.many import Built, Ran, run_many


def outcomes(cases: Sequence[CompiledCase], target: Target) -> Iterator[Outcome]:
    """What the C of each case computes, in the order of the cases."""
    built = [Built(c.compilation.program, c.compilation.bundle, (c.inputs,)) for c in cases]
    for case, ran in zip(cases, run_many(built, target), strict=True):
        yield _outcome(case, ran)


def _outcome(case: CompiledCase, ran: Ran) -> Outcome:
    """Its outputs against those that the standard demands."""
    if isinstance(ran, str):
        return case.outcome.but(Result.WRONG, f"C: {ran}")
    (outputs,) = ran
    for index, array in zip(case.at, outputs, strict=True):
        if text := difference(case.case, index, array):
            return case.outcome.but(Result.WRONG, f"C: {text}")
    return case.outcome
