"""The issue order in the joint problem: which of two steps comes first, as constants and literals.

Most pairs of steps are ordered by data flow. For the others there is a literal, and every step has
a position that agrees with all of them. Where the order is not open, everything is a constant.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from tilewright.midend.choice.ways import Net, Way
from tilewright.midend.solve import Model

if TYPE_CHECKING:
    from tilewright.midend.solve import Literal, Variable

    Truth = Literal | bool


class Order:
    """Positions of all steps in a model under construction."""

    def __init__(self, model: Model, net: Net, hint: Sequence[int], *, is_free: bool) -> None:
        """``hint``: steps in the order that the search looks at first."""
        self._model = model
        self._net = net
        self._first: dict[tuple[int, int], Variable] = {}
        self._directly: dict[tuple[int, int], Variable] = {}
        self._position: list[Variable] = []
        self._range: list[tuple[int, int]] = [(i, i) for i in range(len(net.steps))]
        if is_free:
            self._open(hint)

    def _open(self, hint: Sequence[int]) -> None:
        net, model = self._net, self._model
        count = len(net.steps)
        followers = [sum(step in net.before[o] for o in range(count)) for step in range(count)]
        at = {step: position for position, step in enumerate(hint)}
        self._range = [(len(net.before[s]), count - 1 - followers[s]) for s in range(count)]
        self._position = [model.variable(*self._range[s], at[s]) for s in range(count)]
        for b in range(count):
            for a in range(b):
                if a in net.before[b]:
                    continue
                first = self._first[a, b] = model.literal(at[a] < at[b])
                model.keep(self._position[a] + 1 <= self._position[b], first)
                model.keep(self._position[b] + 1 <= self._position[a], ~first)
        for b in range(count):
            for a in net.before[b]:
                model.keep(self._position[a] + 1 <= self._position[b])

    @property
    def wish(self) -> list["Variable"]:
        """What a solution must tell to know the order; empty where it is the base order."""
        return self._position

    @property
    def open_pairs(self) -> dict[tuple[int, int], "Variable"]:
        """(a, b), a before b in base order → whether it is so; pairs in any order only."""
        return self._first

    def before(self, a: int, b: int) -> "Truth":
        """Whether step ``a`` comes before step ``b``."""
        if (a, b) in self._first:
            return self._first[a, b]
        if (b, a) in self._first:
            return ~self._first[b, a]
        return a < b

    def together(self, way: Way, taken: "Variable") -> None:
        """The steps of a way follow one another where it is taken."""
        members = way.members
        for outside in range(len(self._net.steps)):
            if len(members) == 1 or outside in members:
                continue
            sides = [self.before(outside, member) for member in members]
            for one, two in pairwise(sides):
                self._same(one, two, taken)
        for one, two in pairwise(members):
            side = self.before(one, two)
            if side is not True:
                self._model.keep_any([~taken, side])

    def _same(self, one: "Truth", two: "Truth", taken: "Variable") -> None:
        if isinstance(one, bool) and isinstance(two, bool) and one == two:
            return
        self._model.keep_any([~taken, negated(one), two])
        self._model.keep_any([~taken, one, negated(two)])

    def directly_before(self, step: int) -> list[tuple[int, "Truth"]]:
        """(other step, whether it is the one directly before) for all that may be."""
        low, high = self._range[step]
        if low == high:
            fixed = [s for s, span in enumerate(self._range) if span == (low - 1, low - 1)]
            if fixed or not low:
                return [(fixed[0], True)] if fixed else []
        found: list[tuple[int, Truth]] = []
        for other in range(len(self._net.steps)):
            if other == step or self.before(other, step) is False or self._between(other, step):
                continue
            key = other, step
            if key not in self._directly:
                self._directly[key] = self._model.literal()
                self._model.keep(
                    self._position[other] + 1 == self._position[step], self._directly[key]
                )
            found.append((other, self._directly[key]))
        return found

    def _between(self, a: int, b: int) -> bool:
        """Whether data flow puts another step between two."""
        return any(a in self._net.before[c] for c in self._net.before[b])


def negated(truth: "Truth") -> "Truth":
    """The opposite of a constant or a literal."""
    return not truth if isinstance(truth, bool) else ~truth
