"""The last IR before C: actions on placed buffers, small enough that an interpreter, a hazard
checker and a C printer are each one ``match`` statement.

    Program = name, [Action], arena sizes, inputs, outputs, constants
    Action  = Call
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tilewright.ir.graph import Node, Value, ValueName
from tilewright.ir.target import Engine, Kernel, Signature
from tilewright.ir.types import Array


@dataclass(frozen=True, slots=True)
class InArena:
    """``offset`` bytes into the arena of ``memory``."""

    memory: str
    offset: int


@dataclass(frozen=True, slots=True)
class InConstant:
    """The constant with this name."""

    name: ValueName


Place = InArena | InConstant


@dataclass(frozen=True, slots=True)
class Operand:
    """One tensor that a kernel sees, and where it lies."""

    value: Value
    place: Place


@dataclass(frozen=True, slots=True)
class Call:
    """Run one kernel: ``inputs`` and ``output`` as the operator orders them."""

    node: Node
    engine: Engine
    kernel: Kernel
    signature: Signature
    inputs: tuple[Operand, ...]
    output: Operand
    scratch: InArena | None
    scratch_bytes: int
    piece_items: int
    """Work items per call where the kernel is called for the last ones first; 0: one call."""


Action = Call


@dataclass(frozen=True, slots=True)
class Program:
    """Actions in issue order and everything they refer to."""

    name: str
    """A C identifier."""
    actions: tuple[Action, ...]
    arena_bytes: Mapping[str, int]
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    constants: Mapping[ValueName, Array]
    """In the layout that the kernels want, in the order in which they are first used."""
    views: Mapping[ValueName, ValueName]
    """Values that are other values' bytes under another shape: view → what it views."""

    def viewed(self, name: ValueName) -> ValueName:
        """The value that owns the bytes of ``name``."""
        while name in self.views:
            name = self.views[name]
        return name
