"""Weights of 4 and 6 bits, several to a byte: how a row lies, and back.

Every weight is a number in two's complement; in memory it takes the top bits of what it is read
as, so that a shift or a mask makes it a signed byte, 16 or 4 times too large.

4 bits  groups of 32 neighbours, fewer at the end: a group of R takes H = ceil(R / 2) bytes. Byte i
        holds weight i below and weight H + i above. Behind all groups, a multiple from 1 to 127 per
        group, a byte each: what the group's weights are multiplied with.
6 bits  blocks of 64 neighbours, fewer at the end: a block of R takes three times H = ceil(R / 4)
        bytes. Byte i of the first, second and third run holds weight i, H + i and 2 H + i in its
        top six bits; their lowest two bits, the first run's lowest, are weight 3 H + i.

Weights that are not there are 0.
"""

import numpy as np

from tilewright.ir.types import Array

GROUP = 32
"""Weights of 4 bits that have a step in common."""

BLOCK = 64
"""Weights of 6 bits whose bytes lie together."""

PACKED_BITS = (4, 6)


def group_count(columns: int) -> int:
    """Groups of a row of 4-bit weights."""
    return -(-columns // GROUP)


def row_bytes(columns: int, bits: int) -> int:
    """Of one row."""
    if bits == 4:
        return sum(-(-size // 2) for size in _sizes(columns, GROUP)) + group_count(columns)
    return sum(3 * -(-size // 4) for size in _sizes(columns, BLOCK))


def packed(weights: Array, bits: int, multiples: Array | None = None) -> Array:
    """u8[rows, row_bytes] of integers [rows, columns] within ``bits`` bits.

    multiples  integers [rows, groups]; for 4 bits
    """
    unsigned = weights.astype(np.int8).view(np.uint8)
    if bits == 6:
        return np.concatenate([_packed_block(b) for b in _cut(unsigned, BLOCK)], axis=1)
    assert multiples is not None, "weights of 4 bits have groups"
    groups = [_packed_group(group) for group in _cut(unsigned, GROUP)]
    return np.concatenate([*groups, multiples.astype(np.uint8)], axis=1)


def unpacked(stored: Array, columns: int, bits: int) -> Array:
    """The weights, s8[rows, columns], with groups multiplied out."""
    size, parts = (BLOCK, 4) if bits == 6 else (GROUP, 2)
    made, at = list[Array](), 0
    for count in _sizes(columns, size):
        run = -(-count // parts)
        taken = run * (3 if bits == 6 else 1)
        part = stored[:, at : at + taken]
        at += taken
        made.append((_block(part, run) if bits == 6 else _group(part))[:, :count])
    weights = np.concatenate(made, axis=1)
    if bits == 6:
        return weights
    multiples = stored[:, at:].astype(np.int8).repeat(GROUP, axis=1)[:, :columns]
    return weights * multiples


def _sizes(columns: int, most: int) -> list[int]:
    return [min(most, columns - start) for start in range(0, columns, most)]


def _cut(weights: Array, most: int) -> list[Array]:
    return [weights[:, start : start + most] for start in range(0, weights.shape[1], most)]


def _padded(weights: Array, columns: int) -> Array:
    return np.pad(weights, ((0, 0), (0, columns - weights.shape[1])))


def _packed_group(group: Array) -> Array:
    run = -(-group.shape[1] // 2)
    low, high = np.split(_padded(group, 2 * run), 2, axis=1)
    return (low & 15) | (high << 4)


def _group(part: Array) -> Array:
    low, high = part << 4, part & 0xF0
    return np.concatenate([low, high], axis=1).view(np.int8) >> 4


def _packed_block(block: Array) -> Array:
    run = -(-block.shape[1] // 4)
    *first, last = np.split(_padded(block, 4 * run), 4, axis=1)
    runs = [(of << 2) | ((last >> (2 * n)) & 3) for n, of in enumerate(first)]
    return np.concatenate(runs, axis=1)


def _block(part: Array, run: int) -> Array:
    a, b, c = part[:, :run], part[:, run : 2 * run], part[:, 2 * run :]
    last = ((a & 3) << 2) | ((b & 3) << 4) | ((c & 3) << 6)
    return np.concatenate([a & 0xFC, b & 0xFC, c & 0xFC, last], axis=1).view(np.int8) >> 2
