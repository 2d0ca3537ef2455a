"""Weight matrices in the order of dsp_products.h."""

import numpy as np

from tilewright.ir.types import Array
from tilewright.ops.rescale import Rounding
from tilewright.targets.packs.arm_dsp.kernels.requantise import Tables, pack_tables

ROWS = 4
"""DSP_ROWS of dsp_products.h: rows that are multiplied together."""


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


def pack_product(
    constants: tuple[Array | None, ...], rounding: Rounding
) -> tuple[Array | None, ...]:
    """(x, w[O, ...], bias, multiplier, shift) as conv2d_s8_dsp and dense_s8_dsp want them."""
    w, bias, multiplier, shift = (a for a in constants if a is not None)
    rows = w.reshape(w.shape[0], -1)
    tables = pack_tables(rows.T, Tables(bias, multiplier, shift), rounding)
    return None, pack_matrix(_whole_words(w)), tables.bias, tables.multiplier, tables.shift


def per_channel(constants: tuple[Array | None, ...]) -> tuple[Array | None, ...]:
    """The same with a multiplier and a shift of its own for every output channel."""
    *others, bias, multiplier, shift = (a for a in constants if a is not None)
    each = np.ones(bias.size, np.int32)
    return (*others, bias, multiplier * each, (shift * each).astype(np.int8))


def _whole_words(w: Array) -> Array:
    """w[O,K] as it is, w[O,KH,KW,C] as [O, KH * KW * C] with each KW * C filled up to fours."""
    if w.ndim == 2:
        return w
    rows = w.reshape(w.shape[0], w.shape[1], -1)
    filled = np.zeros((*rows.shape[:2], quads(rows.shape[2]) * 4), np.int8)
    filled[:, :, : rows.shape[2]] = rows
    return filled.reshape(w.shape[0], -1)
