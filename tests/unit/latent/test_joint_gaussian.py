"""One Gaussian over rows with gaps: its covariance, and what known cells say of missing ones."""

from __future__ import annotations

import numpy as np
import pytest

from molvae.latent.joint_gaussian import conditional, covariance

TRUE = np.array([[4.0, 1.2, 0.0], [1.2, 1.0, -0.3], [0.0, -0.3, 0.25]])


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """4,000 draws of a Gaussian with covariance `TRUE`."""
    return np.random.default_rng(0).multivariate_normal(np.zeros(3), TRUE, size=4000)


def gappy(rows: np.ndarray, share: float) -> np.ndarray:
    return np.where(np.random.default_rng(1).random(rows.shape) < share, np.nan, rows)


def test_the_covariance_is_found_behind_gaps(rows: np.ndarray) -> None:
    found = covariance(gappy(rows, 0.4))
    scale = np.sqrt(np.diag(TRUE))
    np.testing.assert_allclose(found / np.outer(scale, scale), TRUE / np.outer(scale, scale), atol=0.06)


def test_without_gaps_it_is_the_sample_covariance_shrunk_by_five_rows(rows: np.ndarray) -> None:
    part = rows[:100]
    sample = part.T @ part / 100
    np.testing.assert_allclose(covariance(part), (100 * sample + 5 * np.diag(np.diag(sample))) / 105)


def test_columns_never_known_together_are_taken_as_uncorrelated() -> None:
    same = np.random.default_rng(2).standard_normal(200)
    apart = np.column_stack([np.where(np.arange(200) < 100, same, np.nan), np.where(np.arange(200) < 100, np.nan, same)])
    assert covariance(apart)[0, 1] == pytest.approx(0)


def test_empty_rows_change_nothing(rows: np.ndarray) -> None:
    part = gappy(rows[:200], 0.3)
    np.testing.assert_allclose(covariance(np.vstack([part, np.full((500, 3), np.nan)])), covariance(part))


def test_the_condition_is_that_of_the_textbook(rows: np.ndarray) -> None:
    used = np.array([[True, False, True]])
    mean, variance = conditional(rows[:1], used, TRUE)
    known, weights = rows[0, [0, 2]], np.linalg.inv(TRUE[np.ix_([0, 2], [0, 2])]) @ TRUE[[0, 2], 1]
    np.testing.assert_allclose(mean[0], [known[0], weights @ known, known[1]])
    np.testing.assert_allclose(variance[0], [0, 1 - weights @ TRUE[[0, 2], 1], 0], atol=1e-12)


def test_without_known_cells_nothing_is_learned(rows: np.ndarray) -> None:
    mean, variance = conditional(np.full((2, 3), np.nan), np.zeros((2, 3), bool), TRUE)
    np.testing.assert_array_equal(mean, 0)
    np.testing.assert_allclose(variance, np.tile(np.diag(TRUE), (2, 1)))


def test_the_order_of_rows_does_not_matter(rows: np.ndarray) -> None:
    part, order = gappy(rows[:50], 0.3), np.random.default_rng(3).permutation(50)
    whole, mixed = (conditional(each, ~np.isnan(each), TRUE) for each in (part, part[order]))
    for a, b in zip(whole, mixed, strict=True):
        np.testing.assert_allclose(a[order], b)


def test_conditional_intervals_hold_what_is_hidden(rows: np.ndarray) -> None:
    part = gappy(rows, 0.3)
    mean, variance = conditional(part, ~np.isnan(part), covariance(part))
    hidden = np.isnan(part)
    within = np.abs(rows - mean)[hidden] <= 1.645 * np.sqrt(variance[hidden])
    assert within.mean() == pytest.approx(0.9, abs=0.02)
