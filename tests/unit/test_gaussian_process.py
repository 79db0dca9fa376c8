"""Gaussian-process heads: the equations, missing values, units, saving, and what the fit is worth."""

from __future__ import annotations

import copy
import json
import sys
from dataclasses import asdict
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from molvae.errors import DataError, MissingExtraError
from molvae.nn.gaussian_process import GaussianProcessHeads, GaussianProcessSizes
from molvae.nn.heads import Column, EnsembleHeads, HeadSizes
from molvae.training.gaussian_process import fit_gaussian_process, fit_heads
from molvae.training.heads import fit_ensemble


def some(n: int, noise: float = 0.1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n, 3), and a function of them with noise: (n, 1)."""
    random = np.random.default_rng(seed)
    codes = random.standard_normal((n, 3)).astype(np.float32)
    return codes, (np.sin(codes[:, :1]) + 0.3 * codes[:, 1:2] + noise * random.standard_normal((n, 1))).astype(np.float64)


@pytest.fixture(scope="module")
def heads() -> GaussianProcessHeads:
    """Two columns with lengths, noise and units of their own, filled by hand; the second lacks half of its values."""
    codes, values = some(40)
    heads = GaussianProcessHeads(GaussianProcessSizes(3, (Column("a"), Column("b")), 40))
    heads.codes.copy_(torch.from_numpy(codes))
    heads.targets.copy_(torch.from_numpy(np.hstack([values, np.where(np.arange(40)[:, None] % 2, np.nan, -values)])))
    heads.lengths.copy_(torch.tensor([[1.5], [3.0]]))
    heads.amplitudes.copy_(torch.tensor([[1.3], [0.8]]))
    heads.noise.copy_(torch.tensor([0.02, 0.05]))
    heads.center.copy_(torch.tensor([0.0, 100.0]))
    heads.scale.copy_(torch.tensor([1.0, 10.0]))
    heads.stretch.copy_(torch.tensor([1.0, 1.2]))
    return heads


@pytest.mark.parametrize("column", [0, 1])
def test_predictions_are_those_of_another_implementation(heads: GaussianProcessHeads, column: int) -> None:
    kernel = ConstantKernel(float(heads.amplitudes[column])) * Matern(float(heads.lengths[column]), nu=2.5) + WhiteKernel(
        float(heads.noise[column])
    )
    known = ~np.isnan(heads.targets[:, column].numpy())
    other = GaussianProcessRegressor(kernel, optimizer=None).fit(heads.codes.numpy()[known], heads.targets[:, column].numpy()[known])
    new, _ = some(15, seed=5)
    mean, deviation = (part[:, column].numpy() for part in heads(torch.from_numpy(new)))
    expected, spread = other.predict(new, return_std=True)
    scale = float(heads.scale[column])
    np.testing.assert_allclose(mean, expected * scale + float(heads.center[column]), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(deviation, spread * scale * float(heads.stretch[column]), rtol=1e-3)


def test_leaving_out_by_formula_is_leaving_out(heads: GaussianProcessHeads) -> None:
    mean, deviation = heads.left_out(1)
    for place, row in enumerate([0, 10, 38]):
        without = copy.deepcopy(heads)
        without._solved.clear()
        without.targets[row, 1] = torch.nan
        expected = without(heads.codes[row : row + 1])
        at = [0, 5, 19][place]
        torch.testing.assert_close(mean[at].float(), expected[0][0, 1], rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(deviation[at].float(), expected[1][0, 1], rtol=1e-4, atol=1e-3)


def test_far_from_the_labels_the_prior_is_back(heads: GaussianProcessHeads) -> None:
    mean, deviation = heads(torch.full((1, 3), 1e3))
    torch.testing.assert_close(mean[0], heads.center)
    torch.testing.assert_close(deviation[0], heads.stretch * heads.scale * (heads.amplitudes[:, 0] + heads.noise).sqrt())


def test_codes_get_the_gradient_of_the_mean(heads: GaussianProcessHeads) -> None:
    with torch.inference_mode():
        heads(heads.codes[:2])  # what is solved here must serve below
    codes = torch.from_numpy(some(4, seed=9)[0]).requires_grad_()
    heads(codes)[0][:, 0].sum().backward()
    step = torch.zeros_like(codes)
    step[:, 0] = 1e-2
    with torch.no_grad():
        slope = (heads(codes + step)[0] - heads(codes - step)[0])[:, 0] / 2e-2
    torch.testing.assert_close(codes.grad[:, 0], slope, rtol=1e-2, atol=1e-2)


def test_a_row_does_not_depend_on_the_others_and_nan_stays_in_its_row(heads: GaussianProcessHeads) -> None:
    codes = torch.from_numpy(some(6, seed=3)[0])
    codes[2] = torch.nan
    mean, deviation = heads(codes)
    assert mean[2].isnan().all()
    assert deviation[2].isnan().all()
    alone = heads(codes[4:5])
    torch.testing.assert_close(mean[4:5], alone[0])
    torch.testing.assert_close(deviation[4:5], alone[1])


def test_loaded_weights_replace_what_was_solved(heads: GaussianProcessHeads) -> None:
    other = GaussianProcessHeads(heads.sizes)
    codes = torch.from_numpy(some(5, seed=4)[0])
    before = other(codes)[0]
    other.load_state_dict(heads.state_dict())
    torch.testing.assert_close(other(codes)[0], heads(codes)[0])
    assert not torch.allclose(before, other(codes)[0])


def test_sizes_survive_json(heads: GaussianProcessHeads) -> None:
    assert GaussianProcessSizes.of(json.loads(json.dumps(asdict(heads.sizes)))) == heads.sizes


@pytest.fixture(scope="module")
def fitted() -> tuple[GaussianProcessHeads, dict[str, dict[str, float]]]:
    """Fitted to 150 rows of a known function in a large unit, one of two columns missing in a third of them, and a binary one."""
    codes, values = some(150)
    partly = np.where(np.arange(150)[:, None] % 3, 1000 + 50 * values, np.nan)
    found = fit_gaussian_process(
        codes, np.hstack([values, partly, values > 0]), [Column("a"), Column("b", "nM"), Column("c", kind="binary")], seed=1
    )
    return found.heads, found.figures


def test_the_function_is_found_in_the_unit_of_the_user(fitted: tuple[GaussianProcessHeads, dict[str, dict[str, float]]]) -> None:
    heads, figures = fitted
    codes, values = some(400, noise=0.0, seed=7)
    mean, deviation = (part.numpy() for part in heads(torch.from_numpy(codes)))
    assert np.sqrt(np.mean((mean[:, 0] - values[:, 0]) ** 2)) < 0.12
    assert np.sqrt(np.mean((mean[:, 1] - 1000 - 50 * values[:, 0]) ** 2)) < 8
    assert 0.08 < np.median(deviation[:, 0]) < 0.2  # the noise of .1 is in it
    assert ((mean[:, 2] > 0.5) == (values[:, 0] > 0)).mean() > 0.9
    assert mean[:, 2].min() >= 0
    assert mean[:, 2].max() <= 1
    assert [figures[name]["labelled"] for name in "abc"] == [150, 100, 150]


def test_cross_validation_tells_the_truth(fitted: tuple[GaussianProcessHeads, dict[str, dict[str, float]]]) -> None:
    heads, figures = fitted
    codes, values = some(2000, seed=11)
    mean, deviation = (part[:, 0].numpy() for part in heads(torch.from_numpy(codes)))
    error = np.abs(mean - values[:, 0])
    assert figures["a"]["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=0.3)
    assert figures["a"]["coverage"] == pytest.approx(np.mean(error < 1.6449 * deviation), abs=0.08)
    assert figures["a"]["coverage"] == pytest.approx(0.9, abs=0.08)


def test_what_other_heads_say_of_codes_helps() -> None:
    """A property that is one number of a code in 16 dimensions, and heads that know this number."""
    random = np.random.default_rng(0)
    codes = random.standard_normal((240, 16)).astype(np.float32)
    known = EnsembleHeads(HeadSizes(16, (Column("first"),), hidden=1, layers=0, members=1))
    known.weights[0].data.zero_()
    known.weights[0].data[0, 0, 0] = 1.0
    known.biases[0].data.zero_()
    values = np.sin(2 * codes[:, :1]).astype(np.float64) + 0.1 * random.standard_normal((240, 1))
    rest = torch.from_numpy(codes[40:])
    alone, helped = (fit_gaussian_process(codes[:40], values[:40], [Column("a")], features=each) for each in (None, known))
    errors = [float(np.mean((found.heads(rest)[0].numpy() - values[40:]) ** 2) ** 0.5) for found in (alone, helped)]
    assert errors[1] < 0.25 < errors[0]
    assert helped.figures["a"]["rmse"] < 0.3
    again = GaussianProcessHeads(GaussianProcessSizes.of(json.loads(json.dumps(asdict(helped.heads.sizes)))))
    again.load_state_dict(helped.heads.state_dict())
    torch.testing.assert_close(again(rest), helped.heads(rest))
    some = rest[:3].clone().requires_grad_()
    again(some)[0].sum().backward()
    assert some.grad[:, 0].abs().min() > 0


def test_pure_noise_is_not_explained() -> None:
    codes, _ = some(80)
    found = fit_gaussian_process(codes, np.random.default_rng(3).standard_normal((80, 1)), [Column("a")])
    assert found.figures["a"]["r2"] < 0.1
    assert found.figures["a"]["coverage"] == pytest.approx(0.9, abs=0.1)


@pytest.mark.parametrize(("seed", "count"), [(6, 20), (44, 60)])
def test_a_function_without_noise_is_learned(seed: int, count: int) -> None:
    """An unbounded search of the lengths ran off to infinity on these."""
    codes = np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)
    found = fit_gaussian_process(codes, codes[:, :1].astype(np.float64), [Column("a")], folds=0)
    with torch.inference_mode():
        mean, _ = found.heads(torch.from_numpy(codes))
    np.testing.assert_allclose(mean[:, 0].numpy(), codes[:, 0], atol=0.1)


def test_the_same_seed_gives_the_same_heads() -> None:
    codes, values = some(30)
    one, two = (fit_gaussian_process(codes, values, [Column("a")], seed=3) for _ in range(2))
    assert one.figures == two.figures
    torch.testing.assert_close(one.heads.state_dict(), two.heads.state_dict(), rtol=0, atol=0)


def test_the_method_is_chosen_by_the_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, values = some(60)
    monkeypatch.setattr("molvae.training.gaussian_process.SMALL", 59)
    monkeypatch.setattr("molvae.training.gaussian_process.fit_ensemble", partial(fit_ensemble, steps=5))
    assert fit_heads(codes, values, [Column("a")]).heads.kind == "ensemble"
    assert fit_heads(codes[:59], values[:59], [Column("a")]).heads.kind == "gaussian_process"
    assert fit_heads(codes, values, [Column("a")], method="gp").heads.kind == "gaussian_process"
    with pytest.raises(DataError, match="method is 'svm'"):
        fit_heads(codes, values, [Column("a")], method="svm")  # type: ignore[arg-type]
    monkeypatch.setattr("molvae.training.gaussian_process.MOST", 59)
    with pytest.raises(DataError, match="60 rows, it takes at most 59"):
        fit_heads(codes, values, [Column("a")], method="gp")


def test_without_gpytorch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpytorch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'molvae\[properties\]'"):
        fit_gaussian_process(*some(20), [Column("a")])
