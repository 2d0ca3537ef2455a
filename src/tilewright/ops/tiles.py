"""Matrix products and attention on matrices that lie in tiles of 64 by 64, in ITA's arithmetic.

A matrix [64*R, 64*C] is a tensor s8[R, C, 64, 64]: tile rows, tile columns, then a tile. Whoever
makes one pads with zeros. Everything is exact integers; ``evaluate`` is what the accelerator's
hardware computes, bit for bit.

Sources: the registers and the arithmetic of ITA's hardware (docs/numerics.md).
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from tilewright.ir.op import Access, Along, Op, Whole
from tilewright.ir.types import Array, DType, TensorType

TILE = 64
BIAS_BYTES = 3 * TILE
"""Of 64 biases: 24 bits each, little endian."""
ONE = 256
"""What the softmax adds for a row's largest logit."""
FULL = 255 * ONE
"""Divided by a row's sum: probabilities have the scale 1/255."""
GROUP = 16
"""Logits that go into maximum and sum together."""


class Curve(Enum):
    """What is done to a requantised sum; the numbers are the engine's."""

    IDENTITY = 0
    GELU = 1
    RELU = 2


@dataclass(frozen=True, slots=True)
class Scale:
    """y = clip8(((v * multiplier + half) >> shift) + add): rounds half up, adds after the shift.

    multiplier  0..255
    shift       0..34; half is 2**(shift-1), 0 where shift is 0
    add         -128..127
    """

    multiplier: int
    shift: int
    add: int = 0

    def __post_init__(self) -> None:
        ranges = ((self.multiplier, 0, 255), (self.shift, 0, 34), (self.add, -128, 127))
        for (value, low, high), name in zip(ranges, ("multiplier", "shift", "add"), strict=True):
            if not low <= value <= high:
                raise ValueError(f"{name} {value}: a scale of ITA wants {low}..{high}")

    def apply(self, value: Array) -> Array:
        """int64 within -128..127."""
        half = (1 << self.shift) >> 1
        scaled = (value.astype(np.int64) * self.multiplier + half) >> self.shift
        return np.clip(scaled + self.add, -128, 127)

    def __str__(self) -> str:
        return f"{self.multiplier}/2^{self.shift}{self.add:+d}"


UNIT = Scale(1, 0)


@dataclass(frozen=True, slots=True)
class Activation:
    """A curve over requantised sums, and the scale of its result; no scale for the identity.

    b, c  negative 16-bit constants of the polynomial of GELU
    """

    curve: Curve = Curve.IDENTITY
    scale: Scale = UNIT
    b: int = 0
    c: int = 0

    def apply(self, q: Array) -> Array:
        """q within int8, and so is the result."""
        match self.curve:
            case Curve.IDENTITY:
                return q
            case Curve.RELU:
                return self.scale.apply(np.maximum(q, 0))
            case Curve.GELU:
                t = np.minimum(np.abs(q), -self.b) + self.b
                bent = t * t + self.c
                return self.scale.apply(wrapped(q * (np.where(q < 0, -bent, bent) + self.c)))

    def __str__(self) -> str:
        return self.curve.name.lower()


def wrapped(sums: Array) -> Array:
    """What 26 bits hold."""
    return ((sums.astype(np.int64) + (1 << 25)) & ((1 << 26) - 1)) - (1 << 25)


def _exact_product(a: Array, b: Array) -> Array:
    """a @ b.T of bytes in int64: sums stay far below 2**53, so doubles are exact, and fast."""
    return (a.astype(np.float64) @ b.astype(np.float64).T).astype(np.int64)


