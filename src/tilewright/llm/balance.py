"""The same model with other weights, whose activations are easier to store in 8 bits.

A factor per element can move from a row that a matrix reads into the matrix: the norm's gain (or
the rows of ``up``) is divided by it, the matrix's column multiplied. In real numbers nothing
changes. In integers a row has one step for all its elements, and an error of a step counts by the
column that it meets: with ``factor = sqrt(rms of the element / rms of the column)`` all elements
matter alike.

Between queries and keys factors move in the same way, one for both elements of a pair that RoPE
turns, the same for all query heads that read a key head.

Source: the idea of SmoothQuant (Xiao et al., 2023), with root mean squares instead of maxima.
"""

from dataclasses import replace

import numpy as np

from tilewright.ir.types import Array
from tilewright.llm.calibrate import Statistics
from tilewright.llm.forward import Place
from tilewright.llm.model import Llama, LlamaLayer, LlamaShape

FULL = 1.0
GENTLE = 0.5
"""For weights of few bits: columns of very different size would share a step."""


def balanced(llama: Llama, seen: Statistics, strength: float = FULL) -> tuple[Llama, Statistics]:
    """The model and its statistics after the factors, to the power ``strength``, have moved."""
    layers, centres = list[LlamaLayer](), list[Array]()
    peaks, moments = dict(seen.peaks), dict(seen.moments)
    for index, layer in enumerate(llama.layers):
        joined = np.concatenate([layer.q, layer.k, layer.v])
        first = _factors(moments[Place.ATTENTION_NORM, index], joined) ** strength
        gated = np.concatenate([layer.gate, layer.up])
        second = _factors(moments[Place.MLP_NORM, index], gated) ** strength
        third = _factors(moments[Place.HIDDEN, index], layer.down) ** strength
        for_q, for_k = _pair_factors(moments[Place.QKV, index], llama.shape)
        centres.append(seen.centres[index] / for_k)
        layers.append(
            LlamaLayer(
                attention_norm=layer.attention_norm / first,
                q=layer.q * first * for_q[:, None],
                k=layer.k * first / for_k[:, None],
                v=layer.v * first,
                o=layer.o,
                mlp_norm=layer.mlp_norm / second,
                gate=layer.gate * second,
                up=layer.up * second / third[:, None],
                down=layer.down * third,
            )
        )
        factors = {Place.ATTENTION_NORM: first, Place.MLP_NORM: second, Place.HIDDEN: third}
        for place, factor in factors.items():
            peaks[place, index] = peaks[place, index] / factor
            moments[place, index] = moments[place, index] / np.outer(factor, factor)
        peaks[Place.KEYS, index] = peaks[Place.KEYS, index] / for_k
        peaks[Place.UP, index] = peaks[Place.UP, index] / third
        unchanged = np.ones(llama.shape.kv_dim, np.float32)
        peaks[Place.QKV, index] = peaks[Place.QKV, index] * np.concatenate(
            [for_q, 1 / for_k, unchanged]
        )
    return replace(llama, layers=tuple(layers)), Statistics(peaks, moments, tuple(centres))


def _factors(moments: Array, matrix: Array) -> Array:
    """float32, one per column; their geometric mean is 1."""
    return _balance(np.diag(moments), (matrix.astype(np.float64) ** 2).mean(axis=0))


def _pair_factors(moments: Array, shape: LlamaShape) -> tuple[Array, Array]:
    """What rows of q are multiplied by, and rows of k divided by."""
    energy = np.diag(moments)[: shape.q_dim + shape.kv_dim]
    pairs = energy.reshape(shape.heads + shape.kv_heads, -1, 2).mean(axis=2)
    q, k = pairs[: shape.heads], pairs[shape.heads :]
    group = q.reshape(shape.kv_heads, -1, q.shape[1]).mean(axis=1)
    factors = np.stack([_balance(*of) for of in zip(k, group, strict=True)]).repeat(2, axis=1)
    times = shape.heads // shape.kv_heads
    return factors.repeat(times, axis=0).reshape(-1), factors.reshape(-1)


def _balance(stored: Array, other: Array) -> Array:
    """Factors, float32, that make elements of mean square ``stored`` matter alike, where what they
    are multiplied with has mean square ``other``; where either is 0 the factor is 1."""
    is_used = (stored > 0) & (other > 0)
    logs = np.zeros(len(stored))
    logs[is_used] = np.log(stored[is_used] / other[is_used]) / 4
    logs[is_used] -= logs[is_used].mean() if is_used.any() else 0.0
    return np.exp(np.clip(logs, -6, 6)).astype(np.float32)
