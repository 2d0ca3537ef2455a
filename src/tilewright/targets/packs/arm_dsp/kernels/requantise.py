"""The requantisation tables of dsp_requantise.h, and variants by rounding."""

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


def variant_source(kernel: str, rounding: Rounding) -> Path:
    """The source file of ``kernel`` for one rounding: conv2d_s8_dsp_double.c."""
    return HERE / f"{kernel}_{rounding.value}.c"


@dataclass(frozen=True, slots=True)
class Tables:
    """What follows the sums of a layer: arrays [channels], the last two possibly [1]."""

    bias: Array
    multiplier: Array
    shift: Array

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


def pack_tables(products: Array, tables: Tables, rounding: Rounding) -> Tables:
    """Tables as the C wants them.

    products  [..., channels] weights that one output is a sum over
    """
    if rounding is Rounding.DOUBLE:
        is_constant = np.asarray(~products.any(axis=tuple(range(products.ndim - 1))))
        tables = tables.with_plain_constants(is_constant)
    reach = largest_sums(products, tables.bias)
    shift = pack_shifts(reach, tables.multiplier, tables.shift, rounding)
    return Tables(tables.bias, tables.multiplier, shift)


def pack_shifts(reach: Array, multiplier: Array, shift: Array, rounding: Rounding) -> Array:
    """Shifts as the C wants them: those of the short sequence, or negative where it is not exact.

    reach             [channels] bound of |accumulator|, bias included
    multiplier, shift [channels] or [1], as the operator has them
    Where a multiplier is zero, any shift does.
    """
    wide = shift.astype(np.int64)
    farthest = reach if shift.size > 1 else reach.max(keepdims=True)
    match rounding:
        case Rounding.DOUBLE:
            fits, short, rare = (wide <= 0) & (2 * farthest <= INT32_MAX), -wide, wide - 64
            idle = 0
        case Rounding.HALF_EVEN:
            fits, short, rare = wide > HALF_EVEN_SHIFT, wide - HALF_EVEN_SHIFT, wide - 128
            idle = 1
        case Rounding.HALF_UP:
            return shift
    return np.where(multiplier == 0, idle, np.where(fits, short, rare)).astype(np.int8)


def largest_sums(products: Array, bias: Array) -> Array:
    """Bound of |accumulator| for int8 inputs.

    products  [..., channels] weights that one output is a sum over
    bias      [channels]
    """
    sums = np.abs(products.astype(np.int64)).sum(axis=tuple(range(products.ndim - 1)))
    return 128 * sums + np.abs(bias.astype(np.int64))
