"""Weights as integers: ranges, and rounding whose errors make up for each other.

Columns are rounded one after the other; what a column's rounding changes in the layer's output, on
the inputs that were seen, is taken back by the columns that are still to come, as far as they can
(least squares). Source: GPTQ (Frantar et al., 2022), after Optimal Brain Surgeon.
"""

from dataclasses import dataclass

import numpy as np

from tilewright.ir.types import Array
from tilewright.ops.llm.packed import GROUP, packed

DAMPING = 0.01
"""Of the mean second moment, added to all: inputs that were never seen happen."""

FRACTIONS = np.linspace(0.5, 1.0, 26)
"""Of the largest magnitude of a row: candidates for its range below 8 bits."""


@dataclass(frozen=True, slots=True)
class RowWeights:
    """``w`` s8[out, in] and float64 scales [out]: weights are about w * scale.

    stored       w as it lies in memory: itself, or packed to 4 or 6 bits
    stored_bits  8, 6 or 4
    """

    w: Array
    scale: Array
    stored: Array
    stored_bits: int = 8


def plain_rows(weights: Array) -> RowWeights:
    """8 bits, to nearest, ties to even: embeddings, of which every row is used as it is."""
    scale = np.abs(weights).max(axis=1).astype(np.float64) / 127
    w = _nearest(weights, _steps(scale), 127).astype(np.int8)
    return RowWeights(w, scale, w)


def compensated_rows(weights: Array, moments: Array, bits: int) -> RowWeights:
    """``bits`` from 2 to 8 and one scale per row; up to 6 bits are stored as 6.

    weights  float32 [out, in]
    moments  float64 [in, in]: mean products of the inputs
    """
    most = 2 ** (bits - 1) - 1
    scale = np.abs(weights).max(axis=1).astype(np.float64) / most
    if bits < 8:
        scale *= _best_fractions(weights, scale, np.diag(moments), most)
    steps = np.broadcast_to(_steps(scale), weights.shape)
    w = compensated(weights, steps, moments, most)
    if bits > 6:
        return RowWeights(w, scale, w)
    return RowWeights(w, scale, packed(w, 6), 6)


def compensated_groups(weights: Array, moments: Array, bits: int) -> RowWeights:
    """``bits`` from 2 to 4: a weight is a whole multiple, within ``bits``, of its group's step, and
    that is a whole multiple of its row's; groups are GROUP neighbours in a row. Stored as 4 bits.

    The product of both multiples fits 8 bits.
    """
    most = 2 ** (bits - 1) - 1
    coarsest = 127 // most
    scale = np.abs(weights).max(axis=1).astype(np.float64) / (most * coarsest)
    starts = range(0, weights.shape[1], GROUP)
    parts = [slice(start, start + GROUP) for start in starts]
    importance = np.diag(moments)
    found = [_best_multiples(weights[:, at], scale, importance[at], most) for at in parts]
    groups = np.stack(found, axis=1)
    multiples = groups.repeat(GROUP, axis=1)[:, : weights.shape[1]]
    made = compensated(weights, _steps(scale) * multiples, moments, most)
    return RowWeights((made * multiples).astype(np.int8), scale, packed(made, 4, groups), 4)


def compensated(weights: Array, steps: Array, moments: Array, most: int) -> Array:
    """s8[out, in] within -most .. most, such that w * steps is about the weights.

    steps  float64 [out, in]: what 1 is worth
    Columns go from the one with the largest inputs to the smallest.
    """
    order = np.argsort(-np.diag(moments), kind="stable")
    rest = weights.astype(np.float64)[:, order]
    step = steps[:, order]
    factor = _upper_factor(moments[np.ix_(order, order)])
    made = np.zeros(rest.shape)
    for column in range(rest.shape[1]):
        made[:, column] = _nearest(rest[:, column], step[:, column], most)
        error = rest[:, column] - made[:, column] * step[:, column]
        share = factor[column, column + 1 :] / factor[column, column]
        rest[:, column + 1 :] -= np.outer(error, share)
    result = np.empty(rest.shape, np.int8)
    result[:, order] = made
    return result


def _upper_factor(moments: Array) -> Array:
    """U with U.T @ U the inverse of the damped moments."""
    size = len(moments)
    level = max(float(np.diag(moments).mean()), 1e-30)
    inverse = np.linalg.inv(moments / level + DAMPING * np.eye(size))
    return np.linalg.cholesky((inverse + inverse.T) / 2).T


def _best_fractions(weights: Array, scale: Array, importance: Array, most: int) -> Array:
    """Of each row's range: the one with the least squared error, weighted by the inputs' size."""
    errors = list[Array]()
    for fraction in FRACTIONS:
        step = _steps(scale * fraction)
        difference = _nearest(weights, step, most) * step - weights
        errors.append((difference**2 * importance).sum(axis=1))
    return FRACTIONS[np.argmin(errors, axis=0)]


def _best_multiples(weights: Array, scale: Array, importance: Array, most: int) -> Array:
    """Of a row's step, for one group: what makes the least squared error, weighted alike."""
    errors = list[Array]()
    for multiple in range(1, 127 // most + 1):
        step = _steps(scale) * multiple
        difference = _nearest(weights, step, most) * step - weights
        errors.append((difference**2 * importance).sum(axis=1))
    return np.argmin(errors, axis=0) + 1


def _nearest(weights: Array, steps: Array, most: int) -> Array:
    return np.clip(np.rint(weights / steps), -most, most)


def _steps(scale: Array) -> Array:
    """[out, 1], never 0: rows of zeros stay zeros."""
    return np.where(scale > 0, scale, 1.0)[:, None]
