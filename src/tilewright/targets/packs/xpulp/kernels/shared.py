"""What the bindings of this pack share: tables as the kernels read them, weights in their order."""

from pathlib import Path

import numpy as np

from tilewright.ir.types import Array
from tilewright.ops.rescale import Rounding, rescale

HERE = Path(__file__).parent

ROWS = 4
"""Weight rows, and pixels, that meet in one block."""

SLOW = 64
"""XP_SLOW of xp_requantise.h."""

CORES = 8
"""For which items are cut; any other number computes the same."""

MOST_PRODUCTS = 1 << 13
"""Of one accumulator: it stays below 2**29."""

MOST_SUM = 1 << 29
"""Sums are below it where the short form is right."""

MOST_VALUE = 1 << 10
"""Values beyond it are clipped, whatever the zero point."""

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
    rows: Array, tables: tuple[Array, Array, Array], rounding: Rounding
) -> tuple[Array, Array, Array]:
    """bias, multiplier and shift as xp_requantise.h takes them, int32, up to a multiple of four.

    rows    [O, K] weights: a channel whose weights are all zero gives one value, and gets tables
            that are short whatever its own are
    tables  bias, multiplier, shift
    Kernels look at the first shift of a part only, so that one that is not short makes none short.
    """
    bias, multiplier, shift = (np.broadcast_to(t, len(rows)).astype(np.int64) for t in tables)
    if rounding is not Rounding.HALF_UP:
        value = np.clip(rescale(bias, multiplier, shift, rounding), -MOST_VALUE, MOST_VALUE)
        constant = (rows == 0).all(axis=1)
        factor, bits = (4, -1) if rounding is Rounding.DOUBLE else (8, 33)
        bias = np.where(constant, factor * value, bias)
        multiplier = np.where(constant, 1 << 30, multiplier)
        shift = np.where(constant, bits, shift)
    reach = np.abs(bias) + 128 * np.abs(rows.astype(np.int64)).sum(axis=1)
    stored = _stored(shift, multiplier, int(reach.max()), rounding)
    return filled(bias, len(rows)), filled(multiplier, len(rows)), filled(stored, len(rows))


def _stored(shift: Array, multiplier: Array, reach: int, rounding: Rounding) -> Array:
    if rounding is Rounding.HALF_UP:
        return shift
    if rounding is Rounding.HALF_EVEN:
        shift = np.where(multiplier == 0, 33, shift)
        return shift - 32 if ((shift > 32) & (shift < 64)).all() else -1 - SLOW - shift
    shift = np.where(multiplier == 0, -1, shift)
    if reach >= MOST_SUM or not ((shift < 0) & (shift >= -31)).all():
        return -1 - SLOW - shift
    return 1 - np.maximum(shift, -30)  # by 30 or by 31: nothing is left of such sums


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
