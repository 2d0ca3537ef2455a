"""One program for all values of the arguments, from programs for some values.

A plan is one for the largest values; for smaller ones the same plan has the same calls and copies
with smaller numbers. Each number is affine in every argument, which is not assumed but checked:
what is found from the corners has to hold at every point that is looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import prod

import numpy as np

from tilewright.errors import UnsupportedError
from tilewright.ir.index import Affine, Argument, Index
from tilewright.ir.program import (
    Box,
    Call,
    InArena,
    InTile,
    Keep,
    Layer,
    Load,
    Loop,
    Numbers,
    Offload,
    Operand,
    Place,
    Program,
    Simple,
    Store,
    Transfer,
    called,
)
from tilewright.ir.target import FieldValue

MOST_POINTS = 600
"""Up to so many combinations of values are all looked at; of more, those at the ends and at powers
of two."""

MOST_NODES = 6000
"""Nodes that are staged and judged at all points together. Networks with more of them are looked at
in the corners, beside them, and in the middle: numbers that are affine there in every argument have
their largest and smallest values in the corners."""

Values = Mapping[str, int]


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
        """A layer that is cut into tiles depends on no argument."""
        first = layers[0]
        if any(isinstance(action, Loop) for action in first.actions):
            assert all(layer.actions == first.actions for layer in layers), "a bounded layer is cut"
            return first
        actions = [self._simple(of) for of in zip(*(layer.flat() for layer in layers), strict=True)]
        calls = {call.output.value.name: call for a in actions if (call := called(a)) is not None}
        observed = tuple(calls[call.output.value.name] for call in first.observed)
        return replace(first, actions=tuple(actions), observed=observed)

    def _simple(self, actions: Sequence[Simple]) -> Simple:
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
            case _:
                return first

    def _call(self, calls: Sequence[Call]) -> Call:
        first = calls[0]
        rows = [call.kernel.fields(call.node.op, call.signature) for call in calls]
        who = f"{first.node}, kernel {first.kernel.symbol}"
        fields = {
            name: self._field(f"{who}: {name}", [row[name] for row in rows]) for name in rows[0]
        }
        items = self._number(
            f"{who}: work items", [c.kernel.items(c.node.op, c.signature) for c in calls]
        )
        size = self._number(who, [c.signature.output.nbytes for c in calls])
        inputs = tuple(
            self._operand(who, [call.inputs[index] for call in calls])
            for index in range(len(first.inputs))
        )
        output = self._operand(who, [call.output for call in calls])
        numbers = Numbers(fields, items, size)
        return replace(first, inputs=inputs, output=output, numbers=numbers)

    def _operand(self, who: str, operands: Sequence[Operand]) -> Operand:
        return replace(operands[0], place=self._place(who, [o.place for o in operands]))

    def _place(self, who: str, places: Sequence[Place]) -> Place:
        first = places[0]
        plus = self._index(who, [place.plus for place in places])
        if not isinstance(first, InArena):
            return replace(first, plus=plus)
        offset = self._number(who, [p.offset for p in places if isinstance(p, InArena)])
        if isinstance(offset, int):
            return replace(first, plus=plus)
        least = offset.at({argument.name: 1 for argument in self.arguments})
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
        same = all(box.strides == most.strides for box in boxes)
        if not same:
            raise UnsupportedError(
                f"{who}: its rows are apart for some values of {self._names} and follow one "
                "another for others; put the dimension that grows before all others"
            )
        counts = tuple(
            self._index(who, [box.counts[index] for box in boxes])
            for index in range(len(most.counts))
        )
        return Box(self._index(who, [box.run for box in boxes]), counts, most.strides)

    def _field(self, what: str, values: Sequence[FieldValue]) -> Index | float:
        if all(value == values[0] for value in values):
            return values[0]
        if any(isinstance(value, float) for value in values):
            raise UnsupportedError(f"{what} is a real number that differs with {self._names}")
        return self._number(what, [int(value) for value in values])

    def _index(self, what: str, values: Sequence[Index]) -> Index:
        if all(value == values[0] for value in values):
            return values[0]
        numbers = [value for value in values if isinstance(value, int)]
        assert len(numbers) == len(values), f"{what}: a bounded layer is cut"
        return self._number(what, numbers)

    def _number(self, what: str, values: Sequence[int]) -> int | Affine:
        """The affine number that has these values at all points."""
        if len(set(values)) == 1:
            return values[0]
        found = fitted(self.arguments, dict(zip(map(_key, self.at), values, strict=True)))
        for at, value in zip(self.at, values, strict=True):
            if found.at(at) != value:
                raise UnsupportedError(
                    f"{what} is {value} where {_said(at)}, which does not grow evenly with "
                    f"{self._names}; choose another kernel, or leave the length fixed"
                )
        return found

    @property
    def _names(self) -> str:
        return " and ".join(argument.name for argument in self.arguments)


def _key(values: Values) -> tuple[int, ...]:
    return tuple(values.values())


def _said(values: Values) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def fitted(arguments: Sequence[Argument], values: Mapping[tuple[int, ...], int]) -> Affine:
    """The number that is affine in each argument and comes closest to these values: where there is
    one with whole factors that has them all, that one. ``values``: by those of the arguments."""
    ordered = sorted(arguments)
    sizes = range(len(ordered) + 1)
    products = [chosen for size in sizes for chosen in combinations(ordered, size)]
    rows = [
        [
            float(prod(n for n, argument in zip(key, arguments, strict=True) if argument in chosen))
            for chosen in products
        ]
        for key in values
    ]
    wanted = np.array([*values.values()], np.float64)
    factors = np.linalg.lstsq(np.array(rows), wanted, rcond=None)[0]
    rounded = (round(float(factor)) for factor in factors)
    return Affine.summed(dict(zip(products, rounded, strict=True)))
