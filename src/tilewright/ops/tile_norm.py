"""Layer norm of a matrix in tiles, for ITA: what each token needs, and the product that applies it.

A norm is y = (x - mean) * target/deviation, one factor and one summand per token. The factors of 64
tokens are the diagonal of a tile, so that the engine applies them, with its summands as biases by
row; only they are computed elsewhere. As a diagonal has to multiply from the left, x comes
transposed, channels by tokens, and y leaves as tokens by channels, as products want it. Weights per
channel belong to what multiplies y next.
"""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, TensorType
from tilewright.ops.tiles import (
    BIAS_BYTES,
    TILE,
    Scale,
    from_tiles,
    in_tiles,
    packed_bias,
    unpacked_bias,
    wrapped,
)

BIAS_ROWS = BIAS_BYTES // TILE
ROWS = TILE + BIAS_ROWS + 1
"""Of 64 bytes, for 64 tokens: a tile, its biases, and one that keeps the next tile aligned."""
RECIPROCAL_BITS = 23
LARGEST_FACTOR = 127
MOST_CHANNELS = 960


def reciprocal(channels: int) -> int:
    """2**23 / channels, rounded half up: means come by a product."""
    return ((2 << RECIPROCAL_BITS) // channels + 1) // 2


def _transposed(x: TensorType, what: str) -> tuple[int, int]:
    """Tiles of channels and of tokens."""
    if len(x.shape) != 4 or x.shape[2:] != (TILE, TILE) or x.dtype is not DType.S8:
        raise ValueError(f"{what} wants channels by tokens in tiles, s8[C,R,64,64], got {x}")
    return x.shape[0], x.shape[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class TileNormFactors(Op):
    """x s8[C,R,64,64], channels by tokens -> s8[R,68,64]: for 64 tokens each a tile with their
    factors on its diagonal, then 64 biases of 24 bits, then 64 zeros.

    For a token with sum s and sum of squares q over its channels, all in integers rounded down::

        mean = s * reciprocal >> 15                            256 times the mean
        variance = max((q * reciprocal >> 17) - (mean**2 >> 10), 0)     64 times
        deviation = isqrt(variance << 10)                      256 times the deviation
        factor = min((strength * 256 + deviation/2) / deviation, 127); 127 where it is 0
        bias = -(mean * factor + 128 >> 8)

    channels  that are no padding, 1..960; the rows of x behind them are zeros
    strength  factor times deviation, 1..4095
    """

    channels: int
    strength: int

    def __post_init__(self) -> None:
        if not 1 <= self.channels <= MOST_CHANNELS or not 1 <= self.strength < 4096:
            raise ValueError(
                f"channels {self.channels}, strength {self.strength}: a norm in tiles wants "
                f"1..{MOST_CHANNELS} and 1..4095"
            )

    def infer(self, *inputs: TensorType) -> TensorType:
        """s8[R,68,64]."""
        channels, tokens = _transposed(inputs[0], "a norm")
        if not self.channels <= channels * TILE:
            raise ValueError(f"{channels} tiles of 64 do not hold {self.channels} channels")
        return TensorType(DType.S8, (tokens, ROWS, TILE))

    def evaluate(self, *inputs: Array) -> Array:
        """Token by token, as above."""
        x = from_tiles(inputs[0]).astype(np.int64)
        inverse = reciprocal(self.channels)
        mean = x.sum(0) * inverse >> 15
        variance = np.maximum(((x * x).sum(0) * inverse >> 17) - (mean * mean >> 10), 0)
        deviation = np.sqrt((variance << 10).astype(np.float64)).astype(np.int64)
        full = (self.strength * 256 + deviation // 2) // np.maximum(deviation, 1)
        factor = np.where(deviation == 0, LARGEST_FACTOR, np.minimum(full, LARGEST_FACTOR))
        bias = -(mean * factor + 128 >> 8)
        tokens = inputs[0].shape[1]
        made = np.zeros((tokens, ROWS, TILE), np.int8)
        made[:, range(TILE), range(TILE)] = factor.reshape(tokens, TILE)
        packed = packed_bias(bias.astype(np.int32)).view(np.int8)
        made[:, TILE : TILE + BIAS_ROWS] = packed.reshape(tokens, BIAS_ROWS, TILE)
        return made

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """All channels of a token."""
        del inputs
        return ((Whole(), Along(0), Whole(), Whole()),)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """A tile is not cut."""
        del inputs
        return frozenset({1, 2})


@dataclass(frozen=True, slots=True, kw_only=True)
class TileNormed(Op):
    """y = scale(n[r] @ x[:,r].T + bias[r]): n s8[R,68,64] as ``TileNormFactors`` makes it, x
    s8[C,R,64,64] -> y s8[R,C,64,64], tokens by channels. Sums have 26 bits and wrap."""

    scale: Scale

    def infer(self, *inputs: TensorType) -> TensorType:
        """s8[R,C,64,64]."""
        channels, tokens = _transposed(inputs[1], "what is normed")
        if inputs[0].shape != (tokens, ROWS, TILE) or inputs[0].dtype is not DType.S8:
            raise ValueError(f"{tokens} tiles of tokens cannot take the factors {inputs[0]}")
        return TensorType(DType.S8, (tokens, channels, TILE, TILE))

    def evaluate(self, *inputs: Array) -> Array:
        """Block by block of 64 tokens."""
        n, x = inputs
        blocks: list[Array] = []
        for r in range(x.shape[1]):
            factors = n[r, :TILE].astype(np.int64)
            packed = np.ascontiguousarray(n[r, TILE : TILE + BIAS_ROWS]).view(np.uint8)
            bias = unpacked_bias(packed.reshape(1, BIAS_BYTES))
            sums = factors @ from_tiles(x[:, r : r + 1]).astype(np.int64).T + bias[:, None]
            blocks.append(in_tiles(self.scale.apply(wrapped(sums)).astype(np.int8)))
        return np.concatenate(blocks)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Tokens' factors; of x their columns."""
        del inputs
        tail = (Whole(), Whole())
        return (Along(0), *tail), (Along(1), Along(0), *tail)

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Tiles are not cut."""
        del inputs
        return frozenset({2, 3})
