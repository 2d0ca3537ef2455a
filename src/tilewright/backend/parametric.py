"""One program for all values of the arguments, from programs for some values.

A plan is one for the largest values; for smaller ones the same plan has the same calls and copies
with smaller numbers, and loops have fewer tiles. How numbers follow from arguments is found, and
checked at every point that is looked at, by ``fit_numbers``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from tilewright.backend.fit_numbers import Points, Values, part_of
from tilewright.errors import UnsupportedError
from tilewright.ir.index import Affine, Argument, Index, column
from tilewright.ir.program import (
    Action,
    Box,
    Call,
    InArena,
    InTile,
    Join,
    Keep,
    Layer,
    Load,
    Loop,
    Numbers,
    Offload,
    Operand,
    Place,
    Program,
    Shifted,
    Simple,
    Store,
    Transfer,
    Wait,
)
from tilewright.ir.target import FieldValue

MOST_POINTS = 600
"""Up to so many combinations of values are all looked at; of more, those at the ends and at powers
of two."""

MOST_NODES = 6000
"""Nodes that are staged and judged at all points together. Networks with more of them are looked at
in the corners, beside them, and in the middle: numbers that are affine there in every argument have
their largest and smallest values in the corners."""


def points(arguments: Sequence[Argument], nodes: int = 1) -> tuple[dict[str, int], ...]:
    """Values of the arguments to look at in a network of so many nodes, the largest ones first."""
    ranges: list[Sequence[int]] = [range(argument.most, 0, -1) for argument in arguments]
    if prod(map(len, ranges)) > MOST_POINTS:
        ranges = [_ends(argument.most) for argument in arguments]
    if prod(map(len, ranges)) * nodes > MOST_NODES:
        ranges = [_few(argument.most) for argument in arguments]
    names = [argument.name for argument in arguments]
    return tuple(dict(zip(names, values, strict=True)) for values in product(*ranges))


def _ends(most: int) -> Sequence[int]:
    powers = {1 << bit for bit in range(most.bit_length())}
    near = {n for power in (*powers, most) for n in (power - 1, power, power + 1)}
    return sorted((n for n in near if 1 <= n <= most), reverse=True)


def _few(most: int) -> Sequence[int]:
    found = {n for n in (most, most - 1, most // 2, 2, 1) if 1 <= n <= most}
    return sorted(found, reverse=True)


def parametric(
    programs: Sequence[Program], at: Sequence[Values], arguments: Sequence[Argument]
) -> Program:
    """The program of which ``programs`` are what it is ``at`` these values, the largest ones first.

    Raises UnsupportedError where a number is not affine in the arguments.
    """
    merge = _Merge(tuple(at), tuple(arguments))
    layers = zip(*(program.layers for program in programs), strict=True)
    return replace(
        programs[0], layers=tuple(merge.layer(of) for of in layers), arguments=tuple(arguments)
    )


@dataclass(frozen=True, slots=True)
class _Merge:
    at: tuple[Values, ...]
    arguments: tuple[Argument, ...]

    def layer(self, layers: Sequence[Layer]) -> Layer:
        """The layer for all values; its loop, if it has one, has as many tiles as these say."""
        first = layers[0]
        if all(layer.actions == first.actions for layer in layers):
            return first
        actions: list[Action] = []
        for of in zip(*(layer.actions for layer in layers), strict=True):
            loops = [action for action in of if isinstance(action, Loop)]
            actions.append(self._loop(loops) if loops else self._alone(of))
        merged = replace(first, actions=tuple(actions))
        calls = {call.output.value.name: call for call in merged.calls}
        observed = tuple(calls[call.output.value.name] for call in first.observed)
        return replace(merged, observed=observed)

    def _alone(self, actions: Sequence[Action]) -> Simple:
        simple = [action for action in actions if not isinstance(action, Loop)]
        assert len(simple) == len(actions), "programs of different structure"
        return _Actions(Points.outside_of_loops(self.at, self.arguments)).simple(simple)

    def _loop(self, loops: Sequence[Loop]) -> Loop:
        assert len(loops) == len(self.at), "programs of different structure"
        points = Points(self.at, self.arguments, tuple(loop.tiles for loop in loops))
        points = replace(points, part=part_of(loops, points))
        merge = _Actions(points)
        items = zip(*(loop.body for loop in loops), strict=True)
        body = (
            Shifted(same[0].shift, merge.simple([item.action for item in same])) for same in items
        )
        return replace(loops[0], body=tuple(body), part=points.part)


@dataclass(frozen=True, slots=True)
class _Actions:
    """Merges actions that programs have in common, number by number."""

    points: Points

    def simple(self, actions: Sequence[Simple]) -> Simple:
        first = actions[0]
        assert len({type(action) for action in actions}) == 1, "programs of different structure"
        match first:
            case Call():
                return self._call([a for a in actions if isinstance(a, Call)])
            case Offload():
                calls = [a.call for a in actions if isinstance(a, Offload)]
                return replace(first, call=self._call(calls))
            case Load():
                moved = [a.transfer for a in actions if isinstance(a, Load)]
                return replace(first, transfer=self._transfer(moved))
            case Store():
                moved = [a.transfer for a in actions if isinstance(a, Store)]
                return replace(first, transfer=self._transfer(moved))
            case Keep():
                assert all(action == first for action in actions), "a bounded layer keeps rows"
                return first
            case Wait() | Join():
                return first

    def _call(self, calls: Sequence[Call]) -> Call:
        first = calls[0]
        who = f"{first.node}, kernel {first.kernel.symbol}"
        rows = [_columns([c.kernel.fields(p.op, p.signature) for p in c.filled]) for c in calls]
        fields = {
            name: self._field(f"{who}: {name}", [row[name] for row in rows]) for name in rows[0]
        }
        items = [column(tuple(c.kernel.items(p.op, p.signature) for p in c.filled)) for c in calls]
        sizes = [call.signature.output.nbytes for call in calls]
        numbers = Numbers(
            fields,
            self.points.number(f"{who}: work items", items),
            self.points.alone.number(who, sizes),
        )
        inputs = tuple(
            self._operand(who, [call.inputs[index] for call in calls])
            for index in range(len(first.inputs))
        )
        output = self._operand(who, [call.output for call in calls])
        return replace(first, inputs=inputs, output=output, numbers=numbers)

    def _operand(self, who: str, operands: Sequence[Operand]) -> Operand:
        return replace(operands[0], place=self._place(who, [o.place for o in operands]))

    def _place(self, who: str, places: Sequence[Place]) -> Place:
        first = places[0]
        plus = self.points.number(who, [place.plus for place in places])
        if not isinstance(first, InArena):
            return replace(first, plus=plus)
        offsets = [place.offset for place in places if isinstance(place, InArena)]
        offset = self.points.alone.number(who, offsets)
        if not isinstance(offset, Affine):
            return replace(first, plus=plus)
        least = offset.at({argument.name: 1 for argument in self.points.arguments})
        return replace(first, offset=least, plus=plus, shift=offset - least)

    def _transfer(self, transfers: Sequence[Transfer]) -> Transfer:
        first = transfers[0]
        who = f"copy of {first.value}"
        far = self._place(who, [transfer.far for transfer in transfers])
        near = self._place(who, [transfer.near for transfer in transfers])
        assert isinstance(near, InTile), "a copy begins or ends near by"
        box = self._box(who, [transfer.box for transfer in transfers])
        return replace(first, far=far, near=near, box=box)

    def _box(self, who: str, boxes: Sequence[Box]) -> Box:
        most = max(boxes, key=lambda box: len(box.counts))
        alike = [_in_form_of(most, box) for box in boxes]
        same = [box for box in alike if box is not None]
        if len(same) < len(boxes):
            raise UnsupportedError(
                f"{who}: its rows are apart for some values of {self.points.names} and follow one "
                "another for others; put the dimension that grows before all others"
            )
        counts = tuple(
            self.points.number(who, [box.counts[index] for box in same])
            for index in range(len(most.counts))
        )
        return Box(self.points.number(who, [box.run for box in same]), counts, most.strides)

    def _field(self, what: str, values: Sequence[Index | float]) -> Index | float:
        if all(value == values[0] for value in values):
            return values[0]
        if any(isinstance(value, float) for value in values):
            raise UnsupportedError(f"{what} is a real number that differs with {self.points.names}")
        return self.points.number(what, [v for v in values if not isinstance(v, float)])


def _columns(rows: Sequence[Mapping[str, FieldValue]]) -> dict[str, Index | float]:
    """Fields of the calls for each tile → per field, its number or real value."""
    found: dict[str, Index | float] = {}
    for name, value in rows[0].items():
        if isinstance(value, float):
            assert all(row[name] == value for row in rows), f"{name} differs between tiles"
            found[name] = value
        else:
            found[name] = column(tuple(int(row[name]) for row in rows))
    return found


def _in_form_of(most: Box, box: Box) -> Box | None:
    """A box with runs at the same distances as another one: where one dimension has a single
    element, its distance is not said. None where distances differ."""
    if box.strides == most.strides:
        return box
    counts: list[Index] = []
    left = [*zip(box.counts, box.strides, strict=True)]
    for stride in most.strides:
        is_there = bool(left) and left[0][1] == stride
        counts.append(left.pop(0)[0] if is_there else 1)
    return None if left else Box(box.run, tuple(counts), most.strides)
