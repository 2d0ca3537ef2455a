"""From a graph to its plan: assignment, planning, and splitting of what fits in no other way."""

from collections.abc import Iterable
from dataclasses import dataclass

from tilewright.ir.graph import Graph
from tilewright.ir.plan import Assignment, Plan
from tilewright.ir.target import Target
from tilewright.midend.assign import assign
from tilewright.midend.layouts import one_constant_per_layout
from tilewright.midend.pins import PinWishes, pins_for
from tilewright.midend.plan_memory import plan_or_shortage
from tilewright.midend.refusals.remedies import Request
from tilewright.midend.split import hopeless, oversized, split_nodes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user wants of a plan.

    effort  how long to look for it
    spare   share of the cycles that fewer kernels may cost, see midend/few_kernels.py
    """

    effort: str
    pins: PinWishes
    spare: float


def solved(graph: Graph, target: Target, wanted: Wanted) -> tuple[Graph, Assignment, Plan]:
    """The graph that is computed, and its plan.

    Nodes that can fit in no other way are split: at once, or when planning has failed. What is
    pinned stays one node. Raises CompileError where nothing fits.
    """
    graph = one_constant_per_layout(graph, target)
    assignment = _assigned(graph, target, wanted)
    pinned = {pin.name for pin in assignment.pins}
    if names := hopeless(graph, assignment, target) - pinned:
        graph = split_and_laid_out(graph, names, target)
        assignment = _assigned(graph, target, wanted)
    found = plan_or_shortage(Request(graph, assignment, target, wanted.effort))
    if isinstance(found, Plan):
        return graph, assignment, found
    names = oversized(graph, assignment, target) - pinned
    if not names:
        raise found.refusal()
    parts = split_and_laid_out(graph, names, target)
    in_parts = _assigned(parts, target, wanted)
    again = plan_or_shortage(Request(parts, in_parts, target, wanted.effort))
    if isinstance(again, Plan):
        return parts, in_parts, again
    raise min(found, again, key=lambda shortage: shortage.excess).refusal()


def split_and_laid_out(graph: Graph, names: Iterable[str], target: Target) -> Graph:
    """Some nodes in parts, and every constant in the layouts that its readers want."""
    return one_constant_per_layout(split_nodes(graph, names), target)


def _assigned(graph: Graph, target: Target, wanted: Wanted) -> Assignment:
    return assign(graph, target, pins_for(wanted.pins, graph, target), wanted.spare)
