"""Encoders with layer norms and GELU: DINOv2-S and Whisper-tiny's, with drawn weights, in tiles.

Both have layers of one kind: norm, six heads of 64, norm, a feed-forward network of four times the
width with GELU, two residual connections. The residual stream stays transposed, channels by tokens,
as norms want it. Weights per channel of norms, layer scales and biases of values belong to weights
and biases of the products beside them, where they lead to the same real numbers.

Sources: Oquab et al., DINOv2 (2023), ViT-S/14; Radford et al., Whisper (2022), table 1.
"""

import numpy as np

from tilewright.builders.tile_network import (
    GELU,
    IDENTITY,
    SPREAD,
    Blend,
    TileNetwork,
    Weights,
    scale_for,
)
from tilewright.ops.tiles import Scale

WIDTH, HEADS, MIDDLE = 384, 6, 1536
PARTS = 3
"""Of the middle: a sum's rows and columns of tiles lie in L1 in full."""

INWARD, OUTWARD = 16, 5
"""Largest weights of products that read the stream, and of those that add to it: a residual's
factor of one shall fit a byte."""

KEPT = (0.75, 0.75)
"""Of the residual stream, so that it neither grows nor dies."""

ATTENDED, FED = 22.0, 12.5
"""Spread that attention adds to the stream, and that each part of a feed-forward network does."""

DINO_LAYERS, DINO_TOKENS, PATCH = 12, 241, 3 * 14 * 14
WHISPER_LAYERS, WHISPER_TOKENS = 4, 512
MELS, TAPS = 80, 3


def dinov2_s(tokens: int, layers: int = DINO_LAYERS, seed: int = 0) -> tuple[TileNetwork, str]:
    """ViT-S/14. Its input are patches of 14 x 14 pixels as rows, the class token's being zeros.
    ``tokens``: with the class token, at most 960; rows behind them are padding."""
    net = TileNetwork("dinov2_s", np.random.default_rng(seed))
    patches = np.clip(net.rng.normal(0, SPREAD, (tokens, PATCH)).round(), -128, 127)
    patches[0] = 0
    x = net.given("patches", patches.astype(np.int8))
    places = _positions(net, tokens)
    embed = net.weights(net.drawn(WIDTH, PATCH, OUTWARD))
    x = net.added_across(embed, x, places, "embedding", Blend(ATTENDED, KEPT))
    for layer in range(layers):
        x = _layer(net, x, tokens, f"l{layer}")
    return net, net.normed(x, WIDTH, "norm")


def whisper_tiny_encoder(
    tokens: int, layers: int = WHISPER_LAYERS, seed: int = 0
) -> tuple[TileNetwork, str]:
    """Two convolutions over 2 * tokens frames of 80 bands, then the encoder.

    Inputs are windows of the first convolution, 3 * 80 bands and a column that multiplies biases: a
    matrix of those around frames 2t, one around 2t + 1, one around 2t - 1, whose first row, which
    is padding of the second convolution, is zeros.
    """
    net = TileNetwork("whisper_tiny_encoder", np.random.default_rng(seed))
    frames = net.rng.normal(0, SPREAD, (2 * tokens + 2, MELS)).round().clip(-128, 127)
    frames[0] = frames[-1] = 0
    windows = np.concatenate([frames[t : t + 2 * tokens] for t in range(TAPS)], axis=1)
    windows = np.pad(windows, ((0, 0), (0, 1)), constant_values=64).astype(np.int8)
    even, odd = windows[::2], windows[1::2]
    before = np.concatenate([np.zeros_like(odd[:1]), odd[:-1]])
    first = net.weights(net.drawn(WIDTH, TAPS * MELS + 1, INWARD), bias_spread=0)
    scale: Scale | None = None
    taps: list[str] = []
    for name, rows in (("before", before), ("even", even), ("odd", odd)):
        x = net.given(name, rows)
        scale = scale or scale_for(net.sums(x, first), SPREAD)
        taps.append(net.product(x, first, f"conv1.{name}", GELU, scale))
    x = net.added_across(_identity(net), _second(net, taps), _positions(net, tokens), "positions",
                         Blend(ATTENDED, KEPT))  # fmt: skip
    for layer in range(layers):
        x = _layer(net, x, tokens, f"l{layer}")
    return net, net.normed(x, WIDTH, "norm")


def _second(net: TileNetwork, taps: list[str]) -> str:
    """The second convolution: a product per tap, each but the first with the one before."""
    weights = [net.weights(net.drawn(WIDTH, WIDTH, OUTWARD)) for _ in taps]
    scale = scale_for(net.sums(taps[0], weights[0]), SPREAD / 2)
    x = net.product(taps[0], weights[0], "conv2.0", IDENTITY, scale)
    blend = Blend(kept=(1, 1), scale=scale)
    x = net.added(taps[1], weights[1], x, "conv2.1", blend)
    return net.added(taps[2], weights[2], x, "conv2.2", blend, GELU)


def _identity(net: TileNetwork) -> Weights:
    """What leaves tokens as they are."""
    return net.weights(64 * np.eye(WIDTH, dtype=np.int8), bias_spread=0)


def _positions(net: TileNetwork, tokens: int) -> str:
    """Their embeddings, channels by tokens."""
    drawn = net.rng.normal(0, SPREAD, (WIDTH, tokens)).round().clip(-128, 127)
    return net.constant("places", drawn.astype(np.int8))


def _layer(net: TileNetwork, x: str, tokens: int, name: str) -> str:
    y = net.normed(x, WIDTH, f"{name}.norm1")
    q, k = (net.product(y, _inward(net, WIDTH), f"{name}.{part}") for part in ("q", "k"))
    v = net.transposed(y, _inward(net, WIDTH), f"{name}.v")
    joined = net.attention(q, k, v, HEADS, f"{name}.heads", tokens)
    out = net.weights(net.drawn(WIDTH, WIDTH, OUTWARD))
    x = net.added_across(out, joined, x, f"{name}.o", Blend(ATTENDED, KEPT))
    return _fed(net, x, name)


def _fed(net: TileNetwork, x: str, name: str) -> str:
    """The feed-forward network, part by part: all of them by one scale, as they are one sum."""
    y = net.normed(x, WIDTH, f"{name}.norm2")
    size = MIDDLE // PARTS
    scale: Scale | None = None
    for part in range(PARTS):
        up = net.product(y, _inward(net, size), f"{name}.up{part}", GELU)
        down = net.weights(net.drawn(WIDTH, size, OUTWARD))
        blend = Blend(kept=KEPT if scale is None else (1, 1),
                      scale=scale or scale_for(net.sums(up, down), FED))  # fmt: skip
        scale = blend.scale
        x = net.added_across(down, up, x, f"{name}.down{part}", blend)
    return x


def _inward(net: TileNetwork, outputs: int) -> Weights:
    return net.weights(net.drawn(outputs, WIDTH, INWARD))
