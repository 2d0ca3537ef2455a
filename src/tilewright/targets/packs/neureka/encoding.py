"""How N-EUREKA wants its weights: rows of 256 bits, one plane of bits after another.

Weights are stored without sign: what the engine adds to them (the job's ``weight_offset``) has
been taken off. A window's row has one bit of 9 taps x 28 channels; a point's row has all bits of
32 channels.
"""

from functools import lru_cache

import numpy as np

from tilewright.ir.types import Array, Shape

ROW_BITS = 256

MOST_KEPT = 256
"""Encodings that are remembered: a network is staged and judged once per value of its arguments."""


def encode_windows(stored: Array, bits: int) -> Array:
    """Rows [O, tiles of 28 channels, bits, 32] uint8, from stored weights [O, 3, 3, C].

    Bit p of a row belongs to tap p // 28, channel p % 28 of its tile; 4 bits are left over.
    """
    return _windows(stored.tobytes(), stored.shape, bits)


@lru_cache(MOST_KEPT)
def _windows(stored: bytes, shape: Shape, bits: int) -> Array:
    outputs, _, _, channels = shape
    parts = -(-channels // 28)
    padded = np.zeros((outputs, 9, parts * 28), np.uint8)
    padded[:, :, :channels] = np.frombuffer(stored, np.uint8).reshape(outputs, 9, channels)
    by_tile = padded.reshape(outputs, 9, parts, 28).transpose(0, 2, 1, 3)
    planes = by_tile[:, :, None] >> np.arange(bits, dtype=np.uint8)[:, None, None] & 1
    rows = np.zeros((outputs, parts, bits, ROW_BITS), np.uint8)
    rows[..., :252] = planes.reshape(outputs, parts, bits, 252)
    return _kept(np.packbits(rows, axis=-1, bitorder="little"))


def encode_channels(stored: Array, bits: int) -> Array:
    """Rows [1, tiles of 28 channels, bits, 32] uint8, from stored weights [3, 3, C], one window
    per channel."""
    return encode_windows(stored[None], bits)


def encode_points(stored: Array, bits: int) -> Array:
    """Rows [O, tiles of 32 channels, 32] uint8, from stored weights [O, C].

    A row has a word for every 4 channels; nibble b of it has their bits b. Planes beyond ``bits``
    are zero.
    """
    assert int(stored.max(initial=0)) < 1 << bits
    return _points(stored.tobytes(), stored.shape)


@lru_cache(MOST_KEPT)
def _points(stored: bytes, shape: Shape) -> Array:
    outputs, channels = shape
    parts = -(-channels // 32)
    padded = np.zeros((outputs, parts * 32), np.uint8)
    padded[:, :channels] = np.frombuffer(stored, np.uint8).reshape(shape)
    groups = padded.reshape(outputs, parts, 8, 1, 4)
    planes = groups >> np.arange(8, dtype=np.uint8)[:, None] & 1
    return _kept(np.packbits(planes.reshape(outputs, parts, ROW_BITS), axis=-1, bitorder="little"))


def _kept(array: Array) -> Array:
    """What is remembered is not changed."""
    array.flags.writeable = False
    return array
