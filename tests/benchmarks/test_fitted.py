"""The fit of cost formulas: exact where it can be, never negative, robust."""

import numpy as np
from fitted import fit


def test_exact_sums_are_found() -> None:
    rng = np.random.default_rng(1)
    terms = np.column_stack([np.ones(40), rng.integers(1, 5000, (40, 3))]).astype(float)
    true = np.array([120.0, 3.25, 0.0, 17.5])
    assert np.allclose(fit(terms, terms @ true), true, rtol=1e-3, atol=1e-3)


def test_coefficients_are_never_negative() -> None:
    rng = np.random.default_rng(2)
    terms = np.column_stack([np.ones(60), rng.integers(1, 900, (60, 4))]).astype(float)
    counts = terms @ np.array([50.0, 2.0, -0.5, 4.0, 0.0]) + rng.normal(0, 20, 60)
    found = fit(terms, np.maximum(counts, 1.0))
    assert found.min() == 0.0
    assert np.median(np.abs(terms @ found / counts - 1)) < 0.25


def test_a_few_calls_that_go_another_way_do_not_count() -> None:
    rng = np.random.default_rng(3)
    terms = np.column_stack([np.ones(50), rng.integers(10, 3000, 50)]).astype(float)
    counts = terms @ np.array([100.0, 8.0])
    counts[:6] *= 3
    assert np.allclose(fit(terms, counts), [100.0, 8.0], rtol=0.02)


def test_terms_that_never_occur_cost_nothing() -> None:
    terms = np.array([[1.0, 10.0, 0.0], [1.0, 20.0, 0.0], [1.0, 35.0, 0.0]])
    assert fit(terms, terms @ np.array([5.0, 2.0, 0.0]))[2] == 0.0
