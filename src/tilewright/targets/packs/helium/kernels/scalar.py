"""One scale for all elements, as helium_scalar.h wants it."""

from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import FixedPoint, Rounding

SMALLEST_EVEN_SHIFT = 33
"""From here on the upper word of a product, and whether the lower one is zero, decide."""


def scalar_fields(scale: FixedPoint, output: Requantise) -> dict[str, int]:
    """Members multiplier, shift, low and high of an argument struct."""
    is_double = output.rounding is Rounding.DOUBLE
    shift = scale.shift if is_double else SMALLEST_EVEN_SHIFT - 1 - scale.shift
    return {
        "multiplier": scale.multiplier, "shift": shift, "low": output.low, "high": output.high,
    }  # fmt: skip


def refuse_scale(scale: FixedPoint, output: Requantise) -> str | None:
    """Why the upper words of products are not enough; None if they are."""
    if output.rounding is Rounding.DOUBLE or scale.shift >= SMALLEST_EVEN_SHIFT:
        return None
    return f"results are shifted by {scale.shift}, at least {SMALLEST_EVEN_SHIFT} are wanted"
