"""Every cell of a table predicted from codes by heads that have not seen it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from molvae.nn.heads import Column, EnsembleHeads
from molvae.training.gaussian_process import SMALL, fit_gaussian_process
from molvae.training.heads import fit_ensemble

_FEW = 5  # values with which nothing is predicted from codes
_BATCH = 4_096

_Array = NDArray[np.float64]


def cross_fitted(
    codes: NDArray[np.float32],
    values: _Array,
    columns: Sequence[Column],
    *,
    features: EnsembleHeads | None = None,
    folds: int = 5,
    seed: int = 1,
    listener: Callable[[int, int], None] | None = None,
) -> tuple[_Array, _Array]:
    """Predict every cell of a table from codes, a known one by what was learned from other rows.

    A column with at most 2,000 values gets a Gaussian process, of which each known cell is predicted by all the others in closed form.
    The other columns share an ensemble for each of a few folds; a missing cell gets the mean of these.

    Args:
        codes: (n, D).
        values: (n, P), NaN where missing.
        columns: the P properties.
        features: heads fitted to other properties, used by the Gaussian processes.
        folds: ensembles.
        seed: of folds and fits.
        listener: told the fits done and their number.

    Returns:
        Mean and standard deviation, (n, P) each, in the units of the values; NaN for a column with fewer than 5 values or a single one.

    Raises:
        MissingExtraError: gpytorch is not installed.
    """
    labels, spread = (~np.isnan(values)).sum(axis=0), np.array([len(np.unique(column[~np.isnan(column)])) for column in values.T])
    few, many = np.flatnonzero((labels >= _FEW) & (labels <= SMALL) & (spread > 1)), np.flatnonzero(labels > SMALL)
    fits = len(few) + folds * bool(len(many))
    tell = listener or (lambda done, total: None)
    mean, deviation = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    for done, at in enumerate(few, 1):
        mean[:, at], deviation[:, at] = _by_process(codes, values[:, at], columns[int(at)], features, seed)
        tell(done, fits)
    if len(many):
        wanted = [columns[int(at)] for at in many]
        mean[:, many], deviation[:, many] = _by_ensembles(
            codes, values[:, many], wanted, folds, seed, lambda done: tell(len(few) + done, fits)
        )
    return mean, deviation


def _by_process(
    codes: NDArray[np.float32], values: _Array, column: Column, features: EnsembleHeads | None, seed: int
) -> tuple[_Array, _Array]:
    """Mean and standard deviation of each row, (n,) each, the known ones by all others."""
    known = ~np.isnan(values)
    heads = fit_gaussian_process(codes[known], values[known][:, None], [column], features=features, folds=0, seed=seed).heads
    mean, deviation = (part[:, 0] for part in _said(heads, codes))
    with torch.inference_mode():
        mean[known], deviation[known] = (part.double().numpy() for part in heads.left_out(0))  # type: ignore[operator]
    return mean, deviation


def _by_ensembles(
    codes: NDArray[np.float32], values: _Array, columns: Sequence[Column], folds: int, seed: int, tell: Callable[[int], None]
) -> tuple[_Array, _Array]:
    """Mean and standard deviation of each cell, (n, P) each: a known one by the ensemble of its fold, a missing one by all."""
    fold_of = np.random.default_rng(seed).permutation(len(codes)) % folds
    said = np.empty((2, folds, *values.shape))
    some = (~np.isnan(values)).any(axis=1)
    for fold in range(folds):
        train = some & (fold_of != fold)
        said[:, fold] = _said(fit_ensemble(codes[train], values[train], columns, seed=seed).heads, codes)
        tell(fold + 1)
    own = said[:, fold_of, np.arange(len(codes))]
    mean, deviation = np.where(np.isnan(values), said.mean(axis=1), own)
    return mean, deviation


@torch.inference_mode()
def _said(heads: nn.Module, codes: NDArray[np.float32]) -> tuple[_Array, _Array]:
    """Mean and standard deviation, (n, P) each."""
    parts = [heads(part) for part in torch.split(torch.from_numpy(codes), _BATCH)]
    mean, deviation = (torch.cat([part[kind] for part in parts]).double().numpy() for kind in (0, 1))
    return mean, deviation
