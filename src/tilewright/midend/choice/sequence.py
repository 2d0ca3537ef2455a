"""From ways in issue order to cuts that know their place in the plan."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from tilewright.ir.graph import ValueName
from tilewright.ir.plan import Step
from tilewright.midend.choice.ways import Net, Way, delay
from tilewright.midend.tiling.cut import Cut, whole_cut


def sequence(net: Net, steps: Sequence[Step], ways: Sequence[Way]) -> tuple[Cut, ...]:
    """Cuts of a whole plan; every view comes as soon as its inputs are there.

    steps  all steps, views included
    ways   in issue order
    """
    views = [step for step in steps if step.kernel is None]
    known = {*net.graph.inputs}
    cuts: list[Cut] = [*_views(views, known, 0)]
    time, before = len(cuts), None
    for way in ways:
        cut = way.cut.at(time)
        if way.early:
            cut = replace(cut, group=replace(cut.group, early=way.early), early_since=before)
        cuts.append(cut)
        before, time = time, cut.span.stop
        known |= {way.makes}
        shown = [*_views(views, known, time)]
        cuts += shown
        time += len(shown)
    return tuple(cuts)


def _views(views: list[Step], known: set[ValueName], time: int) -> Iterator[Cut]:
    """Views of which everything is known, taken out of ``views``: they are then known, too."""
    for step in [*views]:
        if known >= {*step.node.inputs}:
            views.remove(step)
            known.add(step.node.output)
            yield whole_cut(time, step)
            time += 1


def cycles_of(ways: Sequence[Way]) -> int:
    """Cycles of ways one after the other, with what early transfers cost the run before."""
    pairs = pairwise(ways)
    return sum(way.cycles for way in ways) + sum(delay(one, two) for one, two in pairs)
