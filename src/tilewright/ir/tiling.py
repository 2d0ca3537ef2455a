"""How steps are computed tile by tile: what the solver decides about one group of steps.

A *group* is a run of consecutive steps that are computed together, one tile of the last step's
output at a time, depth first: of everything in between only the rows that one tile needs exist.
A group of one step is an ordinary tiled layer; a group with one tile is an untiled one.

Near memory is the memory that the engine works in, far memory is where a tensor has its home. On a
machine with one memory both are the same and nothing is copied.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from tilewright.ir.graph import ValueName
from tilewright.ir.types import Shape, Span


class Hold(Enum):
    """Where the kernels of a group find one tensor."""

    DIRECT = "direct"
    """In the tensor's own buffer: it lies near, whole; each tile is a contiguous part of it."""
    REMOTE = "remote"
    """In the tensor's own buffer, which does not lie near: the engine reaches it there."""
    SINGLE = "single"
    """In one tile buffer: every transfer is waited for before the kernel runs."""
    DOUBLE = "double"
    """In two tile buffers: the next tile travels while this one is computed."""
    LOCAL = "local"
    """In a tile buffer that never travels: made and used up inside the group."""
    CARRIED = "carried"
    """As LOCAL, but rows that the next tile needs again are kept, not computed again."""
    PASSED = "passed"
    """As LOCAL, in two tile buffers: made for the next tile while this one is used up."""
    RELAYED = "relayed"
    """As PASSED, but rows that the next tile needs again are moved to its buffer, not computed
    again."""

    @property
    def is_inside(self) -> bool:
        """Whether the tensor is never whole anywhere."""
        return self in (Hold.LOCAL, Hold.CARRIED, Hold.PASSED, Hold.RELAYED)

    @property
    def is_ahead(self) -> bool:
        """Whether the tensor is made a tile before it is used up."""
        return self in (Hold.PASSED, Hold.RELAYED)

    @property
    def keeps_rows(self) -> bool:
        """Whether rows that the next tile needs again are moved."""
        return self in (Hold.CARRIED, Hold.RELAYED)

    @property
    def is_whole(self) -> bool:
        """Whether kernels work on the tensor's own buffer."""
        return self in (Hold.DIRECT, Hold.REMOTE)

    @property
    def is_copied(self) -> bool:
        """Whether parts travel between a tile buffer and the tensor's home."""
        return self in (Hold.SINGLE, Hold.DOUBLE)

    @property
    def copies(self) -> int:
        """How many tile buffers, or whole ones, there are."""
        return 2 if self is Hold.DOUBLE or self.is_ahead else 1


@dataclass(frozen=True, slots=True)
class Group:
    """One run of steps and how it is cut.

    steps  half-open range of steps of the plan
    tile   elements per axis of the last step's output; the last tile of an axis may be smaller
    order  the axes that are cut into more than one tile, outermost loop first
    holds  for every tensor that a step of the group reads or makes, constants included
    early  tensors of ``holds`` whose first transfer starts with the group before this one
    parts  elements of the dimension that the first step sums over, per tile; 0: all of them. Every
           tile of the output is then as many tiles in a row: the first step adds them up in a
           LOCAL tensor, the steps behind it run in the last one
    """

    steps: Span
    tile: Shape
    order: tuple[int, ...]
    holds: Mapping[ValueName, Hold]
    early: frozenset[ValueName] = frozenset()
    parts: int = 0
