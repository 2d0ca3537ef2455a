"""Weights and tables of convolutions, by pairs of channels, in the order of dsp_pairs.h."""

import numpy as np

from tilewright.ir.types import Array
from tilewright.ops.requantise import Requantise
from tilewright.targets.packs.arm_dsp.kernels.finish import finish
from tilewright.targets.packs.arm_dsp.kernels.matrix import quads
from tilewright.targets.packs.arm_dsp.kernels.requantise import Tables

WORDS_OF_TABLES = 5
"""DSP_TABLE_WORDS of dsp_pairs.h: two biases, two multipliers, one word for what comes after."""


def pack_pairs(w: Array, products: Array, tables: Tables, output: Requantise) -> Array:
    """w[channels, length] int8, length % 4 == 0 → int32[ceil(channels/2), length/2 + 5].

    A pair of channels has two biases, the weights, two multipliers, and one word for what comes
    after; where there is only one channel, the other's are zero.
    ``products``[channels, ...]: what each output is a sum over. Weights of four elements are two
    words: of elements 0 and 2, of elements 1 and 3. Each word holds at bytes 0 and 2 one channel's,
    at bytes 1 and 3 the other's.
    """
    channels, length = w.shape
    pairs = -(-channels // 2)
    padded = np.zeros((2 * pairs, length), np.int8)
    padded[:channels] = w
    # pair, channel, four, second element (of 0 2), odd element (of 0 1)
    split = padded.reshape(pairs, 2, quads(length), 2, 2)
    # pair, four, odd element, second element, channel
    packed = np.ascontiguousarray(split.transpose(0, 2, 4, 3, 1)).reshape(pairs, -1)
    bias, tail = finish(products.reshape(channels, -1).T, tables, output).by_group(_twos)
    return np.concatenate([bias, packed.view("<i4"), tail], axis=1).astype(np.int32)


def _twos(array: Array) -> Array:
    """[channels] → [ceil(channels/2), 2], a zero added to an odd number."""
    return np.append(array, np.zeros(len(array) % 2, array.dtype)).reshape(-1, 2)
