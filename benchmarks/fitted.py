"""Fits the coefficients of a cost formula to counts: non-negative, by relative error."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDS = 6
"""Of weighing down what fits badly."""

TOLERATED = 0.05
"""Relative error up to which all calls weigh the same."""

DIGITS = 4
"""Significant digits that tables keep."""


def fit(terms: Floats, counts: Floats) -> Floats:
    """Coefficients c >= 0 with terms @ c near counts, robustly: far calls weigh less.

    terms   [calls, terms], the constant among them
    counts  [calls], > 0
    """
    weights = np.ones(len(counts))
    found = np.zeros(terms.shape[1])
    for _ in range(ROUNDS):
        scaled = terms * (weights / counts)[:, np.newaxis]
        found = _non_negative(scaled, weights.copy())
        errors = np.abs(terms @ found / counts - 1)
        weights = np.sqrt(TOLERATED / np.maximum(errors, TOLERATED))
    return np.array([float(f"{value:.{DIGITS}g}") for value in found])


def _non_negative(a: Floats, b: Floats) -> Floats:
    """Least squares of a @ x = b with x >= 0: the active set method of Lawson and Hanson, Solving
    Least Squares Problems, 1974, chapter 23."""
    norms = np.linalg.norm(a, axis=0)
    used = norms > 0
    a = a[:, used] / norms[used]
    x = np.zeros(a.shape[1])
    free = np.zeros(a.shape[1], bool)
    for _ in range(10 * a.shape[1]):
        gradient = a.T @ (b - a @ x)
        gradient[free] = -np.inf
        if gradient.size == 0 or gradient.max() <= 1e-9:
            break
        free[int(np.argmax(gradient))] = True
        x = _stay_feasible(a, b, x, free)
    found = np.zeros(used.size)
    found[used] = x / norms[used]
    return found


def _stay_feasible(a: Floats, b: Floats, x: Floats, free: NDArray[np.bool_]) -> Floats:
    """The best x over the free variables; those that would go below zero are freed no longer."""
    while True:
        wish = np.zeros_like(x)
        wish[free] = np.linalg.lstsq(a[:, free], b, rcond=None)[0]
        below = free & (wish <= 0)
        if not below.any():
            return wish
        steps = x[below] / np.maximum(x[below] - wish[below], 1e-300)
        x = x + min(float(steps.min()), 1.0) * (wish - x)
        free &= x > 1e-12
        x[~free] = 0
