"""Memory in the joint problem: one row of bytes per step and memory.

A row says what is needed while the run that the step belongs to is computed: what the run needs for
itself, with what dies with it and what it makes, and every whole tensor around it. Which tensors
are around is mostly known from data flow; where the order is open, a literal says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from tilewright.ir.graph import ValueName
from tilewright.midend.choice.joint_order import Order, negated
from tilewright.midend.choice.ways import Net, Way
from tilewright.midend.memory.need import home_need
from tilewright.midend.solve import Model

if TYPE_CHECKING:
    from tilewright.midend.choice.joint_order import Truth
    from tilewright.midend.solve import Literal, Variable

Term = tuple["Literal", int]
"""A literal and the bytes that it stands for."""


@dataclass
class Rows:
    """Rows of one memory. Not frozen: literals are made when they are asked for.

    taken  literal per way
    lies   tensor → whether it lies in this memory, whole; tensors that never do are not there
    """

    model: Model
    net: Net
    order: Order
    ways: Sequence[Way]
    taken: Sequence["Variable"]
    lies: Mapping[ValueName, "Literal"]
    _around: dict[tuple[ValueName, int], "Truth"] = field(
        init=False, default_factory=dict[tuple[ValueName, int], "Truth"]
    )

    @cached_property
    def _over(self) -> list[list[int]]:
        return ways_over(len(self.net.steps), self.ways)

    def near(self, step: int) -> Iterator[Term]:
        """The near memory: ways count what dies with them and what they make."""
        for index in self._over[step]:
            way, taken = self.ways[index], self.taken[index]
            counted = [t for t in way.near if self._must_count(t, step, way, taken)]
            twice = sum(self.net.alive.size(t) for t in counted if t in way.dying)
            yield taken, way.bytes - twice
        yield from self._through(step)

    def far(self, step: int) -> Iterator[Term]:
        """The far memory: what a run reads and makes there is alive from its start to its end."""
        for index in self._over[step]:
            way, taken = self.ways[index], self.taken[index]
            touched = way.far if way.is_near else way.far | {way.makes}
            extra = [t for t in sorted(touched) if self.around(t, step) is False]
            for tensor in touched:
                around = self.around(tensor, step)
                if not isinstance(around, bool):
                    self.model.keep_any([~taken, around])
            yield taken, home_need(way.cut, self.net.alive) + sum(map(self.net.alive.size, extra))
        yield from self._through(step)

    def _through(self, step: int) -> Iterator[Term]:
        for tensor in self.lies:
            around = self.around(tensor, step)
            if around is not False:
                lies = self.lies[tensor] if around is True else around
                yield lies, self.net.alive.size(tensor)

    def _must_count(self, tensor: ValueName, step: int, way: Way, taken: "Variable") -> bool:
        """Whether a near input of a way is counted as a tensor around a step of it."""
        later = way.members[way.members.index(step) :]
        is_read = tensor not in way.dying or any(r in later for r in self.net.readers[tensor])
        if not is_read:
            return False
        around = self.around(tensor, step)
        if not isinstance(around, bool):
            self.model.keep_any([~taken, around])
        return around is not False

    def around(self, tensor: ValueName, step: int) -> "Truth":
        """Whether a tensor that lies here is whole during a step and was made before it: never,
        always (if it lies here at all), or as a literal says (that it lies here included)."""
        key = tensor, step
        if key not in self._around:
            self._around[key] = self._find_around(tensor, step)
        return self._around[key]

    def _find_around(self, tensor: ValueName, step: int) -> "Truth":
        if tensor not in self.lies:
            return False
        maker = self.net.makers.get(tensor)
        if maker == step:
            return False
        born: Truth = True if maker is None else self.order.before(maker, step)
        needed = self._needed(tensor, step)
        if born is False or not needed:
            return False
        if born is True and needed[0] is True:
            return True
        around = self.model.literal()
        for need in needed:
            self.model.keep_any([negated(self.lies[tensor]), negated(born), negated(need), around])
        return around

    def _needed(self, tensor: ValueName, step: int) -> list["Truth"]:
        """What makes a tensor worth keeping during a step: any of these."""
        if tensor in self.net.kept or step in self.net.readers[tensor]:
            return [True]
        if not self.net.readers[tensor]:
            # An input that nobody reads is there when the plan's first step runs, and no longer.
            # Views of inputs come before all steps that compute something.
            is_first = not self.net.before[step] and not self._begins_with_a_view
            return [True] if tensor not in self.net.makers and is_first else []
        later = [self.order.before(step, reader) for reader in self.net.readers[tensor]]
        return _worth_saying(later)

    @property
    def _begins_with_a_view(self) -> bool:
        graph = self.net.graph
        return any(n.op.is_view and {*n.inputs} <= {*graph.inputs} for n in graph.nodes)


def ways_over(steps: int, ways: Sequence[Way]) -> list[list[int]]:
    """Per step, the indices of the ways that it may be part of, ascending."""
    over: list[list[int]] = [[] for _ in range(steps)]
    for index, way in enumerate(ways):
        for member in way.members:
            over[member].append(index)
    return over


def _worth_saying(sides: Sequence["Truth"]) -> list["Truth"]:
    """Of alternatives, those that are not impossible; a certain one alone."""
    if any(side is True for side in sides):
        return [True]
    return [side for side in sides if side is not False]
