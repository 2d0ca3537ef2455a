"""Placement by CP-SAT: boxes in the plane of time and memory, and leaves to share as choices."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tilewright.midend.packing import Offsets, Packing
from tilewright.midend.solve import Conflict, Model, Unknown

if TYPE_CHECKING:
    from tilewright.midend.solve import Variable

SOLVER_EFFORT = 4.0
"""Deterministic time of one solve; seconds, more or less."""


def pack_exactly(
    problem: Packing, hint: Offsets, floor: int, stops: Mapping[int, int] | None = None
) -> tuple[Offsets, int]:
    """(offsets, proven lower bound of the extent): never worse than ``hint``.

    hint   a placement that is allowed; returned without any search where it meets the floor
    floor  an extent that is known to be the least possible, or that is good enough
    stops  highest end of some pieces; the others end at the hint's extent or before
    """
    extent = problem.extent(hint)
    if extent <= floor:
        return hint, floor
    model = Model()
    top = model.variable(floor, extent, extent)
    highest = stops or {}
    offsets = [
        model.variable(0, highest.get(index, extent) - piece.size, offset)
        for index, (piece, offset) in enumerate(zip(problem.pieces, hint, strict=True))
    ]
    dying = {reader for _, reader in problem.leaves}
    boxes = [
        # What may be overwritten leaves the plane one half step early; the pairs below judge it.
        (offset, piece.size, piece.start, piece.stop - (index in dying))
        for index, (piece, offset) in enumerate(zip(problem.pieces, offsets, strict=True))
    ]
    model.need_apart(boxes)
    for offset, piece in zip(offsets, problem.pieces, strict=True):
        model.need(offset + piece.size <= top, "everything lies in the arena")
    backward = _keep_gaps(problem, model, offsets)
    # The arena first; among equal arenas, as few steps as possible that run backward.
    model.minimise(top * (len(backward) + 1) + sum(backward))
    result = model.solve(offsets, SOLVER_EFFORT)
    assert not isinstance(result, Conflict), "a placement exists; this is a bug in tilewright"
    if isinstance(result, Unknown):
        return hint, floor
    return result.values, -(-(result.bound - len(backward)) // (len(backward) + 1))


def _keep_gaps(problem: Packing, model: Model, offsets: Sequence["Variable"]) -> list["Variable"]:
    """Post where readers may lie, seen from what is born when they die; choices to run backward."""
    backward: list[Variable] = []
    for reader in {reader for _, reader in problem.leaves}:
        size, last = problem.pieces[reader].size, problem.pieces[reader].stop - 1
        for writer, piece in enumerate(problem.pieces):
            if piece.start != last:
                continue
            gap = problem.gap(writer, reader)
            choices = [
                offsets[reader] >= offsets[writer] + gap.above,
                offsets[reader] <= offsets[writer] - size,
            ]
            if gap.below > -size:
                choices.append(offsets[reader] <= offsets[writer] + gap.below)
            taken = model.need_one_of(
                choices, "a step's output keeps clear of the inputs that it overwrites"
            )
            backward.extend(taken[2:])
    return backward
