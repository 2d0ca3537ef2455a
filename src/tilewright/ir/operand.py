"""What the actions of a program work on: tensors and where they lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from tilewright.ir.graph import Value, ValueName
from tilewright.ir.index import Index, at
from tilewright.ir.plan import BufferName
from tilewright.ir.types import Array


@dataclass(frozen=True, slots=True)
class InArena:
    """In a tensor that lies whole in the arena of ``memory`` from ``offset`` on; ``plus`` bytes
    further."""

    memory: str
    offset: int
    plus: Index = 0
    shift: Index = 0
    """Bytes by which arguments move the whole tensor: rows that are put into a state."""


@dataclass(frozen=True, slots=True)
class InTile:
    """In a tile buffer of a layer, which starts at ``offset``; ``plus`` bytes further."""

    memory: str
    offset: int
    buffer: BufferName
    plus: Index = 0


@dataclass(frozen=True, slots=True)
class InConstant:
    """In the constant with this name, which ``memory`` holds, ``plus`` bytes from its start."""

    name: ValueName
    memory: str
    plus: Index = 0


@dataclass(frozen=True, slots=True)
class Operand:
    """One tensor that a kernel sees, and where it, or a tile's part of it, lies."""

    value: Value
    place: InArena | InTile | InConstant


@dataclass(frozen=True, slots=True)
class Kept:
    """A state of the network: where it lies for ever, and what it is before the first run.

    after  the value that it is when a run is over
    """

    name: str
    operand: Operand
    after: ValueName
    initial: Array

    @property
    def constant(self) -> ValueName:
        """The constant that it is copied from at first, where it needs one."""
        return ValueName(f"{self.name}.initial")

    @property
    def same_byte(self) -> int | None:
        """The byte that it consists of at first; None where it needs a constant."""
        found = {*self.initial.tobytes()}
        return found.pop() if len(found) == 1 else None

    @property
    def place(self) -> InArena:
        """Where it lies."""
        assert isinstance(self.operand.place, InArena), f"state {self.name} has no place"
        return self.operand.place


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangular part of a row-major tensor, as runs of bytes at regular distances.

    run      bytes that follow one another
    counts   outermost first: how many runs, rows of runs, ...
    strides  bytes in the tensor from one to the next, one per count
    Its dense copy has the same bytes without gaps.
    """

    run: Index
    counts: tuple[Index, ...]
    strides: tuple[int, ...]

    def size(self, tile: int) -> int:
        """Bytes that it has for one tile."""
        return at(self.run, tile) * prod(at(count, tile) for count in self.counts)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a call depends on arguments in: its kernel's fields and work items, and the bytes of its
    whole output."""

    fields: Mapping[str, Index | float]
    items: Index
    output_bytes: Index
