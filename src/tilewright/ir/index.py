"""Numbers of a program: the same at all times, one per tile, or what the caller's arguments say."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar


@dataclass(frozen=True, slots=True, order=True)
class Argument:
    """An integer that the caller gives at run time: 1 .. ``most``. ``name``: a C identifier.

    Shapes stay those of ``most``; less is computed where it is less.
    """

    name: str
    most: int

    def __add__(self, other: "Amount") -> "Affine":
        return Affine.of(self) + other

    def __sub__(self, other: "Amount") -> "Affine":
        return Affine.of(self) - other

    def __mul__(self, factor: int) -> "Affine":
        return Affine.of(self) * factor


Product = tuple[Argument, ...]
"""Distinct arguments that are multiplied, in order; none: 1."""


@dataclass(frozen=True, slots=True)
class Affine:
    """A number that is affine in every argument: a sum of products of arguments with factors."""

    terms: tuple[tuple[Product, int], ...]

    @staticmethod
    def of(amount: "Amount") -> "Affine":
        """An argument or an integer as such a number."""
        if isinstance(amount, Affine):
            return amount
        return Affine((((amount,), 1),) if isinstance(amount, Argument) else (((), amount),))

    @staticmethod
    def summed(terms: Mapping[Product, int]) -> "Affine":
        """Without terms that are nothing, in one order."""
        kept = ((product, factor) for product, factor in terms.items() if factor)
        return Affine(tuple(sorted(kept, key=lambda term: (-len(term[0]), term[0]))))

    def __add__(self, other: "Amount") -> "Affine":
        terms = dict(self.terms)
        for product, factor in Affine.of(other).terms:
            terms[product] = terms.get(product, 0) + factor
        return Affine.summed(terms)

    def __sub__(self, other: "Amount") -> "Affine":
        return self + Affine.of(other) * -1

    def __mul__(self, factor: int) -> "Affine":
        return Affine.summed({product: factor * count for product, count in self.terms})

    def divided(self, by: int) -> "Affine":
        """A number of which every factor is a multiple of ``by``."""
        assert all(factor % by == 0 for _, factor in self.terms), f"{self} in parts of {by}"
        return Affine(tuple((product, factor // by) for product, factor in self.terms))

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """Those that it depends on, by name."""
        return tuple(sorted({argument for product, _ in self.terms for argument in product}))

    def at(self, values: Mapping[str, int]) -> int:
        """What it is where the arguments have these values."""
        return sum(f * prod(values[a.name] for a in product) for product, f in self.terms)

    @property
    def most(self) -> int:
        """What it is where every argument is as large as it may be."""
        return self.at({argument.name: argument.most for argument in self.arguments})

    def __str__(self) -> str:
        """As C has it."""
        text = ""
        for product, factor in self.terms:
            names = " * ".join(argument.name for argument in product)
            size = abs(factor)
            term = names if size == 1 and names else f"{size} * {names}" if names else str(size)
            sign = "-" if factor < 0 else "+"
            text += f" {sign} {term}" if text else f"-{term}" if factor < 0 else term
        return text or "0"


Amount = int | Argument | Affine


def amount_at(amount: int | Affine, values: Mapping[str, int] | None = None) -> int:
    """What an amount is for given arguments; without any, for the largest ones."""
    if isinstance(amount, int):
        return amount
    return amount.most if values is None else amount.at(values)


@dataclass(frozen=True, slots=True)
class Column:
    """A number that differs from tile to tile: ``values[t]`` for tile t."""

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What each tile has of a length that depends on arguments: ``size``, and the last tile what is
    left. As an argument of affine numbers it is called ``ARGUMENT``."""

    length: Affine
    size: int

    ARGUMENT: ClassVar[str] = "tile_part"

    @property
    def argument(self) -> Argument:
        """How affine numbers name it."""
        return Argument(self.ARGUMENT, self.size)

    def tiles(self, values: Mapping[str, int]) -> int:
        """Tiles for given arguments."""
        return -(-self.length.at(values) // self.size)

    def of(self, tile: int, values: Mapping[str, int]) -> int:
        """What one tile has."""
        return min(self.size, self.length.at(values) - self.size * tile)


@dataclass(frozen=True, slots=True)
class Sliced:
    """A number that depends on the tile and on arguments: ``base`` of the tile, and ``more``, which
    may mention the tile's ``part``."""

    base: int | Column
    more: Affine
    part: Part | None

    def most(self, tile: int) -> int:
        """What it is for one tile where every argument is as large as it may be."""
        values = {argument.name: argument.most for argument in self.more.arguments}
        if self.part is not None:
            largest = {a.name: a.most for a in self.part.length.arguments}
            values[Part.ARGUMENT] = self.part.of(tile, largest)
        return at(self.base, tile) + self.more.at(values)

    def divided(self, by: int) -> "Sliced":
        """A number of which every part is a multiple of ``by``."""
        base = self.base
        if isinstance(base, Column):
            base = Column(tuple(value // by for value in base.values))
        else:
            base //= by
        return Sliced(base, self.more.divided(by), self.part)


Index = int | Column | Affine | Sliced


def at(index: Index, tile: int) -> int:
    """What an index is for one tile; for the largest arguments, where it depends on any."""
    if isinstance(index, Column):
        return index.values[tile]
    if isinstance(index, Sliced):
        return index.most(tile)
    return amount_at(index)


def arguments_of(index: "Index | float") -> frozenset[Argument]:
    """The caller's arguments that a number depends on."""
    if isinstance(index, Affine):
        return frozenset(index.arguments)
    if not isinstance(index, Sliced):
        return frozenset()
    of_part = index.part.length.arguments if index.part is not None else ()
    return frozenset(a for a in (*index.more.arguments, *of_part) if a.name != Part.ARGUMENT)


def column(values: tuple[int, ...]) -> int | Column:
    """The number itself where it is the same for every tile."""
    return values[0] if len(set(values)) == 1 else Column(values)
