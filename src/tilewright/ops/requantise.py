"""The last step of every layer with an int32 accumulator: scale, recentre, clip to int8."""

from dataclasses import dataclass

from tilewright.ir.types import Array
from tilewright.ops.rescale import Rounding, clip, rescale


@dataclass(frozen=True, slots=True)
class Requantise:
    """What happens to an accumulator of output channel o: int8 out.

    y = clip(rescale(acc, multiplier[o], shift[o]) + zero, low, high)
    """

    rounding: Rounding
    zero: int = 0
    low: int = -128
    high: int = 127

    def apply(self, acc: Array, multiplier: Array | int, shift: Array | int) -> Array:
        """acc [..., O] int32; multiplier, shift [O] or [1]."""
        return clip(rescale(acc, multiplier, shift, self.rounding) + self.zero, self.low, self.high)

    def __str__(self) -> str:
        return f"{self.rounding.value}, zero {self.zero}, clip {self.low}..{self.high}"
