"""Weight matrices in the order of dsp_row.h."""

import numpy as np

from tilewright.ir.types import Array

ROWS = 4
"""DSP_ROWS of dsp_pairs.h: rows that are multiplied together."""


def quads(length: int) -> int:
    """Fours of elements in a row of ``length``."""
    return -(-length // 4)


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
