"""From the way in which steps are computed to a Plan: every buffer gets its place in a memory.

First-fit placement is tried before the solver and is enough for most networks: where a placement
meets the lower bound, nothing else is tried.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from math import gcd
from typing import NamedTuple

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Buffer, BufferName, Overlap, Plan, Step
from tilewright.ir.target import Role
from tilewright.midend.memory.lifetimes import Leave, activation_reads, demand, storage_of
from tilewright.midend.memory.pack_exactly import is_too_much, pack_exactly
from tilewright.midend.memory.pack_greedily import pack_greedily
from tilewright.midend.memory.packing import Offsets, Packing, Piece
from tilewright.midend.places import Places
from tilewright.midend.tiling.cut import Cut
from tilewright.midend.tiling.overlap import Gap, longest_piece

log = logging.getLogger(__name__)

CLOSE = 128
"""A placement that fits its memory may exceed what is proven to be needed by this share of it."""


def place(graph: Graph, cuts: Sequence[Cut], places: Places, *, is_draft: bool = False) -> Plan:
    """A plan for steps that are computed in a given way. Nothing is said about sizes.

    is_draft  whether any places do that fit the memories
    """
    wanted, target = demand(graph, cuts, places), places.target
    steps = tuple(step for cut in cuts for step in cut.steps)
    arenas: dict[str, _Arena] = {}
    for memory in target.memories:
        mine = [buffer for buffer in wanted.buffers if buffer.memory == memory.name]
        if mine:
            arena = arenas[memory.name] = _place(
                graph, mine, wanted.leaves, memory.size or 0, is_draft=is_draft
            )
            log.info(
                "planning: %d buffers, %s %d B (activations %d B, at least %d B)",
                len(mine), memory.name, arena.total, arena.activations, arena.bound,
            )  # fmt: skip
    ordered = sorted(graph.states, key=lambda state: state.name)
    states = [BufferName(state.before) for state in ordered]
    placed = tuple(
        buffer for arena in arenas.values() for buffer in with_first(arena.buffers, states)
    )
    return Plan(
        target.name,
        steps,
        placed,
        _used(wanted.leaves, placed, steps, graph),
        {name: arena.total for name, arena in arenas.items()},
        {name: arena.activations for name, arena in arenas.items()},
        {name: arena.bound for name, arena in arenas.items()},
        tuple(cut.group for cut in cuts),
        constants=places.constants,
        constant_bytes=places.taken,
    )


def cannot_fit(graph: Graph, buffers: Sequence[Buffer], leaves: Sequence[Leave], size: int) -> bool:
    """Whether it is proven that these buffers of one memory have no places in ``size`` bytes."""
    names = {buffer.name for buffer in buffers}
    inside = [leave for leave in leaves if {leave.writer, leave.reader} <= names]
    problem, unit = _packing(graph, buffers, inside)
    return is_too_much(problem, size // unit)


def with_first(buffers: Sequence[Buffer], pinned: Sequence[BufferName]) -> tuple[Buffer, ...]:
    """The same placement with buffers that are alive all the time moved to its beginning, in the
    order given: their offsets then depend on nothing else that is placed."""
    named = {buffer.name: buffer for buffer in buffers}
    moved = [named[name] for name in pinned if name in named]
    sizes = {b.name: _rounded_up(b.size, b.align) for b in moved}
    placed: dict[BufferName, Buffer] = {}
    offset = 0
    for buffer in moved:
        placed[buffer.name] = replace(buffer, offset=offset)
        offset += sizes[buffer.name]
    for buffer in buffers:
        if buffer.name not in placed:
            # Nothing shares with a pinned buffer: what lay above this one now lies below it.
            above = sum(sizes[b.name] for b in moved if b.offset > buffer.offset)
            placed[buffer.name] = replace(buffer, offset=buffer.offset + above)
    return tuple(placed[buffer.name] for buffer in buffers)


class _Arena(NamedTuple):
    """One memory's buffers with their offsets; bytes in all, for activations alone, and proven to
    be needed."""

    buffers: tuple[Buffer, ...]
    total: int
    activations: int
    bound: int


def _place(
    graph: Graph,
    buffers: Sequence[Buffer],
    leaves: Sequence[Leave],
    size: int = 0,
    *,
    is_draft: bool = False,
) -> _Arena:
    """``size``: bytes of the memory. What fits need not be the very best; 0: it does."""
    ordered = sorted(buffers, key=lambda buffer: buffer.role is Role.SCRATCH)
    activations = sum(buffer.role is not Role.SCRATCH for buffer in ordered)
    problem, unit = _packing(graph, ordered, leaves)
    alone = problem.first(activations)
    share = 1 if is_draft else CLOSE
    if size and any(buffer.role is Role.TILE for buffer in buffers):
        # Parts of tensors and scratch take turns: nobody asks what there would be without scratch.
        without, bound = pack_greedily(alone.forward(), size // unit), alone.lower_bound
    else:
        without, bound = _pack(alone, alone.lower_bound, size // unit, share)
    offsets, least = without, alone.extent(without)
    if activations < len(ordered):
        offsets, bound = _pack(problem, max(problem.lower_bound, bound), size // unit, share)
        least = min(least, alone.extent(offsets[:activations]))
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
            leave.gap.below // align * align,
            _rounded_up(leave.gap.above, align),
            leave.gap.may_replace,
        )
        for leave in leaves
        if leave.writer in index
    }
    unit = gcd(*sizes, *(distance for gap in gaps.values() for distance in gap[:2]))
    pieces = [
        Piece(size // unit, 0 if buffer.name in graph.inputs else start * 2 + 1, stop * 2)
        for size, buffer in zip(sizes, buffers, strict=True)
        for start, stop in ((buffer.lifetime.start, buffer.lifetime.stop),)
    ]
    in_units = {
        pair: Gap(gap.below // unit, gap.above // unit, gap.may_replace)
        for pair, gap in gaps.items()
    }
    return Packing(tuple(pieces), in_units), unit


def _pack(problem: Packing, floor: int, size: int, share: int) -> tuple[Offsets, int]:
    """(offsets, proven lower bound): the cheapest way that meets ``floor``, or else the best; in a
    memory of a given size, one that fits and exceeds the floor by no more than a share of it."""
    enough = size if share == 1 else min(size, floor + floor // share)
    offsets = pack_greedily(problem.forward(), enough)
    if problem.extent(offsets) > max(floor, enough):
        offsets = min(offsets, pack_greedily(problem, enough), key=problem.extent)
    return pack_exactly(problem, offsets, floor, enough)


def _used(
    leaves: Sequence[Leave], buffers: Sequence[Buffer], steps: Sequence[Step], graph: Graph
) -> tuple[Overlap, ...]:
    """The leaves that the placement makes use of."""
    where = {buffer.name: buffer.bytes for buffer in buffers}
    shown = storage_of(steps)
    used: list[Overlap] = []
    for leave in leaves:
        writer, reader = where[leave.writer], where[leave.reader]
        if writer.start >= reader.stop or reader.start >= writer.stop:
            continue
        distance = reader.start - writer.start
        piece = 0
        if distance < leave.gap.above and not leave.gap.may_replace:
            step = steps[leave.step]
            positions = activation_reads(graph, step, shown)[ValueName(leave.reader)]
            piece = longest_piece(step, positions, distance)
        used.append(Overlap(leave.step, leave.writer, leave.reader, distance, piece))
    return tuple(used)


def _rounded_up(size: int, align: int) -> int:
    return -(-size // align) * align
