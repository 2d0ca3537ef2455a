"""The model in float32: what quantisation is calibrated on, and compared with."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from tilewright.ir.types import Array
from tilewright.llm.model import Llama, LlamaLayer, LlamaShape


class Place(Enum):
    """Where a forward pass can be watched; values as their names say, [texts, tokens, ...]."""

    EMBEDDED = "embedded"
    """The residual stream before the first layer."""
    ATTENTION_NORM = "attention norm"
    QKV = "queries, keys, values"
    KEYS = "turned keys"
    MIXED = "attention"
    ATTENDED = "attended"
    """The residual stream after attention."""
    MLP_NORM = "MLP norm"
    GATE = "gate"
    UP = "up"
    HIDDEN = "hidden"
    LEFT = "left"
    """The residual stream after the layer."""
    FINAL_NORM = "final norm"
    LOGITS = "logits"


Watch = Callable[[Place, int, Array], None]
"""Told a place, the layer (the last one for FINAL_NORM and LOGITS) and the values."""


def _unwatched(place: Place, layer: int, values: Array) -> None:
    del place, layer, values


@dataclass(frozen=True, slots=True)
class Cache:
    """Keys and values of the tokens so far, per layer [texts, tokens, kv_heads, head_dim]."""

    k: tuple[Array, ...]
    v: tuple[Array, ...]

    @staticmethod
    def empty(shape: LlamaShape, texts: int) -> "Cache":
        """Before the first token."""
        none = np.zeros((texts, 0, shape.kv_heads, shape.head_dim), np.float32)
        return Cache((none,) * shape.layers, (none,) * shape.layers)

    @property
    def tokens(self) -> int:
        """So many are in it."""
        return self.k[0].shape[1]


def forward(
    llama: Llama, tokens: Array, cache: Cache | None = None, watch: Watch = _unwatched
) -> tuple[Array, Cache]:
    """Logits [texts, tokens, vocabulary] of ``tokens`` [texts, tokens] behind those of the cache,
    and the cache with them."""
    shape = llama.shape
    known = cache if cache is not None else Cache.empty(shape, len(tokens))
    cos, sin = turns(shape, known.tokens, known.tokens + tokens.shape[1])
    x = llama.embedding[tokens]
    watch(Place.EMBEDDED, 0, x)
    keys, values = list[Array](), list[Array]()
    for index, layer in enumerate(llama.layers):
        y = _normalised(x, layer.attention_norm, shape.norm_eps)
        watch(Place.ATTENTION_NORM, index, y)
        joined = y @ np.concatenate([layer.q, layer.k, layer.v]).T
        watch(Place.QKV, index, joined)
        q, k, v = _heads(joined, shape)
        k = _turned(k, cos, sin)
        watch(Place.KEYS, index, k.reshape(*k.shape[:2], -1))
        keys.append(np.concatenate([known.k[index], k], axis=1))
        values.append(np.concatenate([known.v[index], v], axis=1))
        mixed = _attention(_turned(q, cos, sin), keys[-1], values[-1])
        watch(Place.MIXED, index, mixed)
        x = x + mixed @ layer.o.T
        watch(Place.ATTENDED, index, x)
        x = x + _mlp(layer, _normalised(x, layer.mlp_norm, shape.norm_eps), index, watch)
        watch(Place.LEFT, index, x)
    y = _normalised(x, llama.final_norm, shape.norm_eps)
    watch(Place.FINAL_NORM, shape.layers - 1, y)
    logits = y @ llama.head.T
    watch(Place.LOGITS, shape.layers - 1, logits)
    return logits, Cache(tuple(keys), tuple(values))


def turns(shape: LlamaShape, start: int, stop: int) -> tuple[Array, Array]:
    """Cosines and sines [positions, head_dim / 2] of RoPE for positions [start, stop), float32."""
    exponents = np.arange(shape.head_dim // 2) * 2 / shape.head_dim
    angles = np.outer(np.arange(start, stop), shape.rope_theta**-exponents)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def silu(x: Array) -> Array:
    """x / (1 + exp(-x)), also where exp overflows."""
    return x * 0.5 * (1 + np.tanh(x / 2))


def _normalised(x: Array, gain: Array, eps: float) -> Array:
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + np.float32(eps)) * gain


def _heads(joined: Array, shape: LlamaShape) -> tuple[Array, Array, Array]:
    """Queries, keys and values [texts, tokens, heads, head_dim]."""
    heads = joined.reshape(*joined.shape[:2], -1, shape.head_dim)
    first_value = shape.heads + shape.kv_heads
    return (
        heads[:, :, : shape.heads], heads[:, :, shape.heads : first_value],
        heads[:, :, first_value:],
    )  # fmt: skip


def _turned(x: Array, cos: Array, sin: Array) -> Array:
    """Pairs of neighbours, turned by the angles of their positions."""
    a, b = x[..., 0::2], x[..., 1::2]
    c, s = cos[None, :, None], sin[None, :, None]
    return np.stack([a * c - b * s, a * s + b * c], axis=-1).reshape(x.shape)


def _attention(q: Array, k: Array, v: Array) -> Array:
    """[texts, tokens, heads * head_dim]; the last query sees every key."""
    texts, rows, heads, size = q.shape
    known, groups = k.shape[1:3]
    # Queries that share keys stand below each other, so that keys are not copied.
    grouped = q.reshape(texts, rows, groups, -1, size).transpose(0, 2, 3, 1, 4)
    queries = grouped.reshape(texts, groups, -1, size)
    scores = queries @ k.transpose(0, 2, 3, 1) * np.float32(1 / np.sqrt(size))
    if rows > 1:
        is_seen = np.tile(np.tri(rows, known, known - rows, dtype=bool), (heads // groups, 1))
        scores = np.where(is_seen, scores, np.float32(-np.inf))
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = (shares @ v.transpose(0, 2, 1, 3)) / shares.sum(axis=-1, keepdims=True)
    by_head = mixed.reshape(texts, heads, rows, size)
    return by_head.transpose(0, 2, 1, 3).reshape(texts, rows, -1)


def _mlp(layer: LlamaLayer, y: Array, index: int, watch: Watch) -> Array:
    watch(Place.MLP_NORM, index, y)
    gate, up = y @ layer.gate.T, y @ layer.up.T
    watch(Place.GATE, index, gate)
    watch(Place.UP, index, up)
    hidden = silu(gate) * up
    watch(Place.HIDDEN, index, hidden)
    return hidden @ layer.down.T
