"""Assignment to Plan: tiles, residency and memory in one go, for machines with and without DMA.

What fits as it is stays as it is. Otherwise the fastest way that fits is searched among the ways
to cut runs of steps (``fuse`` for one memory, ``reside`` for a near and a far one). The search
counts bytes that are needed at the same time; whether they find places is known only after
``place``, so the limit goes down by what a placement exceeds it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from tilewright.errors import CapacityError, OptionError
from tilewright.ir.graph import Graph
from tilewright.ir.plan import Assignment, Plan
from tilewright.ir.target import Memory, Target
from tilewright.midend.allocate import place
from tilewright.midend.candidates import EFFORTS, Candidates
from tilewright.midend.cut import Cut, whole_cut
from tilewright.midend.explain import shortfall
from tilewright.midend.fuse import Fusion
from tilewright.midend.prefetch import with_early_transfers
from tilewright.midend.reside import Residence

log = logging.getLogger(__name__)

MOST_PLACEMENTS = 6
"""Placements to try for one memory size."""

Search = Callable[[int], tuple[Cut, ...] | None]
"""From a limit to the fastest way to stay below it."""


def plan_memory(
    graph: Graph, assignment: Assignment, target: Target, effort: str = "normal"
) -> Plan:
    """The fastest plan that was found to fit; of equals, the one that moves and needs least.

    effort  quick, normal or best: how many steps may be computed together
    Raises CapacityError where a memory's arena exceeds its size, with a size that would do.
    """
    if effort not in EFFORTS:
        raise OptionError(f"--effort {effort}: there are {', '.join(EFFORTS)}")
    near = target.memory(target.engines[0].works_in)
    if target.home != near.name:
        return _plan_near_and_far(graph, assignment, target, effort)
    cuts = tuple(whole_cut(time, step) for time, step in enumerate(assignment.steps))
    plan = place(graph, cuts, target)
    short = _too_small(plan, target)
    if short is None:
        return plan
    fusion = Fusion(graph, assignment.steps, target, short)
    fused = _fitting(graph, target, short, fusion.cheapest)
    if fused is not None:
        return fused
    raise CapacityError(shortfall(_smallest(graph, target, fusion, plan), plan, short))


def _plan_near_and_far(graph: Graph, assignment: Assignment, target: Target, effort: str) -> Plan:
    near = target.memory(target.engines[0].works_in)
    candidates = Candidates(graph, assignment.steps, target, near, EFFORTS[effort])
    log.info("plan: %d ways to compute %d steps", candidates.count, len(assignment.steps))
    residence = Residence(candidates)
    plan = _fitting(graph, target, near, residence.cheapest)
    if plan is None:
        residence = Residence(replace(candidates, is_lean=True))
        plan = _fitting(graph, target, near, residence.cheapest)
    if plan is None:
        smallest = _smallest_near(graph, target, residence)
        raise CapacityError(shortfall(smallest, smallest, near))
    short = _too_small(plan, target)
    if short is not None:
        raise CapacityError(shortfall(plan, plan, short))
    return plan


def _too_small(plan: Plan, target: Target) -> Memory | None:
    """The first memory whose arena exceeds its size."""
    for memory in target.memories:
        if memory.size is not None and plan.arena_bytes.get(memory.name, 0) > memory.size:
            return memory
    return None


def _fitting(graph: Graph, target: Target, memory: Memory, search: Search) -> Plan | None:
    """The fastest plan that fits the memory; None where none was found."""
    limit = memory.size if memory.size is not None else 1 << 40
    for _ in range(MOST_PLACEMENTS):
        cuts = search(limit)
        if cuts is None:
            return None
        plan = place(graph, cuts, target)
        excess = plan.arena_bytes.get(memory.name, 0) - (memory.size or 1 << 40)
        if excess <= 0:
            return _prefetching(graph, target, memory, cuts, plan)
        limit -= excess
    return None


def _prefetching(
    graph: Graph, target: Target, memory: Memory, cuts: Sequence[Cut], plan: Plan
) -> Plan:
    """The same with transfers that start early, as many as there is room for."""
    for share in (1.0, 0.75, 0.5, 0.25):
        room = None if memory.size is None else int(memory.size * share)
        early = with_early_transfers(graph, target, cuts, room)
        if early == tuple(cuts):
            return plan
        better = place(graph, early, target)
        if memory.size is None or better.arena_bytes[memory.name] <= memory.size:
            return better
    return plan


def _smallest(graph: Graph, target: Target, fusion: Fusion, whole: Plan) -> Plan:
    """The plan with the smallest arena that was found in any way."""
    cuts = fusion.cheapest(fusion.least())
    assert cuts is not None, "the least limit is one that can be met; this is a bug in tilewright"
    name = fusion.memory.name
    return min(place(graph, cuts, target), whole, key=lambda plan: plan.arena_bytes[name])


def _smallest_near(graph: Graph, target: Target, residence: Residence) -> Plan:
    cuts = residence.cheapest(residence.least())
    assert cuts is not None, "the least limit is one that can be met; this is a bug in tilewright"
    return place(graph, cuts, target)
