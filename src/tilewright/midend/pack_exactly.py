"""Placement by CP-SAT: boxes in the plane of time and memory, and leaves to share as choices."""

from collections.abc import Mapping

from tilewright.midend.packing import Offsets, Packing
from tilewright.midend.solve import Conflict, Model, Solved

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
    for reader in dying:
        last = problem.pieces[reader].stop - 1
        for writer, piece in enumerate(problem.pieces):
            if piece.start == last:
                distance = problem.leaves.get((writer, reader), piece.size)
                model.need_either(
                    offsets[reader] >= offsets[writer] + distance,
                    offsets[reader] + problem.pieces[reader].size <= offsets[writer],
                    "a step's output stays behind the inputs that it overwrites",
                )
    model.minimise(top)
    result = model.solve(offsets, SOLVER_EFFORT)
    assert not isinstance(result, Conflict), "a placement exists; this is a bug in tilewright"
    return (result.values, result.bound) if isinstance(result, Solved) else (hint, floor)
