"""One scale for all elements, as dsp_rescale of dsp_requantise.h wants it."""

from tilewright.ops.rescale import FixedPoint, Rounding
from tilewright.targets.packs.arm_dsp.kernels.requantise import HALF_EVEN_SHIFT, ONE_HALF

RARE_DOUBLE, RARE_ONCE = 64, 128
"""What is taken off the shifts of scales that take the long way."""


def short_scale(point: FixedPoint, rounding: Rounding) -> FixedPoint:
    """The same scale for the short sequence of ``rounding``, or with a negative shift."""
    multiplier, shift = point.multiplier, point.shift
    match rounding:
        case Rounding.DOUBLE if shift <= 0 and multiplier >= ONE_HALF:
            return FixedPoint(2 * multiplier - 2**32, -shift)
        case Rounding.DOUBLE:
            return FixedPoint(multiplier, shift - RARE_DOUBLE)
        case Rounding.HALF_EVEN if shift > HALF_EVEN_SHIFT:
            return FixedPoint(multiplier, shift - HALF_EVEN_SHIFT)
        case Rounding.HALF_EVEN:
            return FixedPoint(multiplier, shift - RARE_ONCE)
        case Rounding.HALF_UP | Rounding.WRAPPING:
            return point
