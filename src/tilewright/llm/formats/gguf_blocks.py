"""The number formats of GGUF tensors, as float32. Values lie in blocks along a row.

Every function takes blocks [n][bytes of a block] as uint8 and gives [n][values of a block].
Products are float32, rounded once each, as the format's specification computes them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tilewright.ir.types import Array


@dataclass(frozen=True, slots=True)
class BlockFormat:
    """``size_bytes`` for every ``values`` values."""

    name: str
    values: int
    size_bytes: int
    decode: Callable[[Array], Array]


def _half(blocks: Array, start: int) -> Array:
    """The float16 at byte ``start`` of every block, as float32[n][1]."""
    return blocks[:, start : start + 2].copy().view("<f2").astype(np.float32)


def _nibbles(packed: Array) -> Array:
    """Low halves of all bytes, then high halves: uint8[n][bytes] to int32[n][2 * bytes]."""
    return np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.int32)


def _fifth_bits(blocks: Array, start: int) -> Array:
    """Bit j of the little-endian uint32 at ``start``, as 0 or 16: int32[n][32]."""
    bits = np.unpackbits(blocks[:, start : start + 4], axis=1, bitorder="little")
    return bits.astype(np.int32) * 16


def _f32(blocks: Array) -> Array:
    return blocks.copy().view("<f4").astype(np.float32)


def _f16(blocks: Array) -> Array:
    return blocks.copy().view("<f2").astype(np.float32)


def bfloat16(blocks: Array) -> Array:
    """The upper halves of float32 values."""
    return (blocks.copy().view("<u2").astype(np.uint32) << 16).view(np.float32)


def _q8_0(blocks: Array) -> Array:
    return _half(blocks, 0) * blocks[:, 2:34].copy().view(np.int8).astype(np.float32)


def _q4_0(blocks: Array) -> Array:
    return _half(blocks, 0) * (_nibbles(blocks[:, 2:18]) - 8).astype(np.float32)


def _q4_1(blocks: Array) -> Array:
    return _half(blocks, 0) * _nibbles(blocks[:, 4:20]).astype(np.float32) + _half(blocks, 2)


def _q5_0(blocks: Array) -> Array:
    integers = _nibbles(blocks[:, 6:22]) + _fifth_bits(blocks, 2) - 16
    return _half(blocks, 0) * integers.astype(np.float32)


def _q4_k(blocks: Array) -> Array:
    packed = blocks[:, 4:16].astype(np.int32)
    low, middle, high = packed[:, 0:4], packed[:, 4:8], packed[:, 8:12]
    scales = np.concatenate([low & 63, (high & 15) + 16 * (low >> 6)], axis=1)
    minima = np.concatenate([middle & 63, (high >> 4) + 16 * (middle >> 6)], axis=1)
    # 32 bytes hold sub-block 2i in their low and 2i + 1 in their high halves
    bytes_ = blocks[:, 16:144].reshape(-1, 4, 1, 32)
    integers = np.concatenate([bytes_ & 15, bytes_ >> 4], axis=2).reshape(-1, 8, 32)
    slope = (_half(blocks, 0) * scales.astype(np.float32))[:, :, None]
    offset = (_half(blocks, 2) * minima.astype(np.float32))[:, :, None]
    values: Array = (slope * integers.astype(np.float32) - offset).reshape(-1, 256)
    return values


def _q6_k(blocks: Array) -> Array:
    # each half of a block: 64 bytes of low nibbles and 32 bytes of upper bits make 4 runs of 32
    low = blocks[:, :128].reshape(-1, 2, 2, 32)
    upper = blocks[:, 128:192].reshape(-1, 2, 1, 32)
    nibbles = np.concatenate([low & 15, low >> 4], axis=2).astype(np.int32)
    shifts = np.array([0, 2, 4, 6], np.uint8).reshape(1, 1, 4, 1)
    integers = nibbles + 16 * ((upper >> shifts) & 3).astype(np.int32) - 32
    scales = blocks[:, 192:208].copy().view(np.int8).astype(np.float32)
    slope = (_half(blocks, 208) * scales)[:, :, None]
    values: Array = (slope * integers.reshape(-1, 16, 16).astype(np.float32)).reshape(-1, 256)
    return values


BLOCK_FORMATS = {
    0: BlockFormat("F32", 1, 4, _f32),
    1: BlockFormat("F16", 1, 2, _f16),
    2: BlockFormat("Q4_0", 32, 18, _q4_0),
    3: BlockFormat("Q4_1", 32, 20, _q4_1),
    6: BlockFormat("Q5_0", 32, 22, _q5_0),
    8: BlockFormat("Q8_0", 32, 34, _q8_0),
    12: BlockFormat("Q4_K", 256, 144, _q4_k),
    14: BlockFormat("Q6_K", 256, 210, _q6_k),
    30: BlockFormat("BF16", 1, 2, bfloat16),
}
"""By the number that a tensor's type has in the file."""
