"""Work that is counted, not timed: the same on a slow, a fast and a busy machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import pytest


@dataclass
class Work:
    """What was done inside ``counted``.

    calls   of Python functions, turns of generators included
    solver  deterministic time that CP-SAT spent, in its own unit (about a second of a fast core)
    solved  how often it was asked
    """

    calls: int = 0
    solver: float = 0.0
    solved: int = 0


@contextmanager
def counted() -> Iterator[Work]:
    """Count the calls of Python functions in this thread, and the solver's deterministic time."""
    work = Work()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            work.calls += 1

    before = sys.getprofile()
    with counted_solver(work):
        sys.setprofile(note)
        try:
            yield work
        finally:
            sys.setprofile(before)


@contextmanager
def counted_solver(work: Work | None = None) -> Iterator[Work]:
    """Count the solver's deterministic time alone, which costs no time."""
    from ortools.sat.python import cp_model

    work = work or Work()
    solve = cp_model.CpSolver.solve

    def noted(solver: cp_model.CpSolver, *arguments: Any) -> Any:
        status = solve(solver, *arguments)
        work.solver += solver.response_proto.deterministic_time
        work.solved += 1
        return status

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cp_model.CpSolver, "solve", noted)
        yield work
