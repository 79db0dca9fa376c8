"""Property heads: ensemble, fitting, calibration, checkpoints, prediction from codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from molvae import MolVAE
from molvae.errors import DataError
from molvae.nn.heads import Column, EnsembleHeads, HeadSizes
from molvae.training.heads import NINETY, figures, fit_ensemble

COLUMNS = (Column("weight", "g"), Column("noisy"), Column("active", kind="binary"))
SMALL = {"hidden": 32, "members": 2, "steps": 400, "batch_size": 64}


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    """Codes (1,500, 4) and three targets of them: an exact one with a large unit, one with noise of 1, a binary one; a fifth missing."""
    random = np.random.default_rng(0)
    codes = random.standard_normal((1500, 4)).astype(np.float32)
    exact = 1e6 + 3e5 * np.tanh(codes[:, 0] + codes[:, 1])
    noisy = codes[:, 2] + random.standard_normal(1500)
    active = (codes[:, 3] + 0.2 * random.standard_normal(1500) > 0).astype(float)
    targets = np.stack([exact, noisy, active], axis=1)
    targets[random.random(targets.shape) < 0.2] = np.nan
    return codes, targets


@pytest.fixture(scope="module")
def fitted(data: tuple[np.ndarray, np.ndarray]) -> Any:
    codes, targets = data
    return fit_ensemble(codes, targets, COLUMNS, **SMALL)


def test_what_can_be_learnt_is_learnt_in_the_users_unit(fitted: Any) -> None:
    found = fitted.figures
    assert found["weight"]["r2"] > 0.9
    assert found["weight"]["rmse"] < 1e5
    assert 0.3 < found["noisy"]["r2"] < 0.65, "half of its variance is noise"
    assert found["active"]["r2"] > 0.4
    assert 1100 < found["weight"]["labelled"] < 1300


def test_deviation_is_that_of_the_noise(fitted: Any) -> None:
    _, deviation = fitted.heads(torch.randn(500, 4, generator=torch.Generator().manual_seed(1)))
    assert deviation[:, 1].median() == pytest.approx(1.0, abs=0.25)


def test_intervals_hold_what_they_promise(fitted: Any) -> None:
    random = np.random.default_rng(5)
    codes = random.standard_normal((2000, 4)).astype(np.float32)
    truth = codes[:, 2] + random.standard_normal(2000)
    mean, deviation = (part[:, 1].numpy() for part in fitted.heads(torch.from_numpy(codes)))
    assert 0.84 < (np.abs(truth - mean) <= NINETY * deviation).mean() < 0.96


def test_binary_prediction_is_a_probability(fitted: Any) -> None:
    sure = torch.tensor([[0.0, 0.0, 0.0, 2.5], [0.0, 0.0, 0.0, -2.5]])
    mean, deviation = fitted.heads(sure)
    assert mean[0, 2] > 0.9 > 0.1 > mean[1, 2]
    assert torch.allclose(deviation[:, 2], (mean[:, 2] * (1 - mean[:, 2])).sqrt(), atol=1e-4)


def test_same_seed_same_heads(data: tuple[np.ndarray, np.ndarray]) -> None:
    codes, targets = data
    first, second, other = (fit_ensemble(codes, targets, COLUMNS, seed=seed, **SMALL | {"steps": 20}).heads for seed in (1, 1, 2))
    at = torch.zeros(1, 4)
    assert torch.equal(first(at)[0], second(at)[0])
    assert not torch.equal(first(at)[0], other(at)[0])


def test_gradients_reach_the_codes(fitted: Any) -> None:
    codes = torch.zeros(3, 4, requires_grad=True)
    fitted.heads(codes)[0].sum().backward()
    assert codes.grad is not None
    assert codes.grad.abs().sum() > 0


def test_codes_drawn_from_posteriors_are_learnt_from_too(data: tuple[np.ndarray, np.ndarray]) -> None:
    codes, targets = data
    wide = np.zeros_like(codes)  # as much noise as signal: what a draw tells is half of what a mean tells
    with_noise = fit_ensemble(codes, targets, COLUMNS, log_variances=wide, **SMALL)
    without = fit_ensemble(codes, targets, COLUMNS, **SMALL)
    drawn = torch.from_numpy(codes) + torch.randn(codes.shape, generator=torch.Generator().manual_seed(2))

    def error(heads: EnsembleHeads, at: torch.Tensor, **how: bool) -> float:
        return float(np.nanmean((targets[:, 0] - heads(at, **how)[0][:, 0].numpy()) ** 2))

    assert error(with_noise.heads, drawn, drawn=True) < error(without.heads, drawn)
    assert error(with_noise.heads, drawn, drawn=True) < error(with_noise.heads, drawn)
    assert error(with_noise.heads, torch.from_numpy(codes)) < error(with_noise.heads, torch.from_numpy(codes), drawn=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [([1.0] * 9 + [np.nan] * 41, "'weight' has 9 values, at least 10"), ([2.5] * 50, "'weight' is 2.5 in every row")],
)
def test_columns_with_nothing_to_learn_are_refused(values: list[float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        fit_ensemble(np.zeros((50, 4), np.float32), np.array(values)[:, None], COLUMNS[:1])


def test_figures_of_perfect_and_of_useless_predictions() -> None:
    truth = np.array([1.0, 2.0, 3.0, np.nan])
    assert figures(truth, truth, np.ones(4)) == {"r2": 1.0, "rmse": 0.0, "coverage": 1.0}
    assert figures(truth, np.full(4, 2.0), np.full(4, 0.1))["r2"] == pytest.approx(0.0)
    assert figures(truth, np.full(4, 2.0), np.full(4, 0.1))["coverage"] == pytest.approx(1 / 3)


@pytest.fixture
def headed(trained: Path) -> MolVAE:
    """The tiny model with two groups of heads, both of which know `b`."""
    model = MolVAE.from_pretrained(trained)
    sizes = [HeadSizes(4, tuple(Column(name) for name in names), hidden=8, members=2) for names in (("a", "b"), ("b", "c"))]
    for number, each in enumerate(sizes):
        torch.manual_seed(number)
        model.checkpoint.heads.append(EnsembleHeads(each))
    model.checkpoint.heads[1].center.fill_(1e6)
    return model


def test_heads_survive_saving(headed: MolVAE, tmp_path: Path) -> None:
    headed.save_pretrained(tmp_path / "model")
    again = MolVAE.from_pretrained(tmp_path / "model")
    codes = np.random.default_rng(0).standard_normal((5, 4))
    assert again.properties == headed.properties
    for one, other in zip(headed.predict_codes(codes), again.predict_codes(codes), strict=True):
        assert np.allclose(one, other, rtol=1e-3, atol=1e-3), "weights in half precision, the unit of a column in full"
    assert again.predict_codes(codes, ["c"])[0].min() > 9e5


def test_the_later_of_two_heads_counts_and_names_choose(headed: MolVAE) -> None:
    codes = np.zeros((2, 4))
    assert [column.name for column in headed.properties] == ["a", "b", "c"]
    mean, deviation = headed.predict_codes(codes)
    assert mean.shape == deviation.shape == (2, 3)
    assert mean[0, 1] > 9e5, "of the second group"
    assert np.array_equal(headed.predict_codes(codes, ["c", "a"])[0], mean[:, [2, 0]])


def test_codes_without_number_have_no_prediction(headed: MolVAE) -> None:
    codes = np.zeros((2, 4))
    codes[1] = np.nan
    mean, deviation = headed.predict_codes(codes)
    assert np.isfinite(mean[0]).all()
    assert np.isnan(mean[1]).all()
    assert np.isnan(deviation[1]).all()


def test_unknown_property_and_wrong_codes_are_named(headed: MolVAE, model: MolVAE) -> None:
    with pytest.raises(DataError, match=r"no head for 'aa': it has a, b, c; nearest: a"):
        headed.predict_codes(np.zeros((1, 4)), ["aa"])
    with pytest.raises(DataError, match="it has none; molvae fit-properties adds them"):
        model.predict_codes(np.zeros((1, 4)), ["logP"])
    with pytest.raises(DataError, match=r"shape \(1, 3\), expected \(n, 4\)"):
        headed.predict_codes(np.zeros((1, 3)))
