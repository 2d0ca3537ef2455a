"""Which steps may be computed together, and in which order: sets of steps of which only the last
one's result is seen from outside. They need not follow one another in the plan's first order; as
everything inside leads to that one result, no other step has to stand between them.
"""

from collections.abc import Iterator, Mapping, Sequence

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Step
from tilewright.ir.types import Span
from tilewright.midend.dataflow import is_part


def readers_of(steps: Sequence[Step]) -> dict[ValueName, frozenset[int]]:
    """Value → the steps that read it; a view is one of them."""
    readers: dict[ValueName, set[int]] = {}
    for index, step in enumerate(steps):
        for name in step.node.inputs:
            readers.setdefault(name, set()).add(index)
    return {name: frozenset(found) for name, found in readers.items()}


def fusible(graph: Graph, steps: Sequence[Step], longest: int) -> Iterator[tuple[int, ...]]:
    """Every set of 2 to ``longest`` steps, by index in ascending order, the last one last."""
    readers = readers_of(steps)
    makers = {step.node.output: i for i, step in enumerate(steps) if step.kernel is not None}
    inner = {name: i for name, i in makers.items() if name not in graph.outputs}
    for last in makers.values():
        if is_part(graph, steps[last].node.output):  # it changes what others of its run may read
            continue
        yield from _grown(steps, (last,), inner, readers, longest)


def sums_and_finish(graph: Graph, steps: Sequence[Step]) -> Iterator[tuple[int, int]]:
    """Pairs of steps of which the first makes sums that nobody but the second reads."""
    readers = readers_of(steps)
    for index, step in enumerate(steps):
        name = step.node.output
        found = readers.get(name, frozenset())
        is_sum = step.node.op.on_part(Span(0, 1)) is not None
        if is_sum and len(found) == 1 and name not in graph.outputs:
            yield index, min(found)


def with_sums_late(graph: Graph, steps: Sequence[Step]) -> tuple[Step, ...]:
    """The same order, but sums stand just before their finish: the two are computed together."""
    finishes = dict(sums_and_finish(graph, steps))
    sums = {finish: index for index, finish in finishes.items()}
    ordered: list[Step] = []
    for index, step in enumerate(steps):
        if index in sums:
            ordered.append(steps[sums[index]])
        if index not in finishes:
            ordered.append(step)
    return tuple(ordered)


def _grown(
    steps: Sequence[Step],
    members: tuple[int, ...],
    makers: Mapping[ValueName, int],
    readers: Mapping[ValueName, frozenset[int]],
    longest: int,
) -> Iterator[tuple[int, ...]]:
    """Further steps come in descending order, so that every set is found once: whoever reads a
    step's result has a higher index."""
    if len(members) > 1:
        yield members
    if len(members) == longest:
        return
    first, engine = min(members), steps[max(members)].engine
    assert engine is not None
    found = {makers[n] for i in members for n in steps[i].node.inputs if n in makers}
    for before in sorted(found, reverse=True):
        other = steps[before].engine
        is_near = other is not None and other.near == engine.near
        is_inner = readers[steps[before].node.output] <= {*members}
        if before < first and is_near and is_inner:
            yield from _grown(steps, (before, *members), makers, readers, longest)


def beside_first(steps: Mapping[int, Step]) -> tuple[int, ...]:
    """The steps of one run, in an order that the data allow: those that run beside the core as
    early as may be, so that the core works meanwhile. ``steps``: by index, ascending."""
    makers = {step.node.output: index for index, step in steps.items()}
    needs = {
        index: {makers[name] for name in step.node.inputs if name in makers}
        for index, step in steps.items()
    }
    order: list[int] = []
    while len(order) < len(steps):
        ready = [i for i in steps if i not in order and needs[i] <= {*order}]
        order.append(min(ready, key=lambda i: (not _is_beside(steps[i]), i)))
    return tuple(order)


def _is_beside(step: Step) -> bool:
    return step.engine is not None and step.engine.is_asynchronous