def in_tiles(matrix: Array) -> Array:
    """[R, C, 64, 64] from a matrix of any size, padded with zeros."""
    rows, columns = (-(-n // TILE) for n in matrix.shape)
    padded = np.zeros((rows * TILE, columns * TILE), matrix.dtype)
    padded[: matrix.shape[0], : matrix.shape[1]] = matrix
    return np.ascontiguousarray(padded.reshape(rows, TILE, columns, TILE).transpose(0, 2, 1, 3))


def from_tiles(tiles: Array) -> Array:
    """The matrix [64*R, 64*C]."""
    rows, columns = tiles.shape[:2]
    return np.ascontiguousarray(tiles.transpose(0, 2, 1, 3).reshape(rows * TILE, columns * TILE))


def packed_bias(bias: Array) -> Array:
    """u8[C, 192] from int32[64*C] or fewer, zeros behind them. Raises ValueError beyond 24 bits."""
    if bias.size and (bias.min() < -(1 << 23) or bias.max() >= 1 << 23):
        raise ValueError(f"biases from {bias.min()} to {bias.max()} do not fit 24 bits")
    columns = -(-bias.size // TILE)
    words = np.zeros(columns * TILE, np.int32)
    words[: bias.size] = bias
    return words.view(np.uint8).reshape(-1, 4)[:, :3].reshape(columns, BIAS_BYTES).copy()


def unpacked_bias(packed: Array) -> Array:
    """int64[64*C] from u8[C, 192]."""
    low, middle, high = packed.reshape(-1, 3).astype(np.int64).T
    return low + (middle << 8) + ((high ^ 128) - 128 << 16)


def _tile_matrix(t: TensorType, what: str) -> tuple[int, int]:
    if len(t.shape) != 4 or t.shape[2:] != (TILE, TILE) or t.dtype is not DType.S8:
        raise ValueError(f"{what} wants a matrix in tiles, s8[R,C,64,64], got {t}")
    return t.shape[0], t.shape[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Product(Op):
    """A product of matrices in tiles, whatever else is in the sums.

    bias_by_row  bias u8[M,192] belongs to rows of y, not to its columns
    """

    scale: Scale
    activation: Activation = Activation()
    bias_by_row: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        """s8[M,N,64,64]."""
        (m, k), (n, depth) = (_tile_matrix(t, "a product") for t in inputs[:2])
        if k != depth:
            raise ValueError(f"a product in tiles wants equal inner tiles, got {k} and {depth}")
        if inputs[2].shape != (m if self.bias_by_row else n, BIAS_BYTES):
            raise ValueError(f"a product of {m} by {n} tiles cannot take the bias {inputs[2]}")
        return TensorType(DType.S8, (m, n, TILE, TILE))

    def sums(self, *inputs: Array) -> Array:
        """int64[64*M, 64*N] with the bias."""
        bias = unpacked_bias(inputs[2])
        return _exact_product(*(from_tiles(t) for t in inputs[:2])) + (
            bias[:, None] if self.bias_by_row else bias
        )

    def evaluate(self, *inputs: Array) -> Array:
        """One requantisation, then the curve."""
        q = self.scale.apply(wrapped(self.sums(*inputs)))
        return in_tiles(self.activation.apply(q).astype(np.int8))

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Tile rows of a, tile rows of b as columns; inner tiles whole: sums never leave."""
        del inputs
        tail = (Whole(), Whole(), Whole())
        return (Along(0), *tail), (Along(1), *tail), (Along(0 if self.bias_by_row else 1), Whole())

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """Tiles are not cut."""
        del inputs
        return frozenset({2, 3})

    def macs(self, *inputs: TensorType) -> int:
        """Tiles count whole."""
        (m, k), n = inputs[0].shape[:2], inputs[1].shape[0]
        return m * n * k * TILE**3


@dataclass(frozen=True, slots=True, kw_only=True)
class TileProduct(_Product):
    """y = activation(scale(a @ b.T + bias)): a s8[M,K,64,64], b s8[N,K,64,64], bias
    u8[N,192] of 24-bit numbers -> y s8[M,N,64,64]. Sums have 26 bits and wrap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileProductAdded(_Product):
    """The same with another matrix in the sums: r s8[M,N,64,64] times d s8[N,64,64].

    y = activation(scale(a @ b.T + r[m,n] @ d[n].T + bias)). Where d[n] is diagonal, that is r times
    a factor per column: a residual connection with its scale, before the only rounding.
    """

    def infer(self, *inputs: TensorType) -> TensorType:
        """s8[M,N,64,64]."""
        found = super(TileProductAdded, self).infer(*inputs[:3])
        m, n = found.shape[:2]
        if inputs[3].shape != found.shape or inputs[4].shape != (n, TILE, TILE):
            raise ValueError(f"{m} by {n} tiles cannot take {inputs[3]} times {inputs[4]}")
        return found

    def sums(self, *inputs: Array) -> Array:
        """int64[64*M, 64*N] with bias and residual."""
        r, d = (t.astype(np.int64) for t in inputs[3:])
        more = np.matmul(r, d.transpose(0, 2, 1)[None])
        return super(TileProductAdded, self).sums(*inputs[:3]) + from_tiles(more)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """As the product; the residual goes along."""
        tail = (Whole(), Whole())
        own = ((Along(0), Along(1), *tail), (Along(1), *tail))
        return (*super(TileProductAdded, self).reads(*inputs[:3]), *own)

    def macs(self, *inputs: TensorType) -> int:
        """Without the residual, which is an addition to whoever counts."""
        return super(TileProductAdded, self).macs(*inputs[:3])


def probabilities(logits: Array, softmax_shift: int) -> Array:
    """int64 0..255 of 1/255: the engine's softmax over the last dimension, a multiple of 16.

    Sixteen logits at a time go into a running maximum and a running sum of powers of two, which is
    shifted down whenever the maximum grows; one division per row, rounded down.
    softmax_shift  s: 2**s steps of a logit are a factor of two, distances rounded half up
    """
    x = logits.astype(np.int64)

    def halvings(distance: Array) -> Array:
        return np.minimum((distance + ((1 << softmax_shift) >> 1)) >> softmax_shift, 62)

    largest = np.full(x.shape[:-1], -128, np.int64)
    total = np.zeros(x.shape[:-1], np.int64)
    for start in range(0, x.shape[-1], GROUP):
        group = x[..., start : start + GROUP]
        grown = np.maximum(largest, group.max(-1))
        total >>= halvings(grown - largest)
        total += (ONE >> halvings(grown[..., None] - group)).sum(-1)
        largest = grown
    return (FULL // total)[..., None] >> halvings(largest[..., None] - x)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attention(Op):
    """Attention over matrices in tiles, whatever else is in the sums of logits.

    softmax_shift  see ``probabilities``: 0 or 5, what versions of the engine have
    """

    logits: Scale
    values: Scale
    softmax_shift: int = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        """The type of q."""
        q, k, v = inputs
        whole = len(q.shape) == 5 and q.shape[3:] == (TILE, TILE) and q.dtype is DType.S8
        wanted = (k.shape[0], *q.shape[1:]), (*q.shape[1:3], k.shape[0], TILE, TILE)
        if not whole or (k.shape, v.shape) != wanted:
            raise ValueError(
                "attention in tiles wants q s8[M,H,P,64,64], k s8[T,H,P,64,64] and v "
                f"s8[H,P,T,64,64], got {q}, {k} and {v}"
            )
        return q

    def evaluate(self, *inputs: Array) -> Array:
        """Head by head."""
        q, k, v = inputs[:3]
        mask = unpacked_bias(inputs[3]) if len(inputs) > 3 else 0
        heads: list[Array] = []
        for h in range(q.shape[1]):
            x, w, values = (from_tiles(t) for t in (q[:, h], k[:, h], v[h]))
            logits = self.logits.apply(wrapped(_exact_product(x, w) + mask))
            weights = probabilities(logits, self.softmax_shift)
            sums = wrapped(_exact_product(weights, values))
            heads.append(in_tiles(self.values.apply(sums).astype(np.int8)))
        return np.stack(heads, 1)

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """Rows of q go along, heads go along; all keys and values of a head."""
        del inputs
        tail = (Whole(), Whole(), Whole())
        return (
            (Along(0), Along(1), *tail), (Whole(), Along(1), *tail), (Along(1), Whole(), *tail),
        )  # fmt: skip

    def whole_axes(self, *inputs: TensorType) -> frozenset[int]:
        """A head is not cut, nor a tile."""
        del inputs
        return frozenset({2, 3, 4})

    def macs(self, *inputs: TensorType) -> int:
        """Both products; tiles count whole."""
        m, heads, p = inputs[0].shape[:3]
        return 2 * m * inputs[1].shape[0] * heads * p * TILE**3


@dataclass(frozen=True, slots=True, kw_only=True)
class TileAttention(_Attention):
    """For each head h: y = values(softmax(logits(q @ k.T)) @ v), softmax in the engine's integers.

    q s8[M,H,P,64,64], k s8[T,H,P,64,64], v transposed s8[H,P,T,64,64] -> y s8[M,H,P,64,64]. All
    64*T keys take part.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class TileAttentionMasked(_Attention):
    """The same with a bias u8[T,192] of 24 bits for each key in the sums of logits: padding, and
    keys that nobody shall see, get the lowest number, and with it the lowest logit."""

    def infer(self, *inputs: TensorType) -> TensorType:
        """The type of q."""
        found = super(TileAttentionMasked, self).infer(*inputs[:3])
        if inputs[3].shape != (inputs[1].shape[0], BIAS_BYTES):
            raise ValueError(f"{inputs[1].shape[0]} tiles of keys cannot take the mask {inputs[3]}")
        return found

    def reads(self, *inputs: TensorType) -> tuple[Access, ...]:
        """As without it; the mask of all keys."""
        return (*super(TileAttentionMasked, self).reads(*inputs[:3]), (Whole(), Whole()))
