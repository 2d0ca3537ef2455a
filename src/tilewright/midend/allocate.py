"""Assignment to Plan: every activation and every scratch gets its place in a memory.

First-fit placement is tried before the solver and is enough for most networks: where a placement
meets the lower bound, nothing else is tried.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from math import gcd

from tilewright.errors import CapacityError
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Assignment, Buffer, Overlap, Plan, Step
from tilewright.ir.target import Memory, Role, Target
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
    placed: list[Buffer] = []
    arena_bytes: dict[str, int] = {}
    lower_bound: dict[str, int] = {}
    for memory in target.memories:
        mine = [buffer for buffer in wanted.buffers if buffer.memory == memory.name]
        if not mine:
            continue
        buffers, bound = _place(graph, mine, wanted.leaves, memory)
        arena = _rounded_up(max(b.bytes.stop for b in buffers), max(b.align for b in buffers))
        arena_bytes[memory.name], lower_bound[memory.name] = arena, bound
        placed.extend(buffers)
        log.info(
            "plan: %d buffers, %s %d B, at least %d B", len(buffers), memory.name, arena, bound
        )
    overlaps = _used(wanted.leaves, placed, assignment.steps)
    plan = Plan(target.name, assignment.steps, tuple(placed), overlaps, arena_bytes, lower_bound)
    for name, arena in arena_bytes.items():
        size = target.memory(name).size
        if size is not None and arena > size:
            raise CapacityError(shortfall(plan, target.memory(name), size))
    return plan


def _place(
    graph: Graph, buffers: Sequence[Buffer], leaves: Sequence[Leave], memory: Memory
) -> tuple[list[Buffer], int]:
    """(the buffers of one memory with their offsets, proven lower bound in bytes)."""
    ordered = sorted(buffers, key=lambda buffer: buffer.role is Role.SCRATCH)
    activations = sum(buffer.role is not Role.SCRATCH for buffer in ordered)
    problem, unit = _packing(graph, ordered, leaves)
    capacity = None if memory.size is None else memory.size // unit
    offsets, bound = _pack(problem, activations, capacity)
    pairs = zip(ordered, offsets, strict=True)
    return [replace(buffer, offset=offset * unit) for buffer, offset in pairs], bound * unit


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


def _pack(problem: Packing, activations: int, capacity: int | None) -> tuple[Offsets, int]:
    """(offsets, proven lower bound): activations, which are the first pieces, come first.

    They occupy as little as possible in the fullest step; only then counts what scratch adds,
    unless that is what exceeds the memory's ``capacity``.
    """
    alone = problem.first(activations)
    offsets = pack_greedily(alone.forward())
    if alone.extent(offsets) > alone.lower_bound:
        offsets = min(offsets, pack_greedily(alone), key=alone.extent)
    offsets, bound = pack_exactly(alone, offsets, alone.lower_bound)
    scratch = sorted(
        range(activations, len(problem.pieces)), key=lambda i: (-problem.pieces[i].size, i)
    )
    offsets = problem.first_fit(scratch, dict(enumerate(offsets)))
    floor = max(problem.lower_bound, bound)
    # Activations may move to make way for scratch, but never apart.
    roomy = replace(problem, crowd=activations, room=problem.fullest(offsets, activations))
    for greedy in (roomy.forward(), roomy):
        if roomy.cost(offsets) > floor:
            offsets = min(offsets, pack_greedily(greedy), key=roomy.cost)
    offsets, _ = pack_exactly(roomy, offsets, floor)
    if capacity is not None and problem.extent(offsets) > capacity:
        offsets = min(offsets, pack_greedily(problem), key=problem.extent)
        offsets, floor = pack_exactly(problem, offsets, floor)
    return offsets, floor


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
