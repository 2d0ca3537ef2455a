"""Requantisation by one fused multiply-add in float32, where it is proven to give the same bytes.

A channel's output is a staircase: it never falls, and between its lowest and its highest value it
has at most 255 steps. ``scale * (acc + moved) + offset`` in units of 2**-24, converted to int32,
which saturates, has the output in its upper byte. That is the same staircase exactly if it is on
the right side at both ends of every step and right at both ends of what the accumulator can reach:
rounding never reorders. So a channel is proven by looking at some 510 accumulators, not at all; one
for which no line is found keeps its integers.

Where the contract rounds halves away from zero and zero lies inside the clip range, the offset
takes the accumulator's sign, and zero point and half are added after it (``is_odd``).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilewright.ir.types import Array
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding, rescale, round_shift, wrapped

MOST_SUM = 1 << 29
"""Accumulators, and what is added to them, stay below it."""

EXACT = 1 << 23
"""Zero points that are worth more accumulators than this stay in the offset: sums would no longer
be exact as floats."""

UNIT_BITS = 24
UNIT = 2.0**UNIT_BITS
"""Of outputs: the upper byte of a word."""

NEIGHBOURS = 16
"""Floats on either side of the scale that are tried."""

PLACES = tuple(sorted((i / 10 for i in range(-10, 21)), key=lambda place: abs(place - 0.5)))
"""Where in its range the offset is tried, and around it: what is computed is rounded, so that the
ends are not those of real numbers."""

NEARLY = 2.0**-48
"""Relative doubt about a sum of doubles; machines that compute in double first have it, too."""

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """int64[C] moved, float32[C] scale and offset, bool[C] whether they are proven."""

    moved: Array
    scale: Array
    offset: Array
    is_proven: Array


@dataclass(frozen=True, slots=True)
class _Staircase:
    """Channels' outputs.

    acc     [C, K] the smallest accumulator at which output ``value`` [K] is reached
    within  [C, K] whether accumulators of both sides occur
    ends    [C, 2] least and largest accumulator
    made    [C, 2] clipped output there
    base    zero point and half, which are added after an odd line
    """

    acc: Array
    value: Array
    within: Array
    ends: Array
    made: Array
    low: int
    high: int
    base: float
    is_odd: bool


def is_odd(output: Requantise) -> bool:
    """Whether the offset takes the accumulator's sign."""
    return output.rounding is Rounding.DOUBLE and output.low < output.zero


def find_lines(
    bias: Array,
    reach: Array,
    tables: tuple[Array, Array],
    output: Requantise,
    *,
    absorbs_bias: bool = False,
) -> Line:
    """A line for every channel that has one.

    bias    int64[C]
    reach   int64[C]: products add up to at most this, either sign
    tables  multiplier, shift: int64[C]
    ``moved`` is relative to the bias, which modulo 2**32 may be any number. ``absorbs_bias``: even
    lines are of sums without a bias, ``moved`` takes it back.
    """
    wraps = output.rounding is Rounding.WRAPPING
    stairs = _staircase(bias, reach, tables, output)
    real = _real(tables, output.rounding)
    rises = _rises(bias, reach, tables, output)
    found = _constants(stairs, rises)
    safe = rises & (np.abs(stairs.ends).max(axis=1) < MOST_SUM) & (real > 0)
    for step in sorted(range(-NEIGHBOURS, NEIGHBOURS + 1), key=abs):
        left = np.flatnonzero(~found.is_proven & safe)
        if not left.size:
            break
        scale = ((real[left] * UNIT).astype(np.float32).view(np.int32) + step).view(np.float32)
        moved = np.zeros(left.size)
        if absorbs_bias and not stairs.is_odd:
            moved = moved if wraps else -bias[left].astype(np.float64)
        elif not stairs.is_odd:
            moved = np.rint((output.zero + 0.5) * UNIT / scale.astype(np.float64))
            moved = np.where(np.abs(moved) < EXACT, moved, 0)
        _try(found, _some(stairs, left), left, scale, moved.astype(np.int64))
    if absorbs_bias and not stairs.is_odd and not wraps:
        found.moved[:] = -bias  # of constant channels, too
    if wraps:
        found.moved[:] -= bias
    return found


def _rises(bias: Array, reach: Array, tables: tuple[Array, Array], output: Requantise) -> Array:
    """Whether outputs never fall as sums grow; modulo 2**32 that is where nothing wraps."""
    multiplier, shift = tables
    rises: Array = multiplier >= 0
    if output.rounding is not Rounding.WRAPPING:
        return rises
    half = (np.int64(1) << shift) >> 1
    most = reach * multiplier + np.abs(wrapped(bias * multiplier)) + half
    return np.logical_and(rises, most < 1 << 31)


