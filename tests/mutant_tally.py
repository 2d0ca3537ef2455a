"""Mutants before the judge and in C: what it refuses, and whether what it accepts is right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from mutant_programs import KINDS, mutate
from mutant_runs import Case, are_right
from mutants import Drawn, Mutant, draw_plan
from tilewright.check.judge import PlanError, check_program

CASES_PER_BUILD = 64


@dataclass(slots=True)
class Tally:
    """Mutants of one kind.

    unstaged  no program can be made from the plan
    refused   by the judge; ``refused_wrong`` of ``refused_run`` were run and are wrong indeed
    accepted  by the judge, and run; ``holes``: they are wrong
    """

    made: int = 0
    unstaged: int = 0
    refused: int = 0
    refused_run: int = 0
    refused_wrong: int = 0
    accepted: int = 0
    holes: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """One mutant and the judge's word: None where it accepts it."""

    drawn: Drawn
    mutant: Mutant
    finding: str | None
    seed: int


def judged(drawn: Drawn, mutant: Mutant, seed: int) -> Judged:
    """Ask the judge."""
    if mutant.program is None:
        return Judged(drawn, mutant, "cannot be staged", seed)
    try:
        check_program(mutant.program, drawn.graph, drawn.target)
    except PlanError as error:
        return Judged(drawn, mutant, str(error), seed)
    return Judged(drawn, mutant, None, seed)


def mutants_of(seed: int, per_kind: int) -> Iterable[Judged]:
    """Those of one drawn plan."""
    random = Random(seed)
    drawn = draw_plan(random)
    yield judged(drawn, Mutant("none", drawn.program), seed)
    for kind in KINDS:
        for _ in range(per_kind):
            mutant = mutate(random, drawn, kind)
            if mutant is not None:
                yield judged(drawn, mutant, seed)


def tally(seeds: Iterable[int], per_kind: int, share: float, folder: Path) -> dict[str, Tally]:
    """Mutants of the plans that are drawn with ``seeds``; all that the judge accepts are run, of
    those that it refuses about ``share``. ``folder``: for builds."""
    random = Random(0)
    tallies = {kind: Tally() for kind in ("none", *KINDS)}
    pending: list[Judged] = []
    for seed in seeds:
        for one in mutants_of(seed, per_kind):
            count = tallies[one.mutant.kind]
            count.made += 1
            count.unstaged += one.mutant.program is None
            count.refused += one.mutant.program is not None and one.finding is not None
            count.accepted += one.finding is None
            chosen = one.finding is None or random.random() < share
            if chosen and one.mutant.program is not None:
                pending.append(one)
        if len(pending) >= CASES_PER_BUILD:
            _run(pending, tallies, folder)
            pending = []
    _run(pending, tallies, folder)
    return tallies


def _run(pending: Sequence[Judged], tallies: dict[str, Tally], folder: Path) -> None:
    programs = ((one, one.mutant.program) for one in pending)
    cases = [Case(one.drawn, program) for one, program in programs if program is not None]
    for one, is_right in zip(pending, are_right(cases, folder), strict=True):
        count = tallies[one.mutant.kind]
        if one.finding is None:
            count.holes += not is_right
        else:
            count.refused_run += 1
            count.refused_wrong += not is_right
