"""Transfers that start behind the run before: constants, and other first parts that are known by
then, travel while something else is computed.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.target import Target
from tilewright.midend.cut import Cut
from tilewright.midend.lifetimes import demand


def with_early_transfers(
    graph: Graph, target: Target, cuts: Sequence[Cut], room: int | None
) -> tuple[Cut, ...]:
    """The cuts, with every constant early for which near memory has room in the run before.

    room  bytes that buffers of the near memory may take together; None: no limit
    """
    chosen = list(cuts)
    working = [i for i, cut in enumerate(cuts) if cut.steps[0].kernel is not None]
    near = target.engines[0].works_in
    used = _used(graph, chosen, target, near)
    for before, index in pairwise(working):
        cut = cuts[index]
        spare = (
            None
            if room is None
            else room - max(used[cuts[before].span.start : cuts[index].span.start])
        )
        early: set[ValueName] = set()
        for name, size in sorted(cut.parts.items(), key=lambda part: part[1]):
            travels = cut.group.holds[name].is_copied
            if name not in graph.constants or not travels:
                continue
            if spare is not None and size > spare:
                break
            spare = None if spare is None else spare - size
            early.add(name)
        since = cuts[before].span.start if early else cut.early_since
        group = replace(cut.group, early=frozenset(early))
        chosen[index] = replace(cut, group=group, early_since=since)
    return tuple(chosen)


def _used(graph: Graph, cuts: Sequence[Cut], target: Target, near: str) -> list[int]:
    """Bytes of buffers that are alive in each step, sharing disregarded."""
    steps = sum(len(cut.steps) for cut in cuts)
    used = [0] * steps
    for buffer in demand(graph, cuts, target).buffers:
        if buffer.memory == near:
            for time in range(buffer.lifetime.start, buffer.lifetime.stop):
                used[time] += buffer.size + -buffer.size % target.memory(near).align
    return used
