"""Rows of numbers with gaps as draws of one Gaussian: its covariance, and what the known cells of a row say of the missing ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_PRIOR = 5.0  # rows that the belief in uncorrelated columns counts for
_ROWS, _ITERATIONS, _CLOSE = 20_000, 100, 1e-3

_Array = NDArray[np.float64]
_Mask = NDArray[np.bool_]


def covariance(rows: _Array, seed: int = 0) -> _Array:
    """Covariance of columns of mean 0 by expectation maximisation over the gaps (Dempster, Laird and Rubin 1977), shrunk to the diagonal.

    The more seldom two columns are known together, the nearer is their correlation to 0.

    Args:
        rows: (n, P), NaN where unknown.
        seed: of the 20,000 rows that are used where there are more.

    Returns:
        (P, P).

    >>> covariance(np.array([[2.0, 1.0], [-2.0, -1.0], [2.0, np.nan]] * 50)).round(1)
    array([[4. , 1.9],
           [1.9, 1. ]])
    """
    rows = rows[~np.isnan(rows).all(axis=1)]
    if len(rows) > _ROWS:
        rows = rows[np.random.default_rng(seed).permutation(len(rows))[:_ROWS]]
    scale = np.sqrt(np.nanmean(rows**2, axis=0))
    rows, prior = rows / scale, np.eye(rows.shape[1])
    estimate = prior
    for _ in range(_ITERATIONS):
        before, total = estimate, _PRIOR * prior
        for members, known in _patterns(~np.isnan(rows)):
            filled, left = _given(rows[members], known, before)
            total = total + filled.T @ filled + len(members) * left
        estimate = total / (len(rows) + _PRIOR)
        if np.abs(estimate - before).max() < _CLOSE:
            break
    return np.asarray(estimate * np.outer(scale, scale))


def conditional(rows: _Array, used: _Mask, covariance: _Array) -> tuple[_Array, _Array]:
    """Mean and variance of every cell given the used cells of its row.

    Args:
        rows: (n, P), of mean 0.
        used: (n, P), the cells that are taken as known; none of them NaN.
        covariance: (P, P).

    Returns:
        (n, P) each; a used cell is its own mean with the variance 0.

    >>> mean, variance = conditional(np.array([[1.0, np.nan]]), np.array([[True, False]]), np.array([[1.0, 0.8], [0.8, 1.0]]))
    >>> mean.round(2), variance.round(2)
    (array([[1. , 0.8]]), array([[0.  , 0.36]]))
    """
    mean, variance = np.zeros(rows.shape), np.zeros(rows.shape)
    for members, known in _patterns(used):
        filled, left = _given(rows[members], known, covariance)
        mean[members], variance[members] = filled, np.diag(left)
    return mean, variance


def _given(rows: _Array, known: _Mask, covariance: _Array) -> tuple[_Array, _Array]:
    """Rows with the unknown columns filled by their conditional means, and the covariance that is left, 0 for known columns."""
    filled, left = np.where(known, rows, 0.0), np.zeros(covariance.shape)
    gain = np.linalg.solve(covariance[np.ix_(known, known)], covariance[np.ix_(known, ~known)])
    filled[:, ~known] = filled[:, known] @ gain
    left[np.ix_(~known, ~known)] = covariance[np.ix_(~known, ~known)] - covariance[np.ix_(~known, known)] @ gain
    return filled, left


def _patterns(mask: _Mask) -> Iterator[tuple[NDArray[np.intp], _Mask]]:
    """Rows that have the same cells set, and which."""
    different, which = np.unique(mask, axis=0, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(which.ravel()))
    for known, members in zip(different, np.split(order, ends[:-1]), strict=True):
        yield members, known
