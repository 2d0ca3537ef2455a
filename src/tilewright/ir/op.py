"""What an operator must say about itself. One subclass per operator, one file per family.

An operator answers four questions, all independent of any target:

* ``infer``     what type comes out?
* ``evaluate``  what value comes out? (slow, obvious, the meaning of the operator)
* ``reads``     which part of each input does a part of the output need?
* ``macs``      how many multiply-accumulates is that?

``reads`` is data, not code, so that the planner (as solver constraints), the DMA generator (as
rectangles), in-place analysis and the tests (as slices) all take it from one place.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum

from tilewright.ir.index import Affine
from tilewright.ir.types import Array, Region, Span, TensorType


@dataclass(frozen=True, slots=True)
class Along:
    """Input dimension that slides with output axis ``axis``.

    Output index ``o`` reads inputs ``[o*stride - pad, o*stride - pad + window)``; ``window``
    counts elements from the first to the last one read, so a dilated kernel has a wide window.
    """

    axis: int
    stride: int = 1
    window: int = 1
    pad: int = 0

    def span(self, out: Span, extent: int) -> Span:
        """Input span that ``out`` needs, clipped to [0, extent); empty where all is padding."""
        start = out.start * self.stride - self.pad
        stop = (out.stop - 1) * self.stride - self.pad + self.window
        start, stop = min(max(start, 0), extent), min(max(stop, 0), extent)
        return Span(start, max(stop - start, 0))

    def beyond(self, out: Span, extent: int) -> tuple[int, int]:
        """Elements that ``out`` wants before 0 and from ``extent`` on: what ``span`` clips off."""
        start = out.start * self.stride - self.pad
        stop = (out.stop - 1) * self.stride - self.pad + self.window
        return max(min(stop, 0) - start, 0), max(stop - max(start, extent), 0)


@dataclass(frozen=True, slots=True)
class Whole:
    """Input dimension that every output element may need in full (a reduction, a table)."""


@dataclass(frozen=True, slots=True)
class Reduced(Whole):
    """As ``Whole``: a dimension that the operator sums over.

    All reduced dimensions of an operator have one extent and are walked together, and the sums of
    parts add up to the sum: an operator that can be ``split`` may be computed part by part.
    """


Access = tuple[Along | Whole, ...]
"""How one input is read: one entry per dimension of that input."""


@dataclass(frozen=True, slots=True)
class Split:
    """An operator in two steps: exact int32 sums, and what is made of them.

    finish(sums(inputs of ``summed``), inputs of ``finishing``, ``tables``) is the operator itself.
    """

    sums: "Op"
    summed: tuple[int, ...]
    finish: "Op"
    finishing: tuple[int, ...] = ()
    tables: tuple[Array, ...] = ()


@dataclass(frozen=True, slots=True)
class Op(ABC):
    """One operator with its attributes. Frozen, hashable, printable, comparable. One output."""

    @abstractmethod
    def infer(self, *inputs: TensorType) -> TensorType:
        """Output type. Raises ValueError naming the offending dimension."""

    @abstractmethod
    def evaluate(self, *inputs: Array) -> Array:
        """Output value, by definition. Clarity first: no blocking, no clever indexing."""

    @abstractmethod
    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """One Access per input, in input order."""

    @property
    def is_view(self) -> bool:
        """Whether the output is the first input's bytes, and nothing happens at run time."""
        return False

    def with_arguments(self, values: Mapping[str, int]) -> "Op":
        """The operator where the caller's arguments have these values."""
        del values
        return self

    @property
    def amounts(self) -> tuple[Affine, ...]:
        """Its attributes that depend on arguments."""
        return ()

    def resized(self, old: tuple[TensorType, ...], new: tuple[TensorType, ...]) -> "Op":
        """The operator for inputs that are shorter along an axis: ``new`` instead of ``old``."""
        del old, new
        return self

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Output axes that every tile must span in full; all others may be cut anywhere."""
        del inputs
        return frozenset()

    def on_tile(self, out: Region, *inputs: TensorType) -> "Op":
        """The operator that computes region ``out`` from exactly the regions that ``reads`` names.

        inputs  types of the whole inputs
        Differs from the operator itself only where a border is cut off: padding inside the image
        does not exist, padding at the rim is what the tile still needs of it. Regions of equal
        sizes at which ``reads`` is clipped equally have equal operators.
        """
        del out, inputs
        return self

    def split(self, *inputs: TensorType) -> Split | None:
        """The operator as sums and a finish; None where it is no such thing."""
        del inputs
        return None

    def on_part(self, part: Span) -> "Op | None":
        """The operator for the elements ``part`` of its reduced dimensions; None where its result
        is no sum over them. The first part, from 0 on, writes what the later ones are added to.
        """
        del part
        return None

    def adds_up(self) -> bool:
        """Whether the result is added to what the output holds: a later part of a sum."""
        return False

    def macs(self, *inputs: TensorType) -> int:
        """Multiply-accumulates of one evaluation; 0 for operators that do not multiply-add."""
        del inputs
        return 0

    def __str__(self) -> str:
        """The operator as it would be written: only attributes that differ from the default."""
        parts: list[str] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                text = value.name.lower() if isinstance(value, Enum) else str(value)
                parts.append(f"{field.name}={text}")
        return f"{type(self).__name__}({', '.join(parts)})"
