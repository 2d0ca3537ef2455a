"""Assignment to Plan: every activation and every scratch gets its place in a memory.

First-fit placement is tried before the solver and is enough for most networks: where a placement
meets the lower bound, nothing else is tried.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from math import gcd
from typing import NamedTuple

from tilewright.errors import CapacityError
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Assignment, Buffer, Overlap, Plan, Step
from tilewright.ir.target import Role, Target
from tilewright.midend.explain import shortfall
from tilewright.midend.lifetimes import Leave, demand
from tilewright.midend.overlap import Gap, longest_piece
from tilewright.midend.pack_exactly import pack_exactly
from tilewright.midend.pack_greedily import pack_greedily
from tilewright.midend.packing import Offsets, Packing, Piece

log = logging.getLogger(__name__)


def plan_memory(graph: Graph, assignment: Assignment, target: Target) -> Plan:
    """The plan with the smallest arena that was found, and what is proven about it.

    Raises CapacityError where a memory's arena exceeds its size.
    """
    wanted = demand(graph, assignment.steps, target)
    arenas: dict[str, _Arena] = {}
    for memory in target.memories:
        mine = [buffer for buffer in wanted.buffers if buffer.memory == memory.name]
        if mine:
            arena = arenas[memory.name] = _place(graph, mine, wanted.leaves)
            log.info(
                "plan: %d buffers, %s %d B (activations %d B, at least %d B)",
                len(mine), memory.name, arena.total, arena.activations, arena.bound,
            )  # fmt: skip
    placed = tuple(buffer for arena in arenas.values() for buffer in arena.buffers)
    plan = Plan(
        target.name,
        assignment.steps,
        placed,
        _used(wanted.leaves, placed, assignment.steps),
        {name: arena.total for name, arena in arenas.items()},
        {name: arena.activations for name, arena in arenas.items()},
        {name: arena.bound for name, arena in arenas.items()},
    )
    for name, arena in arenas.items():
        size = target.memory(name).size
        if size is not None and arena.total > size:
            raise CapacityError(shortfall(plan, target.memory(name), size))
    return plan


class _Arena(NamedTuple):
    """One memory's buffers with their offsets; bytes in all, for activations alone, and proven to
    be needed."""

    buffers: tuple[Buffer, ...]
    total: int
    activations: int
    bound: int


def _place(graph: Graph, buffers: Sequence[Buffer], leaves: Sequence[Leave]) -> _Arena:
    ordered = sorted(buffers, key=lambda buffer: buffer.role is Role.SCRATCH)
    activations = sum(buffer.role is not Role.SCRATCH for buffer in ordered)
    problem, unit = _packing(graph, ordered, leaves)
    alone = problem.first(activations)
    offsets, bound = _pack(alone, alone.lower_bound)
    least = alone.extent(offsets)
    if activations < len(ordered):
        offsets, bound = _pack(problem, max(problem.lower_bound, bound))
    pairs = zip(ordered, offsets, strict=True)
    return _Arena(
        tuple(replace(buffer, offset=offset * unit) for buffer, offset in pairs),
        problem.extent(offsets) * unit,
        least * unit,
        bound * unit,
    )


def _packing(
    graph: Graph, buffers: Sequence[Buffer], leaves: Sequence[Leave]
) -> tuple[Packing, int]:
    """(the buffers as pieces, bytes of one unit): the unit divides every size and distance."""
    align = max(buffer.align for buffer in buffers)
    index = {buffer.name: i for i, buffer in enumerate(buffers)}
    sizes = [_rounded_up(buffer.size, align) for buffer in buffers]
    gaps = {
        (index[leave.writer], index[leave.reader]): Gap(
            leave.gap.below // align * align, _rounded_up(leave.gap.above, align)
        )
        for leave in leaves
        if leave.writer in index
    }
    unit = gcd(*sizes, *(distance for gap in gaps.values() for distance in gap))
    pieces = [
        Piece(size // unit, 0 if buffer.name in graph.inputs else start * 2 + 1, stop * 2)
        for size, buffer in zip(sizes, buffers, strict=True)
        for start, stop in ((buffer.lifetime.start, buffer.lifetime.stop),)
    ]
    in_units = {pair: Gap(gap.below // unit, gap.above // unit) for pair, gap in gaps.items()}
    return Packing(tuple(pieces), in_units), unit


def _pack(problem: Packing, floor: int) -> tuple[Offsets, int]:
    """(offsets, proven lower bound): the cheapest way that meets ``floor``, or else the best."""
    offsets = pack_greedily(problem.forward())
    if problem.extent(offsets) > floor:
        offsets = min(offsets, pack_greedily(problem), key=problem.extent)
    return pack_exactly(problem, offsets, floor)


def _used(
    leaves: Sequence[Leave], buffers: Sequence[Buffer], steps: Sequence[Step]
) -> tuple[Overlap, ...]:
    """The leaves that the placement makes use of."""
    where = {buffer.name: buffer.bytes for buffer in buffers}
    used: list[Overlap] = []
    for leave in leaves:
        writer, reader = where[leave.writer], where[leave.reader]
        if writer.start >= reader.stop or reader.start >= writer.stop:
            continue
        distance = reader.start - writer.start
        piece = 0
        if distance < leave.gap.above:
            piece = longest_piece(steps[leave.step], leave.inputs, distance)
        used.append(Overlap(leave.step, leave.writer, leave.reader, distance, piece))
    return tuple(used)


def _rounded_up(size: int, align: int) -> int:
    return -(-size // align) * align
