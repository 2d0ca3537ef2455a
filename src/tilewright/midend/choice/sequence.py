"""From ways in issue order to cuts that know their place in the plan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from tilewright.ir.graph import ValueName
from tilewright.ir.plan import Step
from tilewright.midend.choice.joint_ways import Net, Way, delay
from tilewright.midend.tiling.cut import Cut, whole_cut


def sequence(net: Net, steps: Sequence[Step], ways: Sequence[Way]) -> tuple[Cut, ...]:
    """Cuts of a whole plan; every view comes right after what it is a view of.

    steps  all steps, views included
    ways   in issue order
    """
    views: dict[ValueName, list[Step]] = {}
    for step in steps:
        if step.kernel is None:
            views.setdefault(net.alive.shown[step.node.output], []).append(step)
    cuts: list[Cut] = []
    time, before = 0, None
    for name in net.graph.inputs:
        cuts += _views(views, name, time)
        time = sum(cut.span.size for cut in cuts)
    for way in ways:
        cut = way.cut.at(time)
        if way.early:
            cut = replace(cut, group=replace(cut.group, early=way.early), early_since=before)
        cuts.append(cut)
        before, time = time, cut.span.stop
        cuts += _views(views, way.makes, time)
        time += len(views.get(way.makes, ()))
    return tuple(cuts)


def _views(
    views: Mapping[ValueName, Sequence[Step]], tensor: ValueName, time: int
) -> Iterator[Cut]:
    for offset, step in enumerate(views.get(tensor, ())):
        yield whole_cut(time + offset, step)


def cycles_of(ways: Sequence[Way]) -> int:
    """Cycles of ways one after the other, with what early transfers cost the run before."""
    pairs = pairwise(ways)
    return sum(way.cycles for way in ways) + sum(delay(one, two) for one, two in pairs)
