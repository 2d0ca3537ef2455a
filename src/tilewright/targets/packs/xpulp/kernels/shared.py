"""What the bindings of this pack share: tables as the kernels read them, weights in their order."""

from pathlib import Path

import numpy as np

from tilewright.ir.types import Array
from tilewright.ops.rescale import Rounding

HERE = Path(__file__).parent

ROWS = 4
"""Weight rows, and pixels, that meet in one block."""

SLOW = 64
"""XP_SLOW of xp_requantise.h."""

CORES = 8
"""For which items are cut; any other number computes the same."""

MOST_PRODUCTS = 1 << 13
"""Of one accumulator: it stays below 2**29."""

OVERRUN = 12
"""Bytes of scratch behind copies by words."""

COMMON = (HERE / "xpulp.h", HERE / "xp_requantise.h", HERE / "xp_finish.h")


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


def stored_shifts(shift: Array, rounding: Rounding) -> Array:
    """Shifts as xp_requantise.h takes them, int32."""
    wide = shift.astype(np.int32)
    if rounding is Rounding.HALF_UP:
        return wide
    is_even = rounding is Rounding.HALF_EVEN
    is_short = (wide > 32) & (wide < 64) if is_even else (wide < 0) & (wide > -31)
    # Kernels look at the first channel of a part only.
    if not is_short.all():
        return -1 - SLOW - wide
    return wide - 32 if is_even else 1 - wide


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
