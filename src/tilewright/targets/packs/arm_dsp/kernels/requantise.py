"""The operator's requantisation tables, and those of the double rounding in dsp_requantise.h."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tilewright.ir.types import Array
from tilewright.ops.rescale import INT32_MAX, Rounding, rescale

HERE = Path(__file__).parent

HALF_EVEN_SHIFT = 32
"""The short sequence takes the product's high word first: what is left of the shift comes after."""

ONE_HALF = 2**30
"""As the double rounding's multiplier."""

SATURATED = 1024
"""More than any distance between two int8 values."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What follows the sums of a layer: arrays [channels], the last two possibly [1]."""

    bias: Array
    multiplier: Array
    shift: Array

    def per_channel(self) -> "Tables":
        """With a multiplier and a shift of its own for every channel."""
        each = np.ones(self.bias.size, np.int32)
        return Tables(self.bias, self.multiplier * each, (self.shift * each).astype(np.int8))

    def of(self, channels: slice) -> "Tables":
        """Those of some channels, where each has a scale of its own."""
        return Tables(self.bias[channels], self.multiplier[channels], self.shift[channels])

    def with_plain_constants(self, is_constant: Array) -> "Tables":
        """The same for channels without weights, whose bias and scale may be of any size.

        Their output is one value, zero point aside, which twice itself times a half gives too.
        Only where each channel has a scale of its own, and under the double rounding.
        """
        if self.shift.size == 1:
            return self
        value = rescale(self.bias, self.multiplier, self.shift, Rounding.DOUBLE)
        plain = 2 * np.clip(value, -SATURATED, SATURATED)
        return Tables(
            np.where(is_constant, plain, self.bias).astype(np.int32),
            np.where(is_constant, ONE_HALF, self.multiplier).astype(np.int32),
            np.where(is_constant, 0, self.shift).astype(np.int8),
        )


def symmetric_tables(products: Array, tables: Tables) -> Tables:
    """For the double rounding in five instructions: multipliers m as 2 m - 2**32 and shifts to the
    right, or negative where that is not exact.

    A multiplier of zero becomes a half and a shift that leaves nothing of any accumulator but the
    largest.

    products  [..., channels] weights that one output is a sum over
    """
    is_constant = np.asarray(~products.any(axis=tuple(range(products.ndim - 1))))
    tables = tables.with_plain_constants(is_constant)
    reach = largest_sums(products, tables.bias)
    if tables.shift.size == 1:
        reach = reach.max(keepdims=True)
    multiplier, shift = tables.multiplier.astype(np.int64), tables.shift.astype(np.int64)
    is_zero = multiplier == 0
    fits = (shift <= 0) & (~is_zero | (2 * reach <= INT32_MAX))
    doubled = 2 * np.where(is_zero, ONE_HALF, multiplier) - 2**32
    short = np.where(is_zero, 31, -shift)
    return Tables(
        tables.bias,
        np.where(fits, doubled, multiplier).astype(np.int32),
        np.where(fits, short, -1).astype(np.int8),
    )


def largest_sums(products: Array, bias: Array) -> Array:
    """Bound of |accumulator| for int8 inputs.

    products  [..., channels] weights that one output is a sum over
    bias      [channels]
    """
    sums = np.abs(products.astype(np.int64)).sum(axis=tuple(range(products.ndim - 1)))
    return 128 * sums + np.abs(bias.astype(np.int64))
