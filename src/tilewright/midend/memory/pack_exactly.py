"""Placement by CP-SAT: boxes in the plane of time and memory, and leaves to share as choices."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tilewright.midend.memory.pack_to_fit import Verdict, pack_to_fit
from tilewright.midend.memory.packing import Offsets, Packing
from tilewright.midend.solve import Conflict, Model, Unknown

if TYPE_CHECKING:
    from tilewright.midend.solve import Variable

SOLVER_EFFORT = 0.15
"""Deterministic time of one solve; two or three seconds on a machine of 2020."""
FIT_EFFORT = 20_000
"""Steps of a search for a placement that meets the lower bound; about a second."""


def pack_exactly(
    problem: Packing, hint: Offsets, floor: int, enough: int = 0
) -> tuple[Offsets, int]:
    """(offsets, lower bound): never worse than ``hint``.

    hint    a placement that is allowed; returned without any search where it meets the floor
    floor   a lower bound that is proven already
    enough  units that are as good as the floor
    """
    extent, least = problem.extent(hint), max(floor, enough)
    if extent <= least:
        return hint, floor
    if not problem.leaves:
        tight = pack_to_fit(problem.pieces, least, FIT_EFFORT)
        if not isinstance(tight, Verdict):
            return tight, floor
    model, offsets = _model(problem, extent, hint)
    top = model.variable(least, extent, extent)
    for offset, piece in zip(offsets, problem.pieces, strict=True):
        model.need(offset + piece.size <= top, "everything lies in the arena")
    backward = _keep_gaps(problem, model, offsets)
    # The arena first; among equal arenas, as few steps as possible that run backward.
    model.minimise(top * (len(backward) + 1) + sum(backward))
    result = model.solve(offsets, SOLVER_EFFORT)
    assert not isinstance(result, Conflict), "a placement exists; this is a bug in tilewright"
    if isinstance(result, Unknown):
        return hint, floor
    bound = -(-(result.bound - len(backward)) // (len(backward) + 1))
    # Nothing below what is enough was looked for, so nothing is proven about it.
    return result.values, bound if bound > least else floor


def is_too_much(problem: Packing, capacity: int) -> bool:
    """Whether it is proven that the pieces have no places below ``capacity`` units."""
    if problem.lower_bound > capacity:
        return True
    if any(piece.size > capacity for piece in problem.pieces):
        return True
    if not problem.leaves:
        return pack_to_fit(problem.pieces, capacity, FIT_EFFORT) is Verdict.IMPOSSIBLE
    model, offsets = _model(problem, capacity)
    _keep_gaps(problem, model, offsets)
    return isinstance(model.solve(offsets, SOLVER_EFFORT, explains=False), Conflict)


def _model(
    problem: Packing, most: int, hint: Offsets | None = None
) -> tuple[Model, list["Variable"]]:
    """(a model of pieces that end at or below ``most`` and stay apart, their offsets)"""
    model = Model()
    offsets = [
        model.variable(0, most - piece.size, None if hint is None else hint[index])
        for index, piece in enumerate(problem.pieces)
    ]
    # What may be overwritten leaves the plane when that begins; the gaps judge the rest.
    stops = [piece.stop for piece in problem.pieces]
    for writer, reader in problem.leaves:
        stops[reader] = problem.pieces[writer].start
    boxes = [
        (offset, piece.size, piece.start, stop)
        for piece, offset, stop in zip(problem.pieces, offsets, stops, strict=True)
    ]
    model.need_apart(boxes)
    return model, offsets


def _keep_gaps(problem: Packing, model: Model, offsets: Sequence["Variable"]) -> list["Variable"]:
    """Post where readers may lie, seen from what is born when they die; choices to run backward."""
    backward: list[Variable] = []
    because = "a step's output keeps clear of the inputs that it overwrites"
    for overwriter, reader in sorted(problem.leaves, key=lambda pair: pair[1]):
        size, stop = problem.pieces[reader].size, problem.pieces[reader].stop
        x, since = offsets[reader], problem.pieces[overwriter].start
        for writer, piece in enumerate(problem.pieces):
            if not since <= piece.start < stop or writer == reader:
                continue
            y, gap = offsets[writer], problem.gap(writer, reader)
            forward, clear, behind = x >= y + gap.above, x + size <= y, x <= y + gap.below
            choices = [(forward,), (clear,), *([(x == y,)] if gap.may_replace else []), (behind,)]
            backward.append(model.need_one_of(choices, because)[-1])
    return backward
