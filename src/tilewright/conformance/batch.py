"""The C of compiled cases, run: what became of each."""

from collections.abc import Iterator, Sequence

import numpy as np

from tilewright.conformance.compiled_cases import CompiledCase
from tilewright.conformance.outcome import Outcome, Result, difference
from tilewright.errors import TilewrightError, ToolError
from tilewright.ir.target import Target
from tilewright.run.host import HostOptions
from tilewright.run.inputs import Batch
from tilewright.run.many import Built, Ran, run_many
from tilewright.run.runners import run_bundle


def outcomes(cases: Sequence[CompiledCase], target: Target) -> Iterator[Outcome]:
    """What the C of each case computes, in the order of the cases: on the host a hundred to a
    program, under sanitizers; elsewhere in a program each, twice in one process."""
    if target.name == "host":
        built = [Built(c.compilation.program, c.compilation.bundle, (c.inputs,)) for c in cases]
        results = run_many(built, target)
    else:
        results = map(_ran_alone, cases)
    for case, ran in zip(cases, results, strict=True):
        yield _outcome(case, ran)


def _ran_alone(case: CompiledCase) -> Ran:
    """Raises ToolError where what runs programs of this target is missing."""
    made = case.compilation
    pairs = zip(made.graph.inputs, case.inputs, strict=True)
    batch = Batch({name: array[np.newaxis] for name, array in pairs}, 1, is_batched=False)
    toolchain = made.target.toolchain
    try:
        result = run_bundle(made.bundle, made.program, toolchain, batch, HostOptions(repeat=2))
    except ToolError:
        raise
    except TilewrightError as error:
        return " ".join(str(error).split())
    if not result.runs_identical:
        return "the second run gives other bytes than the first"
    return (tuple(result.outputs[name][0] for name in made.graph.outputs),)


def _outcome(case: CompiledCase, ran: Ran) -> Outcome:
    """Its outputs against those that the standard demands."""
    if isinstance(ran, str):
        return case.outcome.but(Result.WRONG, f"C: {ran}")
    (outputs,) = ran
    for index, array in zip(case.at, outputs, strict=True):
        if text := difference(case.case, index, array):
            return case.outcome.but(Result.WRONG, f"C: {text}")
    return case.outcome
