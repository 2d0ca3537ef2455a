"""What the bindings of this pack share."""

from pathlib import Path

from tilewright.ops.rescale import Rounding

HERE = Path(__file__).parent

ROUNDINGS = (Rounding.DOUBLE, Rounding.HALF_EVEN)
"""What helium_rescale.h can do."""
