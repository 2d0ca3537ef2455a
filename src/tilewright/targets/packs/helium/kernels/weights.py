"""Constants in the order in which Helium kernels read them."""

import numpy as np

from tilewright.ir.types import Array
from tilewright.ops.rescale import Rounding

LANES = 16
"""Elements of one vector of bytes."""

ROWS = 3
"""Weight rows that meet two input rows at once: dot_helium.h says why."""


def round_up(n: int, to: int) -> int:
    """The smallest multiple of ``to`` that is n or more."""
    return -(-n // to) * to


def interleave(rows: Array, at_once: int, *, rest_apart: bool) -> Array:
    """s8[O, K] as a run of bytes: of each ``at_once`` rows, 16 elements in turn, zeros after K.

    rest_apart  whether rows that fill no group follow one by one, or as a group with zero rows
    """
    count, length = rows.shape
    padded = np.zeros((round_up(count, at_once), round_up(length, LANES)), np.int8)
    padded[:count, :length] = rows
    whole = count // at_once * at_once if rest_apart else len(padded)
    steps = padded.shape[1] // LANES
    groups = padded[:whole].reshape(whole // at_once, at_once, steps, LANES).swapaxes(1, 2)
    return np.concatenate([groups.ravel(), padded[whole:count].ravel()])


def per_channel(table: Array, channels: int) -> Array:
    """One entry per channel, zeros up to a multiple of four."""
    whole = np.zeros(round_up(channels, 4), table.dtype)
    whole[:channels] = table
    return whole


def vector_shifts(shift: Array, rounding: Rounding) -> Array:
    """Shifts as VRSHL takes them, s8: to the left where positive; see helium_rescale.h."""
    if rounding is Rounding.HALF_EVEN:
        return (32 - shift.astype(np.int32)).astype(np.int8)
    return shift.astype(np.int8)


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