def _constants(stairs: _Staircase, rises: Array) -> Line:
    """Channels that always give one value have scale 0 and, where it has a sign, offset 0."""
    count = len(stairs.acc)
    is_constant: Array = rises & np.logical_not(stairs.within.any(axis=1))
    value = (stairs.made[:, 0] + 0.5) * UNIT
    if stairs.is_odd:
        is_constant = np.logical_and(is_constant, value == stairs.base)
        value[:] = 0
    return Line(
        np.zeros(count, np.int64), np.zeros(count, np.float32),
        value.astype(np.float32), is_constant,
    )  # fmt: skip


def _some(stairs: _Staircase, which: Array) -> _Staircase:
    return _Staircase(
        stairs.acc[which], stairs.value, stairs.within[which], stairs.ends[which],
        stairs.made[which], stairs.low, stairs.high, stairs.base, stairs.is_odd,
    )  # fmt: skip


def _try(found: Line, stairs: _Staircase, left: Array, scale: Array, moved: Array) -> None:
    """Look for offsets of the channels ``left``, and keep what is proven."""
    slope = scale.astype(np.float64)[:, None]
    above = stairs.value * UNIT - slope * (stairs.acc + moved[:, None])
    below = above + slope
    if stairs.is_odd:
        above, below = above - stairs.base, below - stairs.base
        is_below_zero = stairs.acc <= 0
        above, below = (
            np.where(is_below_zero, -below, above),
            np.where(is_below_zero, -above, below),
        )
    least = np.where(stairs.within, above, -np.inf).max(axis=1)
    most = np.where(stairs.within, below, np.inf).min(axis=1)
    least, most = (np.where(stairs.within.any(axis=1), limit, 0) for limit in (least, most))
    for place in PLACES:
        offset = (least + place * (most - least)).astype(np.float32)
        good = ~found.is_proven[left] & _is_proven(stairs, scale, offset, moved)
        found.moved[left[good]] = moved[good]
        found.scale[left[good]] = scale[good]
        found.offset[left[good]] = offset[good]
        found.is_proven[left[good]] = True


def _is_proven(stairs: _Staircase, scale: Array, offset: Array, moved: Array) -> Array:
    def line(acc: Array, doubt: float) -> Array:
        x = (acc + moved[:, None]).astype(np.float32).astype(np.float64)
        added = np.broadcast_to(offset.astype(np.float64)[:, None], x.shape)
        if stairs.is_odd:
            added = np.copysign(added, x)
        exact = scale.astype(np.float64)[:, None] * x + added
        rounded = (exact + np.abs(exact) * doubt).astype(np.float32).astype(np.float64)
        if stairs.is_odd:
            rounded = (rounded + stairs.base).astype(np.float32).astype(np.float64)
        whole = np.rint(np.clip(rounded, -(2.0**31), 2.0**31 - 1)).astype(np.int64)
        return whole >> UNIT_BITS

    reached = line(stairs.acc, -NEARLY) >= stairs.value
    below = line(stairs.acc - 1, NEARLY) < stairs.value
    ends = [
        np.clip(line(stairs.ends, doubt), stairs.low, stairs.high) == stairs.made
        for doubt in (-NEARLY, NEARLY)
    ]
    steps = ((reached & below) | ~stairs.within).all(axis=1)
    return steps & ends[0].all(axis=1) & ends[1].all(axis=1)


def _staircase(
    bias: Array, reach: Array, tables: tuple[Array, Array], output: Requantise
) -> _Staircase:
    multiplier, shift = (table[:, None] for table in tables)
    wraps = output.rounding is Rounding.WRAPPING
    added = wrapped(bias[:, None] * multiplier)
    ends = np.stack([-reach, reach] if wraps else [bias - reach, bias + reach], axis=1)

    def made(acc: Array) -> Array:
        if wraps:  # the bias stands for what it adds to products
            return round_shift(acc * multiplier + added, shift, Rounding.HALF_UP) + output.zero
        return rescale(acc, multiplier, shift, output.rounding) + output.zero

    value = np.arange(output.low + 1, output.high + 1, dtype=np.int64)
    under = np.repeat(ends[:, :1] - 1, len(value), axis=1)
    reached = np.repeat(ends[:, 1:] + 1, len(value), axis=1)
    while (reached - under > 1).any():
        middle = (under + reached) // 2
        is_there = made(middle) >= value
        reached = np.where(is_there, middle, reached)
        under = np.where(is_there, under, middle)
    within = (reached > ends[:, :1]) & (reached <= ends[:, 1:])
    return _Staircase(
        reached, value, within, ends, np.clip(made(ends), output.low, output.high),
        output.low, output.high, (output.zero + 0.5) * UNIT, is_odd(output),
    )  # fmt: skip


def _real(tables: tuple[Array, Array], rounding: Rounding) -> Doubles:
    multiplier, shift = (table.astype(np.float64) for table in tables)
    if rounding is Rounding.DOUBLE:
        return multiplier * np.exp2(shift - 31)
    return multiplier * np.exp2(-shift)
