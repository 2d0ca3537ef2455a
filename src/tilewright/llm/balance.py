"""The same model with other weights, whose activations are easier to store in 8 bits.

A factor per element can move from a row that a matrix reads into the matrix: the norm's gain (or
the rows of ``up``) is divided by it, the matrix's column multiplied. In real numbers nothing
changes. In integers a row has one step for all its elements, and an error of a step counts by the
column that it meets: with ``factor = sqrt(rms of the element / rms of the column)`` all elements
matter alike.

Source: the idea of SmoothQuant (Xiao et al., 2023), with root mean squares instead of maxima.
"""

from dataclasses import replace

import numpy as np

from tilewright.ir.types import Array
from tilewright.llm.calibrate import Statistics
from tilewright.llm.forward import Place
from tilewright.llm.model import Llama, LlamaLayer


def balanced(llama: Llama, seen: Statistics) -> tuple[Llama, Statistics]:
    """The model and its statistics after the factors have moved."""
    layers = list[LlamaLayer]()
    peaks, moments = dict(seen.peaks), dict(seen.moments)
    for index, layer in enumerate(llama.layers):
        joined = np.concatenate([layer.q, layer.k, layer.v])
        first = _factors(moments[Place.ATTENTION_NORM, index], joined)
        gated = np.concatenate([layer.gate, layer.up])
        second = _factors(moments[Place.MLP_NORM, index], gated)
        third = _factors(moments[Place.HIDDEN, index], layer.down)
        layers.append(
            LlamaLayer(
                attention_norm=layer.attention_norm / first,
                q=layer.q * first,
                k=layer.k * first,
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
        peaks[Place.UP, index] = peaks[Place.UP, index] / third
    return replace(llama, layers=tuple(layers)), Statistics(peaks, moments)


def _factors(moments: Array, matrix: Array) -> Array:
    """float32, one per column; their geometric mean is 1. Elements that are never seen, or columns
    of zeros, keep what they have."""
    element = np.sqrt(np.diag(moments))
    column = np.sqrt((matrix.astype(np.float64) ** 2).mean(axis=0))
    is_used = (element > 0) & (column > 0)
    logs = np.zeros(len(element))
    logs[is_used] = np.log(element[is_used] / column[is_used]) / 2
    logs[is_used] -= logs[is_used].mean() if is_used.any() else 0.0
    return np.exp(np.clip(logs, -6, 6)).astype(np.float32)
