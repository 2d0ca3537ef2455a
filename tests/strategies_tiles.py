"""Drawn cases for products and attention on matrices in tiles of 64 by 64."""

import numpy as np
from hypothesis import strategies as st

from case import Case, seeds, sizes, stored
from tilewright.ir.op import Op
from tilewright.ir.types import Array
from tilewright.ops.tile_norm import ROWS, TileNormed, TileNormFactors
from tilewright.ops.tiles import (
    TILE,
    Activation,
    Curve,
    Scale,
    TileAttention,
    TileAttentionMasked,
    TileProduct,
    TileProductAdded,
    packed_bias,
)


@st.composite
def scales(draw: st.DrawFn, log_reach: int) -> Scale:
    """That bring sums of so many bits to about a byte, more or less."""
    multiplier = draw(st.integers(1, 255))
    bits = log_reach + multiplier.bit_length() - 8
    shift = draw(st.integers(max(bits - 4, 0), max(bits + 1, 0)))
    return Scale(multiplier, shift, draw(st.sampled_from((0, 0, -128, 127, -7, 20))))


@st.composite
def activations(draw: st.DrawFn) -> Activation:
    match draw(st.sampled_from(Curve)):
        case Curve.IDENTITY:
            return Activation()
        case Curve.RELU:
            return Activation(Curve.RELU, draw(scales(8)))
        case Curve.GELU:
            b, c = -draw(st.integers(1, 200)), -draw(st.integers(1, 30_000))
            return Activation(Curve.GELU, draw(scales(20)), b, c)


@st.composite
def biases(draw: st.DrawFn, tiles: int) -> Array:
    rng = np.random.default_rng(draw(seeds()))
    reach = draw(st.sampled_from((1, 1 << 14, 1 << 23)))
    return packed_bias(rng.integers(-reach, reach, tiles * TILE).astype(np.int32))


@st.composite
def tile_product(draw: st.DrawFn, *, adds: bool = False, most: int = 3) -> Case:
    m, n, k = draw(sizes(most)), draw(sizes(most)), draw(sizes(most))
    by_row = draw(st.booleans())
    a, b = draw(stored((m, k, TILE, TILE))), draw(stored((n, k, TILE, TILE)))
    bias = draw(biases(m if by_row else n))
    make = TileProductAdded if adds else TileProduct
    op = make(scale=draw(scales(20)), activation=draw(activations()), bias_by_row=by_row)
    if not adds:
        return Case(op, (a, b, bias), varying=2)
    more = draw(stored((m, n, TILE, TILE))), draw(stored((n, TILE, TILE)))
    return Case(op, (a, b, bias, *more), varying=2)


@st.composite
def tile_attention(draw: st.DrawFn, softmax_shift: int | None = None, most: int = 3) -> Case:
    m, t, heads, p = draw(sizes(2)), draw(sizes(most)), draw(sizes(2)), draw(sizes(2))
    q, k, v = (
        draw(stored(shape))
        for shape in (
            (m, heads, p, TILE, TILE), (t, heads, p, TILE, TILE), (heads, p, t, TILE, TILE),
        )
    )  # fmt: skip
    shift = draw(st.sampled_from((0, 5))) if softmax_shift is None else softmax_shift
    op = TileAttention(logits=draw(scales(18)), values=draw(scales(15)), softmax_shift=shift)
    return Case(op, (q, k, v), varying=3)


@st.composite
def tile_attention_masked(draw: st.DrawFn, softmax_shift: int | None = None, most: int = 3) -> Case:
    """Any biases, most of them such that nobody sees a key."""
    plain = draw(tile_attention(softmax_shift, most))
    assert isinstance(plain.op, TileAttention)
    rng = np.random.default_rng(draw(seeds()))
    keys = plain.inputs[1].shape[0] * TILE
    seen = rng.random(keys) < draw(st.sampled_from((0.0, 0.5, 1.0)))
    mask = packed_bias(np.where(seen, rng.integers(-(1 << 14), 1 << 14, keys), -(1 << 23)))
    op = TileAttentionMasked(
        logits=plain.op.logits, values=plain.op.values, softmax_shift=plain.op.softmax_shift
    )
    return Case(op, (*plain.inputs, mask), varying=3)


@st.composite
def tile_norm_factors(draw: st.DrawFn, most: int = 3) -> Case:
    """Tokens of every spread, some of one value."""
    tiles, blocks = draw(sizes(most)), draw(sizes(most))
    channels = draw(st.integers(tiles * TILE - TILE + 1, tiles * TILE))
    rng = np.random.default_rng(draw(seeds()))
    reach = rng.choice((0, 1, 5, 40, 128), (1, blocks, 1, TILE))
    x = rng.integers(-reach, reach + 1, (tiles, blocks, TILE, TILE)) + rng.integers(
        -9, 9, reach.shape
    ) * draw(st.sampled_from((0, 1, 14)))
    x[-1, :, channels - tiles * TILE + TILE :] = 0
    op = TileNormFactors(channels=channels, strength=draw(st.integers(1, 4095)))
    return Case(op, (np.clip(x, -128, 127).astype(np.int8),), varying=1)


@st.composite
def tile_normed(draw: st.DrawFn, most: int = 3) -> Case:
    """Any tiles, not only diagonals: what the engine computes."""
    tiles, blocks = draw(sizes(most)), draw(sizes(most))
    n, x = draw(stored((blocks, ROWS, TILE))), draw(stored((tiles, blocks, TILE, TILE)))
    return Case(TileNormed(scale=draw(scales(20))), (n, x), varying=2)


TILES: dict[type[Op], st.SearchStrategy[Case]] = {
    TileProduct: tile_product(),
    TileProductAdded: tile_product(adds=True),
    TileAttention: tile_attention(),
    TileAttentionMasked: tile_attention_masked(),
    TileNormFactors: tile_norm_factors(),
    TileNormed: tile_normed(),
}
