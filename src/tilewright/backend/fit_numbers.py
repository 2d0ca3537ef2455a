"""Numbers of one program, from the numbers of programs for some values of the arguments.

What is the same for every value stays; what is not is affine in the arguments and in what a tile
has of a growing length, which is not assumed but checked at every point that is looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import prod

import numpy as np

from tilewright.errors import UnsupportedError
from tilewright.ir.index import Affine, Argument, Index, Part, Product, Sliced, at, column
from tilewright.ir.program import Loop, called
from tilewright.ir.types import Array, Region

Values = Mapping[str, int]


@dataclass(frozen=True)
class Points:
    """Where programs are compared. No slots, because of cached arrays.

    at      values of the arguments, the largest ones first
    counts  tiles of the loop that is looked at, per point; 1 outside of loops
    part    what tiles have of a length that grows, if that is cut
    """

    at: tuple[Values, ...]
    arguments: tuple[Argument, ...]
    counts: tuple[int, ...]
    part: Part | None = None

    def number(self, what: str, rows: Sequence[Index]) -> Index:
        """The number that is ``rows[p]`` at point p.

        Raises UnsupportedError where there is none. ``what``: how a message calls it.
        """
        first = tuple(at(rows[0], tile) for tile in range(self.counts[0]))
        pairs = zip(rows, self.counts, strict=True)
        found = [tuple(at(row, tile) for tile in range(count)) for row, count in pairs]
        if all(row == first[: len(row)] for row in found):
            return column(first)
        numbers = np.array([number for row in found for number in row], np.int64)
        for terms in self._models:
            if (number := self._through(terms, numbers)) is not None:
                return number
        odd = self._odd(numbers)
        values = self.at[int(self._point[odd])]
        raise UnsupportedError(
            f"{what} is {numbers[odd]} where {_said(values)}, which does not "
            f"grow evenly with {self.names}; choose another kernel, or leave the length fixed"
        )

    @property
    def names(self) -> str:
        """The arguments, as a sentence has them."""
        return " and ".join(argument.name for argument in self.arguments)

    @property
    def alone(self) -> "Points":
        """The same points outside of the loop."""
        return Points.outside_of_loops(self.at, self.arguments)

    @staticmethod
    def outside_of_loops(at: Sequence[Values], arguments: Sequence[Argument]) -> "Points":
        """One number per point."""
        return Points(tuple(at), tuple(arguments), (1,) * len(at))

    @cached_property
    def _point(self) -> Array:
        """Per number, the point that it belongs to."""
        return np.repeat(np.arange(len(self.at)), self.counts)

    @cached_property
    def _tile(self) -> Array:
        return np.concatenate([np.arange(count) for count in self.counts])

    @cached_property
    def _known(self) -> dict[Argument, Array]:
        """Per number, the arguments and what its tile has."""
        known = {
            a: np.array([values[a.name] for values in self.at], np.int64)[self._point]
            for a in self.arguments
        }
        if self.part is not None and self.part.size > 1:
            pairs = zip(self._point, self._tile, strict=True)
            parts = [self.part.of(int(tile), self.at[int(point)]) for point, tile in pairs]
            known[self.part.argument] = np.array(parts, np.int64)
        return known

    @cached_property
    def _models(self) -> list[list[Product]]:
        """Terms to try, few ones first: those of more may not follow from the points."""
        part = [argument for argument in self._known if argument not in self.arguments]
        plain = [*_products(sorted(self.arguments))]
        if not part:
            return [plain]
        alone = [(), (part[0],)]
        return [alone, plain, [*plain, (part[0],)], [*_products(sorted(self._known))]]

    def _through(self, terms: Sequence[Product], numbers: Array) -> Index | None:
        """The number with these terms, and a base for each tile, that is right everywhere."""
        first = self._tile == 0
        rows = np.stack([self._term(product) for product in terms], axis=1)
        more = whole_factors(terms, rows[first], numbers[first])
        rest = numbers - _values_of(more, terms, rows)
        base = rest[: self.counts[0]]
        if base[0] or np.any(rest != base[self._tile]):
            return None
        if not base.any() and Part.ARGUMENT not in {a.name for a in more.arguments}:
            return more
        return Sliced(column(tuple(int(number) for number in base)), more, self.part)

    def _term(self, product: Product) -> Array:
        ones = np.ones(len(self._point), np.int64)
        return prod((self._known[argument] for argument in product), start=ones)

    def _odd(self, numbers: Array) -> int:
        """The first number that the nearest affine one does not have."""
        terms = self._models[-1]
        rows = np.stack([self._term(product) for product in terms], axis=1)
        wanted = _values_of(whole_factors(terms, rows, numbers), terms, rows)
        return int(np.flatnonzero(wanted != numbers)[0]) if np.any(wanted != numbers) else 0


def part_of(loops: Sequence[Loop], points: Points) -> Part | None:
    """What a loop's tiles have of a length that depends on arguments; None where all lengths that
    are cut are the same at all points. ``loops``: the same one at each point."""
    for calls in zip(*(_outputs(loop) for loop in loops), strict=True):
        one, other = calls[0][:2]
        axis = next(d for d, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)
        lengths = [regions[-1][axis].stop for regions in calls]
        if len(set(lengths)) == 1:
            continue
        length = points.alone.number("the length of a tensor in tiles", lengths)
        assert isinstance(length, Affine), "a length that is cut depends on arguments alone"
        part = Part(length, one[axis].size)
        for values, regions in zip(points.at, calls, strict=True):
            sizes = [part.of(tile, values) for tile in range(part.tiles(values))]
            assert sizes == [region[axis].size for region in regions], "tiles of several kinds"
        return part
    assert len(set(points.counts)) == 1, "a loop grows with nothing"
    return None


def _outputs(loop: Loop) -> Iterator[list[Region]]:
    """Per call, what it makes for each tile."""
    calls = (called(item.action) for item in loop.body)
    yield from ([piece.output for piece in call.filled] for call in calls if call is not None)


def fitted(arguments: Sequence[Argument], values: Mapping[tuple[int, ...], int]) -> Affine:
    """The number that is affine in each argument and comes closest to these values: where there is
    one with whole factors that has them all, that one. ``values``: by those of the arguments."""
    terms = [*_products(sorted(arguments))]
    known = {argument: index for index, argument in enumerate(arguments)}
    keys = np.array([*values], np.int64)
    ones = np.ones(len(keys), np.int64)
    columns = [prod((keys[:, known[a]] for a in product), start=ones) for product in terms]
    return whole_factors(terms, np.stack(columns, axis=1), np.array([*values.values()], np.int64))


def whole_factors(terms: Sequence[Product], rows: Array, wanted: Array) -> Affine:
    """The affine number with whole factors nearest to the one that comes closest.

    rows  [samples, terms] what each term is there
    """
    factors = np.linalg.lstsq(rows.astype(np.float64), wanted.astype(np.float64), rcond=None)[0]
    rounded = (round(float(factor)) for factor in factors)
    return Affine.summed(dict(zip(terms, rounded, strict=True)))


def _values_of(number: Affine, terms: Sequence[Product], rows: Array) -> Array:
    factors = dict(number.terms)
    return rows @ np.array([factors.get(product, 0) for product in terms], np.int64)


def _products(arguments: Sequence[Argument]) -> Iterator[Product]:
    for size in range(len(arguments) + 1):
        yield from combinations(arguments, size)


def _said(values: Values) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())
