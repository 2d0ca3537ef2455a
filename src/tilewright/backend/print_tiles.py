"""Numbers that differ from tile to tile, as C: an expression where one is short, else a table.

Tables are data of the narrowest type, one per meaning and sequence of numbers in a layer, so that
code does not grow with the number of tiles.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tilewright.ir.index import Affine, Column, Index, Sliced
from tilewright.ir.types import DType

ROW_CHARACTERS = 96
NARROWEST = (DType.S8, DType.U8, DType.S16, DType.S32)


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one layer; ``prefix`` begins their names."""

    prefix: str
    names: dict[tuple[str, tuple[int, ...]], str] = field(
        default_factory=dict[tuple[str, tuple[int, ...]], str]
    )

    def number(self, index: Index, wish: str) -> str:
        """C for an index where the variable ``tile`` says which tile it is; ``wish``: a name."""
        if isinstance(index, int):
            return "INT32_MIN" if index == -(2**31) else str(index)
        if isinstance(index, Affine):
            return f"({index})"
        if isinstance(index, Sliced):
            more = str(index.more)
            return f"({more})" if index.base == 0 else f"({self.number(index.base, wish)} + {more})"
        return _formula(index.values) or f"{self._table(index.values, wish)}[tile]"

    def condition(self, index: Index) -> str | None:
        """C for "this tile does it"; None where every tile does."""
        if not isinstance(index, Column):
            return None
        count = _period(index.values)
        tile = "tile" if count == len(index.values) else f"tile % {count}"
        first, *others = index.values[:count]
        if not any(others):
            return f"{tile} == 0"
        if not first and all(others):
            return f"{tile} > 0"
        if others[-1] and not any((first, *others[:-1])):
            return f"{tile} == {count - 1}"
        return self.number(index, "moves")

    def sum(self, base: str, plus: Index, wish: str) -> str:
        """``base + plus``."""
        return base if plus == 0 else f"{base} + {self.number(plus, wish)}"

    def text(self) -> Iterator[str]:
        """The definitions."""
        for (_, values), name in self.names.items():
            yield f"static const {narrowest(values).c} {name}[{len(values)}] = {{"
            words = [str(value) for value in values]
            per_row = max(ROW_CHARACTERS // (max(map(len, words)) + 2), 1)
            for start in range(0, len(words), per_row):
                yield f"    {', '.join(words[start : start + per_row])},"
            yield "};"

    def sizes(self) -> dict[str, int]:
        """Table → bytes."""
        return {name: len(v) * narrowest(v).nbytes for (_, v), name in self.names.items()}

    def _table(self, values: tuple[int, ...], wish: str) -> str:
        if (wish, values) not in self.names:
            taken = set(self.names.values())
            name, count = f"{self.prefix}_{wish}", 1
            while name in taken:
                count += 1
                name = f"{self.prefix}_{wish}_{count}"
            self.names[wish, values] = name
        return self.names[wish, values]


def narrowest(values: tuple[int, ...]) -> DType:
    """The smallest integer type that holds them all."""
    return next(t for t in NARROWEST if t.low <= min(values) and max(values) <= t.high)


def _period(values: tuple[int, ...]) -> int:
    """The smallest number of tiles after which everything repeats itself, or their number."""
    count = len(values)
    return next(
        size
        for size in range(1, count + 1)
        if count % size == 0 and values == values[:size] * (count // size)
    )


def _run(values: tuple[int, ...]) -> int:
    """The largest number of tiles in a row that always have the same number."""
    count = len(values)
    return next(
        size
        for size in range(count, 0, -1)
        if count % size == 0 and all(values[i] == values[i - i % size] for i in range(count))
    )


def _formula(values: tuple[int, ...]) -> str | None:
    """A short expression in ``tile`` that gives these numbers, which are not all the same.

    Loops in loops have numbers that repeat themselves, or stay the same for some tiles.
    """
    simple = _simple(values, "tile")
    if simple is not None:
        return simple
    period, run = _period(values), _run(values)
    if period < len(values):
        return _simple(values[:period], f"(tile % {period})")
    if run > 1:
        return _simple(values[::run], f"(tile / {run})")
    return _two_loops(values)


def _two_loops(values: tuple[int, ...]) -> str | None:
    """Two loops, one in the other, each with a step of its own."""
    inner = values[1] - values[0]
    count = next(i for i in range(1, len(values)) if values[i] != values[0] + inner * i)
    outer = values[count] - values[0]
    wanted = (values[0] + outer * (i // count) + inner * (i % count) for i in range(len(values)))
    if any(value != want for value, want in zip(values, wanted, strict=True)):
        return None
    start = f"{values[0]} + " if values[0] else ""
    return f"({start}{outer} * (tile / {count}) + {inner} * (tile % {count}))"


def _simple(values: tuple[int, ...], tile: str) -> str | None:
    """The same for one loop, whose variable is ``tile``."""
    first, second, last = values[0], values[1], values[-1]
    step = second - first
    if all(value == first + step * at for at, value in enumerate(values)):
        scaled = tile if step == 1 else f"{step} * {tile}"
        return f"({first} + {scaled})" if first else f"({scaled})"
    if all(value == first for value in values[:-1]):
        return f"({tile} == {len(values) - 1} ? {last} : {first})"
    if all(value == second for value in values[1:]):
        return f"({tile} == 0 ? {first} : {second})"
    if all(value == values[at % 2] for at, value in enumerate(values)):
        is_side = (first, second) == (0, 1)
        return f"({tile} % 2)" if is_side else f"({tile} % 2 ? {second} : {first})"
    return None
