"""Weight matrices in the order of dsp_row.h."""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.types import Array

ROWS = 4
"""DSP_ROWS of dsp_pairs.h: rows that are multiplied together."""


LARGEST_SUM = 128
"""Of one int8, its sign aside."""
INT16_MAX = 2**15 - 1


def quads(length: int) -> int:
    """Fours of elements in a row of ``length``."""
    return -(-length // 4)


@dataclass(frozen=True, slots=True)
class Tally:
    """How weights w - zero meet a row: w as they are, then minus the zero point for each of some
    int16 that make the row's sum, or a number of times as much.

    elements  a multiple of four; 0 where the zero point is
    times     2 where minus the zero point is no int8
    """

    elements: int
    times: int

    @staticmethod
    def of(length: int, w_zero: int) -> "Tally":
        """For rows of ``length`` int8."""
        if w_zero == 0:
            return Tally(0, 1)
        times = 2 if w_zero == -LARGEST_SUM else 1
        return Tally(4 * quads(-(-times * LARGEST_SUM * length // INT16_MAX)), times)

    def extended(self, w: Array, w_zero: int) -> Array:
        """w[channels, length] with what the sum meets."""
        tail = np.full((len(w), self.elements), -w_zero // self.times)
        return np.concatenate([w, tail.astype(np.int8)], axis=1)


def next_rows(rows: int) -> int:
    """Rows that are widened at the same time: fewer than four go one by one."""
    return ROWS if rows >= ROWS else 1


def pack_matrix(w: Array) -> Array:
    """w[channels, length] int8 → int32[ceil(channels/4), ceil(length/4), 4], zeros added.

    The four words are: channels 0 and 1 of a four, elements 0 and 2 of a four; the same channels,
    elements 1 and 3; then channels 2 and 3 alike. Each word holds at bytes 0 and 2 one channel's
    weights, at bytes 1 and 3 the other's.
    """
    channels, length = w.shape
    padded = np.zeros((quads(channels) * 4, quads(length) * 4), np.int8)
    padded[:channels, :length] = w
    # group, pair of channels, channel, four, second element (of 0 2), odd element (of 0 1)
    split = padded.reshape(quads(channels), 2, 2, quads(length), 2, 2)
    # group, four, pair of channels, odd element, second element, channel
    packed = np.ascontiguousarray(split.transpose(0, 3, 1, 5, 4, 2))
    return (
        packed.reshape(-1).view("<i4").reshape(quads(channels), quads(length), 4).astype(np.int32)
    )
