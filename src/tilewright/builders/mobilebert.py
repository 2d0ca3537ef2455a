"""MobileBERT's encoder with drawn weights: 24 layers of hidden size 512, in tiles.

A layer: bottleneck from 512 to 128; attention with four heads of 32 whose queries, keys and values
come from the bottleneck; four feed-forward networks 128 - 512 - 128; back to 512. Each but the
first ends in a residual connection and NoNorm, a factor and a bias per channel, which is part of
the product before it. Embeddings and the task's head are left out.

Source: Sun et al., MobileBERT (2020), table 1; the count of operations is that of 2.3 G
multiply-accumulates for 128 tokens.
"""

import numpy as np

from tilewright.builders.tile_network import RELU, TileNetwork, Weights
from tilewright.ir.types import Array
from tilewright.ops.tiles import TILE

LAYERS = 24
HIDDEN, BOTTLENECK, MIDDLE = 512, 128, 512
HEADS, DEPTH = 4, 32
FEED_FORWARDS = 4
LARGEST = {HIDDEN: 8, BOTTLENECK: 16}
"""Of weights, by how many are summed: a residual's factor shall fit a byte."""


def mobilebert(tokens: int, layers: int = LAYERS, seed: int = 0) -> tuple[TileNetwork, str]:
    """The network and its output. ``tokens``: a multiple of 64, at most 960."""
    net = TileNetwork("mobilebert", np.random.default_rng(seed))
    hidden = net.input("hidden", tokens, HIDDEN)
    for layer in range(layers):
        hidden = _layer(net, hidden, f"l{layer}")
    return net, hidden


def _layer(net: TileNetwork, hidden: str, name: str) -> str:
    x = net.product(hidden, _dense(net, BOTTLENECK, HIDDEN), f"{name}.bottleneck")
    x = _attention(net, x, f"{name}.attention")
    for number in range(FEED_FORWARDS):
        up = net.product(x, _dense(net, MIDDLE, BOTTLENECK), f"{name}.up{number}", RELU)
        x = net.added(up, _dense(net, BOTTLENECK, MIDDLE), x, f"{name}.down{number}")
    return net.added(x, _dense(net, HIDDEN, BOTTLENECK), hidden, f"{name}.out")


def _attention(net: TileNetwork, x: str, name: str) -> str:
    """Heads of 32 in tiles of 64: half of every head is zero."""
    q, k = (net.product(x, net.weights(_heads_apart(net)), f"{name}.{part}") for part in ("q", "k"))
    v = net.transposed(x, net.weights(_heads_apart(net)), f"{name}.v")
    joined = net.attention(q, k, v, HEADS, f"{name}.heads")
    together = np.zeros((BOTTLENECK, HEADS, TILE), np.int8)
    together[:, :, :DEPTH] = net.drawn(BOTTLENECK, HEADS * DEPTH, 16).reshape(-1, HEADS, DEPTH)
    weights = net.weights(together.reshape(BOTTLENECK, HEADS * TILE))
    return net.added(joined, weights, x, f"{name}.o")


def _heads_apart(net: TileNetwork) -> Array:
    apart = np.zeros((HEADS, TILE, BOTTLENECK), np.int8)
    apart[:, :DEPTH] = net.drawn(HEADS * DEPTH, BOTTLENECK, 16).reshape(HEADS, DEPTH, BOTTLENECK)
    return apart.reshape(HEADS * TILE, BOTTLENECK)


def _dense(net: TileNetwork, outputs: int, inner: int) -> Weights:
    return net.weights(net.drawn(outputs, inner, LARGEST[inner]))
