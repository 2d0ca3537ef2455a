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
from dataclasses import dataclass, fields
from enum import Enum

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


Access = tuple[Along | Whole, ...]
"""How one input is read: one entry per dimension of that input."""


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

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Output axes that every tile must span in full; all others may be cut anywhere."""
        del inputs
        return frozenset()

    def on_tile(self, out: Region, *inputs: TensorType) -> "Op":
        """The operator that computes region ``out`` from exactly the regions that ``reads`` names.

        inputs  types of the whole inputs
        Differs from the operator itself only where a border is cut off: padding inside the image
        does not exist, padding at the rim is what the tile still needs of it.
        """
        del out, inputs
        return self

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
