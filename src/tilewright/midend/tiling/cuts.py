"""All cuts of runs of steps, each kind of run looked at once.

Networks repeat themselves: what can be done with a run depends on its operators, types, kernels and
engines, and on which of its tensors are constants or ends of the network, but not on names.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tilewright.ir.graph import Graph, ValueName
from tilewright.ir.plan import Step
from tilewright.ir.types import TensorType
from tilewright.midend.places import Places
from tilewright.midend.tiling.cut import Cut
from tilewright.midend.tiling.runs import Run
from tilewright.midend.tiling.stream import StreamedRun, packed_types
from tilewright.midend.tiling.tilings import Tilings

Item = TypeVar("Item")


@dataclass
class Cuts:
    """Cuts by kind of run. Not frozen: it remembers what it looked at.

    ends    inputs and outputs of the network, views of them included
    shapes  tile shapes of one run that are looked at
    is_lean  whether the smallest tiles are, too
    """

    graph: Graph
    places: Places
    ends: frozenset[ValueName]
    shapes: int
    is_lean: bool = False
    _known: dict[Hashable, list[Cut]] = field(init=False, default_factory=dict[Hashable, list[Cut]])
    _packed: dict[tuple[ValueName, str], Mapping[ValueName, TensorType]] = field(
        init=False, default_factory=dict[tuple[ValueName, str], Mapping[ValueName, TensorType]]
    )
    _tilings: Tilings = field(init=False, default_factory=Tilings)
    _chosen: dict[Hashable, list[tuple[int, int]]] = field(
        init=False, default_factory=dict[Hashable, list[tuple[int, int]]]
    )

    def of(self, members: tuple[Step, ...], start: int) -> list[Cut]:
        """Every way to compute a run that begins as step ``start``."""
        packed = {n: type_ for step in members for n, type_ in self._packed_types(step).items()}
        kind = self._kind(members, packed)
        if kind not in self._known:
            steps = Run(self.graph, members, start, self._tilings)
            run = StreamedRun(steps, self.places, packed, self.ends, self.is_lean)
            shapes = spread([*run.shapes()], self.shapes)
            self._known[kind] = [cut for shape in shapes for cut in run.cuts(*shape)]
            return self._known[kind]
        known = self._known[kind]
        if not known:
            return []
        names = dict(zip(names_of(known[0].steps), names_of(members), strict=True))
        return [cut.renamed(names, members).at(start) for cut in known]

    def chosen(
        self, members: tuple[Step, ...], start: int, context: Hashable,
        choose: Callable[[Sequence[Cut]], Iterable[tuple[int, int]]],
    ) -> list[tuple[Cut, int]]:  # fmt: skip
        """Of the ways to compute a run, those that are chosen, with a number for each. ``choose``:
        (index, number) of these; it must not depend on anything but the run's kind and
        ``context``, and is asked once for both."""
        packed = {n: type_ for step in members for n, type_ in self._packed_types(step).items()}
        kind = self._kind(members, packed), context
        if kind not in self._chosen:
            cuts = self.of(members, start)
            self._chosen[kind] = [*choose(cuts)]
            return [(cuts[index], number) for index, number in self._chosen[kind]]
        known = self._known[kind[0]]
        chosen = self._chosen[kind]
        if not chosen:
            return []
        names = dict(zip(names_of(known[0].steps), names_of(members), strict=True))
        return [(known[i].renamed(names, members).at(start), number) for i, number in chosen]

    def _packed_types(self, step: Step) -> Mapping[ValueName, TensorType]:
        assert step.kernel is not None
        key = step.node.output, step.kernel.symbol
        if key not in self._packed:
            self._packed[key] = packed_types(self.graph, step)
        return self._packed[key]

    def _kind(self, members: Sequence[Step], packed: Mapping[ValueName, TensorType]) -> Hashable:
        """Equal for runs of which the same ways are possible."""
        names = names_of(members)
        tensors = tuple(
            (self.places.constants.get(n), n in self.ends, packed.get(n)) for n in names
        )
        return kind_of(members, self.graph), tensors


def kind_of(members: Sequence[Step], graph: Graph) -> Hashable:
    """Equal for runs that differ in names alone."""
    numbers = {name: number for number, name in enumerate(names_of(members))}
    steps = tuple(
        (
            step.node.op, step.signature, step.kernel and step.kernel.symbol,
            step.engine and step.engine.name, step.growing, numbers[step.node.output],
            *(numbers[name] for name in step.node.inputs),
        )
        for step in members
    )  # fmt: skip
    return steps, tuple(name in graph.constants for name in numbers)


def spread(items: list[Item], most: int) -> list[Item]:
    """At most so many of them, evenly spaced, the first and the last included."""
    if len(items) <= most:
        return items
    step = (len(items) - 1) / (most - 1)
    return [items[round(i * step)] for i in range(most)]


def names_of(members: Sequence[Step]) -> list[ValueName]:
    """What the steps read and make, in the order of first use."""
    used = (name for step in members for name in (*step.node.inputs, step.node.output))
    return [*dict.fromkeys(used)]
