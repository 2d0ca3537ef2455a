"""What the bindings of this pack share: tables as the kernels read them, weights in their order."""

from pathlib import Path

import numpy as np

from tilewright.ir.types import Array
from tilewright.ops.requantise import Requantise
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.xpulp.kernels.lines import MOST_SUM, find_lines

HERE = Path(__file__).parent

ROWS = 4
"""Weight rows, and pixels, that meet in one block."""

SLOW = 64
"""XP_SLOW of xp_requantise.h."""

INTEGERS = 0x7FC0_0080
"""XP_INTEGERS of xp_requantise.h and the zero of what it is added to."""

CORES = 8
"""For which items are cut; any other number computes the same."""

CALL = 150 * CORES
"""What a call of a small kernel costs besides its work: its arguments, and cores that begin and
end at different times."""

MOST_PRODUCTS = 1 << 13
"""Of one accumulator: it stays below 2**29."""

OVERRUN = 12
"""Bytes of scratch behind copies by words."""

COMMON = (HERE / "xpulp.h", HERE / "xp_requantise.h", HERE / "xp_finish_asm.h")

DOT = (HERE / "dot_xpulp.h", HERE / "dot_xpulp_asm.h")


def round_up(n: int, to: int) -> int:
    """The smallest multiple of ``to`` that is n or more."""
    return -(-n // to) * to


def shared_out(items: int, each: int) -> int:
    """Cycles of a call on one core if eight shared it: what the busiest has, eight times."""
    return CORES * -(-items // CORES) * each


def filled(table: Array, channels: int) -> Array:
    """One entry per channel, zeros up to a multiple of four; one for all is repeated."""
    whole = np.zeros(round_up(channels, ROWS), np.int32)
    whole[:channels] = table
    return whole


def finished(
    rows: Array,
    tables: tuple[Array, Array, Array],
    output: Requantise,
    *,
    absorbs_bias: bool = False,
) -> tuple[Array, Array, Array]:
    """bias, multiplier and shift as xp_requantise.h takes them, int32, up to a multiple of four.

    rows    [O, K] weights
    tables  bias, multiplier, shift
    absorbs_bias  even lines have the bias in their offset, so that sums start at zero
    Four channels have lines, or none of them has.
    """
    bias, multiplier, shift = (np.broadcast_to(t, len(rows)).astype(np.int64) for t in tables)
    reach = 128 * np.abs(rows.astype(np.int64)).sum(axis=1)
    line = find_lines(bias, reach, (multiplier, shift), output, absorbs_bias=absorbs_bias)
    fours = np.ones(round_up(len(rows), ROWS), np.bool_)
    # Sums that wrap are no staircase.
    fours[: len(rows)] = line.is_proven & (output.rounding is not Rounding.WRAPPING)
    has_line = np.repeat(fours.reshape(-1, ROWS).all(axis=1), ROWS)[: len(rows)]
    furthest = np.abs(bias) + reach
    stored = _stored(shift, multiplier, furthest, output.rounding)
    return (
        filled(np.where(has_line, bias + line.moved, bias), len(rows)),
        filled(np.where(has_line, line.scale.view(np.int32), multiplier), len(rows)),
        filled(np.where(has_line, line.offset.view(np.int32), INTEGERS + stored), len(rows)),
    )


def _stored(shift: Array, multiplier: Array, furthest: Array, rounding: Rounding) -> Array:
    """Shifts of channels that keep their integers: short ones, or SLOW ones below zero."""
    if rounding in (Rounding.HALF_UP, Rounding.WRAPPING):
        return shift
    slow = -1 - SLOW - shift
    if rounding is Rounding.HALF_EVEN:
        return np.where((shift > 32) & (shift < 64), shift - 32, slow)
    is_short = (furthest < MOST_SUM) & (shift < 0) & (shift >= -30)
    return np.where(is_short, 1 - shift, slow)


def interleaved(rows: Array) -> Array:
    """s8[O, K] with O and K multiples of four: of each four rows, one word in turn."""
    count, length = rows.shape
    groups = rows.reshape(count // ROWS, ROWS, length // 4, 4)
    return np.ascontiguousarray(groups.swapaxes(1, 2)).reshape(count, length)


def padded(rows: Array) -> Array:
    """s8[O, K] with zeros up to multiples of four."""
    whole = np.zeros((round_up(rows.shape[0], ROWS), round_up(rows.shape[1], 4)), np.int8)
    whole[: rows.shape[0], : rows.shape[1]] = rows
    return whole


def products(
    constants: tuple[Array | None, ...],
) -> tuple[Array | None, Array, Array, Array, Array]:
    """x, w, bias, multiplier, shift: all but x are constants."""
    x, w, bias, multiplier, shift = constants
    assert w is not None
    assert bias is not None
    assert multiplier is not None
    assert shift is not None
    return x, w, bias, multiplier, shift
