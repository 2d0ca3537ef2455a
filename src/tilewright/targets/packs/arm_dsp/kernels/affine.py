"""Requantisation in two instructions, exact: y = ssat8((acc * M / 2**32 + high) / 4), all floors.

SMMLA multiplies, keeps the upper word and adds; SSAT shifts right by two and saturates. Rescaling
is a staircase of up to 255 steps: the smallest accumulator that makes k, for each k. A line a M + O
does the same if it is at k or above there, and below k one accumulator earlier. Each step bounds O
from both sides; M is the scale, to some 26 bits. What is left for O is narrow, some
hundred-thousandths of a step, and upper words are coarse. But the bias is free too: moving it by
some thousands moves O by any amount modulo 2**32.
"""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.types import Array
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import INT32_MAX, INT32_MIN, Rounding, rescale
from tilewright.targets.packs.arm_dsp.kernels.requantise import Tables

SHIFT = 2
"""DSP_AFFINE_SHIFT of dsp_finish.h: what SSAT shifts by."""

STEP = 1 << (32 + SHIFT)
"""The line's rise, in units of its values, from one int8 to the next."""

NEIGHBOURS = np.arange(-4, 5)
"""Multipliers that are tried, around the one that the scale is."""

LARGEST_HIGH = 2**14 - 1
LARGEST_MOVE = 2**24
"""Of the bias."""

FAR = 2**62


@dataclass(frozen=True, slots=True)
class Sums:
    """Lowest and highest accumulator of each channel, int64 [channels]."""

    lowest: Array
    highest: Array

    @staticmethod
    def of(products: Array, bias: Array) -> "Sums":
        """Of sums over products[..., channels] with int8 inputs, plus bias[channels]."""
        w = products.reshape(-1, products.shape[-1]).astype(np.int64)
        up, down = np.maximum(w, 0).sum(axis=0), np.maximum(-w, 0).sum(axis=0)
        start = bias.astype(np.int64)
        return Sums(start - 128 * up - 127 * down, start + 127 * up + 128 * down)

    def together(self) -> "Sums":
        """Of all channels as if they were one."""
        return Sums(self.lowest.min(keepdims=True), self.highest.max(keepdims=True))


@dataclass(frozen=True, slots=True)
class Line:
    """What one channel's two instructions want; ``move`` is added to its bias."""

    move: int
    multiplier: int
    high: int


def counts_only_from_zero(output: Requantise) -> bool:
    """Whether no result below the zero point is seen, as after a Relu: all are clipped to it."""
    return output.low >= output.zero


def lines(tables: Tables, sums: Sums, output: Requantise) -> list[Line | None]:
    """A line for each channel, or None where there is none of this precision."""
    real = _scales(tables, output.rounding)
    steps, is_found = _steps(tables, real, sums, output)
    middle = np.floor(np.minimum(real * STEP, 2.0**31) + 0.5).astype(np.int64)
    multipliers = np.clip(middle[:, None] + NEIGHBOURS, 0, INT32_MAX)
    low, high = _offsets(steps, sums, multipliers, output)
    fits = is_found & (real * STEP < INT32_MAX)
    made = rescale(sums.lowest, tables.multiplier, tables.shift, output.rounding) + output.zero
    is_constant = sums.lowest == sums.highest
    return [
        Line(0, 0, int(np.clip(made[c], output.low, output.high)) << SHIFT)
        if is_constant[c]
        else _line(multipliers[c], low[c], high[c], sums, c)
        if fits[c]
        else None
        for c in range(len(real))
    ]


def _scales(tables: Tables, rounding: Rounding) -> Array:
    """What accumulators are multiplied by, as a real number; [channels]."""
    shift = tables.shift.astype(np.float64)
    exponent = shift - 31 if rounding is Rounding.DOUBLE else -shift
    return tables.multiplier * 2.0**exponent


def _steps(tables: Tables, real: Array, sums: Sums, output: Requantise) -> tuple[Array, Array]:
    """The smallest accumulator that makes k, [channels, high - low] for k = low + 1 to high.

    What accumulators never reach is put just behind the highest. Second: where that was found.
    """
    k = np.arange(output.low + 1, output.high + 1)
    first, last = sums.lowest[:, None], sums.highest[:, None]
    guess = (k - output.zero - 0.5) / np.maximum(real, 1e-30)[:, None]
    near = np.clip(np.floor(guess), first - 3, last + 3).astype(np.int64)
    tried = near[..., None] + np.arange(-2, 4)
    made = rescale(
        tried, tables.multiplier[:, None, None], tables.shift[:, None, None], output.rounding
    )
    reaches = made + output.zero >= k[:, None]
    at = tried[..., 0] + (~reaches).sum(axis=-1)
    is_found = (~reaches[..., 0] | (at <= first)) & (reaches[..., -1] | (at > last))
    return np.clip(at, first, last + 1), is_found.all(axis=1)


def _offsets(
    steps: Array, sums: Sums, multipliers: Array, output: Requantise
) -> tuple[Array, Array]:
    """Lowest and highest offset of a line with each multiplier; int64 [channels, multipliers]."""
    rise = np.arange(output.low + 1, output.high + 1) * STEP
    product = steps[:, None, :] * multipliers[..., None]
    first, last = sums.lowest[:, None, None], sums.highest[:, None, None]
    at_least = np.where(steps[:, None, :] <= last, rise - product, -FAR)
    below = rise - product + multipliers[..., None]
    less_than = np.where(steps[:, None, :] > first, below, FAR)
    return at_least.max(axis=-1, initial=-FAR), less_than.min(axis=-1, initial=FAR) - 1


def _line(multipliers: Array, low: Array, high: Array, sums: Sums, channel: int) -> Line | None:
    """The first that is within all bounds, the widest choice of offsets first."""
    for i in np.argsort(low - high, kind="stable"):
        if low[i] > high[i]:
            return None
        multiplier, lowest, highest = int(multipliers[i]), int(low[i]), int(high[i])
        move = smallest_move(multiplier, lowest, highest)
        if move is None or abs(move) > LARGEST_MOVE:
            continue
        least, most = -((move * multiplier - lowest) >> 32), (highest - move * multiplier) >> 32
        high_word = min(max(least, 0), most)
        reach = int(sums.lowest[channel]) + move, int(sums.highest[channel]) + move
        if abs(high_word) <= LARGEST_HIGH and reach[0] >= INT32_MIN and reach[1] <= INT32_MAX:
            return Line(move, multiplier, high_word)
    return None


def smallest_move(multiplier: int, low: int, high: int) -> int | None:
    """The move nearest to 0 for which move * multiplier + high_word * 2**32 is in [low, high]."""
    if high - low >= 2**32 - 1:
        return 0
    first, last = low % 2**32, high % 2**32
    if first > last:
        return 0
    up = _first_within(multiplier, 2**32, first, last)
    down = _first_within(-multiplier % 2**32, 2**32, first, last)
    if up is None or down is None:
        return up if down is None else -down
    return up if up <= down else -down


def _first_within(factor: int, modulus: int, low: int, high: int) -> int | None:
    """The smallest x >= 0 with low <= factor * x % modulus <= high, as Euclid would find it.

    0 <= low <= high < modulus, 0 <= factor < modulus
    """
    if low == 0:
        return 0
    if factor == 0:
        return None
    x = -(-low // factor)
    if factor * x <= high:
        return x
    # factor * x - modulus * y is in [low, high] where modulus * y % factor is in [-high, -low].
    y = _first_within(modulus % factor, factor, -high % factor, -low % factor)
    return None if y is None else -(-(low + modulus * y) // factor)
