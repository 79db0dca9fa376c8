"""Cells predicted from codes by heads that have not seen them."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from molvae.nn.heads import Column
from molvae.training import cross_fit
from molvae.training.cross_fit import cross_fitted
from molvae.training.heads import NINETY, fit_ensemble

KINDS = (Column("smooth"), Column("noise"))


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes (300, 4), a smooth function of them beside plain noise (300, 2), and the same with a third missing."""
    random = np.random.default_rng(0)
    codes = random.standard_normal((300, 4)).astype(np.float32)
    values = np.column_stack([50 + 10 * np.tanh(codes[:, 0] - codes[:, 1]) + random.standard_normal(300), random.standard_normal(300)])
    return codes, values, np.where(random.random(values.shape) < 0.33, np.nan, values)


@pytest.fixture(scope="module", params=["process", "ensemble"])
def said(request: pytest.FixtureRequest, data: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "ensemble":
            patch.setattr(cross_fit, "SMALL", 100)
            patch.setattr(
                cross_fit, "fit_ensemble", partial(fit_ensemble, hidden=16, members=2, steps=150, batch_size=64, learning_rate=1e-2)
            )
        return cross_fitted(data[0], data[2], KINDS, folds=3)


def test_known_and_missing_cells_are_predicted_alike(said: tuple[np.ndarray, np.ndarray], data: tuple[np.ndarray, ...]) -> None:
    _, truth, values = data
    for cells in (np.isnan(values[:, 0]), ~np.isnan(values[:, 0])):
        error = (said[0] - truth)[cells, 0]
        assert np.sqrt(np.mean(error**2)) < 0.5 * truth[:, 0].std()
        assert np.mean(np.abs(error) <= NINETY * said[1][cells, 0]) > 0.75


def test_no_cell_has_seen_itself(said: tuple[np.ndarray, np.ndarray], data: tuple[np.ndarray, ...]) -> None:
    values = data[2][:, 1]
    known = ~np.isnan(values)
    assert np.sqrt(np.mean((said[0][known, 1] - values[known]) ** 2)) > 0.95 * values[known].std()


def test_a_cell_left_out_is_as_if_it_were_missing(data: tuple[np.ndarray, ...]) -> None:
    codes, _, values = data
    without = values.copy()
    row = int(np.flatnonzero(~np.isnan(values[:, 0]))[0])
    without[row, 0] = np.nan
    a, b = (cross_fitted(codes, each, KINDS) for each in (values, without))
    assert a[0][row, 0] == pytest.approx(b[0][row, 0], abs=0.05 * np.nanstd(values[:, 0]))
    assert a[1][row, 0] == pytest.approx(b[1][row, 0], rel=0.05)


def test_columns_that_say_too_little_are_left_open(data: tuple[np.ndarray, ...]) -> None:
    few, one = np.full(300, np.nan), np.full(300, 3.0)
    few[:4] = range(4)
    mean, deviation = cross_fitted(data[0], np.column_stack([few, one]), KINDS)
    assert np.isnan(mean).all()
    assert np.isnan(deviation).all()


def test_progress_counts_the_fits(data: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_fit, "SMALL", 210)
    monkeypatch.setattr(cross_fit, "fit_ensemble", partial(fit_ensemble, hidden=8, members=2, steps=5))
    values = data[1].copy()
    values[100:, 0] = np.nan
    told: list[tuple[int, int]] = []
    cross_fitted(data[0], values, KINDS, folds=3, listener=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
