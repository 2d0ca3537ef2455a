"""(sums * mul + added + half) >> shift as a bias, a multiplier and a shift per channel.

Kernels add a bias before they multiply. Where ``added`` is a multiple of ``mul`` that is the same.
Elsewhere it is the same modulo 2**32, in which the file's arithmetic is meant: an odd multiplier
has an inverse, so there is a bias with bias * mul = added.
"""

from dataclasses import dataclass

import numpy as np

from tilewright.frontend.dialect.storing import wrapped
from tilewright.ir.types import Array
from tilewright.ops.rescale import INT32_MAX, Rounding

WORD = 1 << 32


@dataclass(frozen=True, slots=True)
class Fit:
    """Tables for ``Requantise``: bias int32[O], multiplier int32[O or 1], shift int8[O or 1]."""

    rounding: Rounding
    bias: Array
    multiplier: Array
    shift: Array


def fit(mul: Array, added: Array, reach: Array, shift: int, zero: int) -> Fit | None:
    """None where no tables do it.

    mul    int64[O or 1]
    added  int64[O]
    reach  int64[O]: bound of |sums|
    zero   zero point of the output
    """
    mul = np.broadcast_to(mul, added.shape)
    half = 1 << shift >> 1
    if (mul > 0).all() and not (added % mul).any():
        bias = added // mul
        most = (reach + np.abs(bias)) * mul + half + (abs(zero) << shift)
        if (reach + np.abs(bias)).max() <= INT32_MAX and most.max() <= INT32_MAX:
            return _tables(Rounding.HALF_UP, bias, mul, np.full(mul.shape, shift))
    found = [
        _wrapping(int(m), int(a), int(r), shift) for m, a, r in zip(mul, added, reach, strict=True)
    ]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    bias, multiplier, shifts = (np.array(column, np.int64) for column in zip(*known, strict=True))
    return _tables(Rounding.WRAPPING, bias, multiplier, shifts)


def _wrapping(mul: int, added: int, reach: int, shift: int) -> tuple[int, int, int] | None:
    """(bias, multiplier, shift) of one channel, modulo 2**32."""
    if not 0 < mul <= INT32_MAX:
        return None
    twos = (mul & -mul).bit_length() - 1
    odd = mul >> twos
    if added % (1 << twos) == 0:
        return (added >> twos) * pow(odd, -1, WORD) % WORD, mul, shift
    half = 1 << shift >> 1
    if twos > shift or reach * abs(mul) + abs(added) + half > INT32_MAX:
        return None
    # Nothing wraps: floors of floors are floors, so the common factor leaves both sides.
    rest = shift - twos
    return ((added + half >> twos) - (1 << rest >> 1)) * pow(odd, -1, WORD) % WORD, odd, rest


def _tables(rounding: Rounding, bias: Array, multiplier: Array, shift: Array) -> Fit:
    is_one = len(set(multiplier.tolist())) == 1 and len(set(shift.tolist())) == 1
    count = 1 if is_one else len(bias)
    biases = np.array([int(b) % WORD for b in bias.tolist()], np.uint32).astype(np.int32)
    return Fit(rounding, biases, wrapped(multiplier[:count]), shift[:count].astype(np.int8))
