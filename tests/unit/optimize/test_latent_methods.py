"""Methods that search the latent: what is judged is the code of what was written; each is rebuilt from what it was told."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from molvae import MolVAE
from molvae.errors import MissingExtraError
from molvae.optimize.methods import method
from molvae.optimize.methods.cma import Cma, CmaSettings
from molvae.optimize.methods.gradient import Gradient, GradientSettings
from molvae.optimize.methods.latent import Known, LatentMethod
from molvae.optimize.methods.turbo import Region, Turbo, TurboSettings

SMALL: dict[str, Any] = {
    "gradient": GradientSettings(first=20, fits=50, starts=64),
    "cma": CmaSettings(first=20, population=8, patience=2),  # converged after some generations
    "turbo": TurboSettings(first=20, candidates=128),
}


def scores_of(smiles: list[str]) -> list[float | None]:
    """Counts O and a little F; a failure for molecules with S."""
    return [None if "S" in text else text.count("O") + 0.1 * text.count("F") for text in smiles]


def searched(model: MolVAE, name: str, rounds: int, size: int = 10, seed: int = 2) -> tuple[Any, list[list[str]]]:
    """A method after some rounds, and what it asked."""
    searcher, asked = method(name, model, seed=seed, settings=SMALL[name]), []
    for _ in range(rounds):
        asked.append(searcher.ask(size))
        searcher.tell(asked[-1], scores_of(asked[-1]))
    return searcher, asked


@pytest.mark.parametrize("name", SMALL)
def test_a_method_that_was_only_told_goes_on_as_the_one_that_asked(model: MolVAE, name: str) -> None:
    searcher, asked = searched(model, name, rounds=12)
    replayed = method(name, model, seed=2, settings=SMALL[name])
    for batch in asked:
        replayed.tell(batch, scores_of(batch))
    following = searcher.ask(10)
    assert following
    assert replayed.ask(10) == following
    assert replayed.ask(10) == following, "asking changes nothing"


@pytest.mark.parametrize("name", SMALL)
def test_rounds_of_one_molecule_and_scores_that_are_all_equal_or_missing_do_no_harm(model: MolVAE, name: str) -> None:
    searcher, _ = searched(model, name, rounds=3)
    for _ in range(3):
        (one,) = searcher.ask(1)
        searcher.tell([one], [None])
    flat = method(name, model, seed=2, settings=SMALL[name])
    for _ in range(4):
        batch = flat.ask(10)
        flat.tell(batch, [0.5] * 10)
    assert len(flat.ask(10)) == 10


@pytest.mark.parametrize("name", SMALL)
def test_proposals_are_the_methods_own_once_enough_is_known(model: MolVAE, name: str) -> None:
    searcher, _ = searched(model, name, rounds=3)
    drawn = searched(model, name, rounds=2)[0]._stream.new(searcher._told, 10)
    assert searcher.ask(10) != drawn


@pytest.mark.parametrize("name", SMALL)
def test_a_method_runs_dry_when_nothing_more_is_allowed(model: MolVAE, name: str) -> None:
    searcher, _ = searched(model, name, rounds=2)
    searcher._told._allowed = lambda _: False
    assert searcher.ask(10) == []


def test_what_is_written_comes_with_the_code_it_is_encoded_to(model: MolVAE) -> None:
    searcher, asked = searched(model, "gradient", rounds=3)
    codes = np.random.default_rng(1).standard_normal((40, model.latent_size)).astype(np.float32)
    found = searcher._written(codes, np.random.default_rng(2), each=3)
    assert found.smiles
    assert not set(found.smiles) & {smiles for batch in asked for smiles in batch}
    np.testing.assert_allclose(found.codes, model.encode(found.smiles), atol=1e-5)
    frame = model.decode(codes, 3, temperature=1.0, seed=int(np.random.default_rng(2).integers(2**31)), surviving=True)
    for smiles, source in zip(found.smiles, found.sources, strict=True):
        assert source == frame["code"][frame["smiles"] == smiles].min()


def test_what_was_told_is_known_by_its_code_and_failures_are_not(model: MolVAE) -> None:
    searcher: LatentMethod = method("gradient", model)  # type: ignore[assignment]
    searcher.tell(["CCO", "CC[Si](C)C", "CCN"], [1.0, 2.0, None])  # the model knows no silicon
    assert searcher._known.smiles == ["CCO"]
    np.testing.assert_allclose(searcher._known.codes, model.encode(["CCO"]), atol=1e-6)


def test_good_molecules_are_drawn_more_often() -> None:
    known = Known(list("abcd"), np.array([0.0, 3.0, 1.0, 2.0]), np.zeros((4, 1), np.float32), np.zeros((4, 1), np.float32))
    counts = np.bincount(known.good(2000, np.random.default_rng(1), among=3), minlength=4)
    assert counts[1] > counts[3] > counts[2] > counts[0] == 0


def test_codes_climb_and_keep_the_length_of_the_prior(model: MolVAE) -> None:
    searcher, _ = searched(model, "gradient", rounds=4)
    assert isinstance(searcher, Gradient)
    heads = searcher._fitted(searcher._taught(), 1)
    starts = searcher._starts(np.random.default_rng(1))
    stops = searcher._climbed(heads, starts, np.zeros(len(starts))).reshape(4, len(starts), -1)
    expected = [float(heads(torch.from_numpy(codes))[0].mean()) for codes in (starts, *stops)]
    assert expected[-1] > expected[0]
    assert np.abs(np.linalg.norm(stops[-1], axis=1) - 2).mean() < 1, "4 dimensions: about 2 from the origin"


def test_the_strategy_begins_anew_at_a_good_molecule_when_no_generation_is_better(model: MolVAE) -> None:
    searcher, _ = searched(model, "cma", rounds=2)
    assert isinstance(searcher, Cma)
    strategies = [searcher._strategy]
    for _ in range(2):
        batch = searcher.ask(8)
        searcher.tell(batch, [-1.0] * 8)
        strategies.append(searcher._strategy)
    assert strategies[0] is strategies[1] is not strategies[2]
    assert searcher._best.scores[0] >= 0
    np.testing.assert_allclose(searcher._strategy.mean, searcher._best.codes[0])


def test_the_strategy_moves_towards_better_codes(model: MolVAE) -> None:
    searcher, _ = searched(model, "cma", rounds=2)
    assert isinstance(searcher, Cma)
    codes = searcher._strategy.mean + np.random.default_rng(1).standard_normal((8, model.latent_size)) * 0.3
    before = float(searcher._strategy.mean[0])
    searcher._learn(Known(["C"] * 8, codes[:, 0] + 99, codes.astype(np.float32), np.zeros_like(codes, dtype=np.float32)))
    assert searcher._strategy.mean[0] > before
    assert searcher._best.scores[0] == codes[:, 0].max() + 99


def _round(*scores: float) -> Known:
    codes = np.array(scores, dtype=np.float32)[:, None]
    return Known([f"{score}" for score in scores], np.array(scores), codes, codes)


def test_a_region_follows_the_best_and_changes_its_length() -> None:
    region = Region(np.zeros(1, dtype=np.float32), 0.0)
    better = region.after(_round(0.5, 1.0, -1.0))
    assert (better.center.tolist(), better.best, better.successes, better.failures) == ([1.0], 1.0, 1, 0)
    worse = better.after(_round(*[0.0] * 31))
    assert (worse.length, worse.successes, worse.failures, worse.best) == (0.8, 0, 31, 1.0)
    assert worse.after(_round(0.0)).length == 0.4
    assert worse.after(_round(1.0005)).length == 0.4, "hardly better is no success"
    for score in range(1, 11):
        region = region.after(_round(float(score)))
    assert (region.length, region.successes) == (1.6, 0)
    assert not region.collapsed
    for _ in range(8):
        region = region.after(_round(*[0.0] * 32))
    assert region.collapsed
    assert region.after(_round()) == region


def test_a_collapsed_region_begins_anew(model: MolVAE) -> None:
    searcher, _ = searched(model, "turbo", rounds=3)
    assert isinstance(searcher, Turbo)
    searcher._region = Region(searcher._region.center, 99.0, length=2**-7, failures=31)
    batch = searcher.ask(2)
    searcher.tell(batch, [0.0, 0.0])
    assert searcher._region.length == 0.8
    assert searcher._region.best in searcher._known.scores


def test_candidates_lie_in_the_region(model: MolVAE) -> None:
    searcher, _ = searched(model, "turbo", rounds=3)

    class Process:
        """Twice as smooth in the first dimension as elsewhere."""

        class covar_module:  # noqa: N801
            class base_kernel:  # noqa: N801
                lengthscale = torch.tensor([[2.0, 1.0, 1.0, 1.0]])

    searcher._region = Region(searcher._region.center, 0.0, length=0.1)
    away = np.abs(searcher._candidates(Process, np.random.default_rng(1)) - searcher._region.center).max(axis=0)
    sides = 0.4 * np.array([2, 1, 1, 1]) / 2**0.25
    assert (away <= sides + 1e-6).all()
    assert (away > 0.9 * sides).all()


def test_a_fit_that_fails_leaves_the_process_as_it_was(model: MolVAE, monkeypatch: pytest.MonkeyPatch) -> None:
    import botorch

    def fails(*_: Any, **__: Any) -> None:
        raise botorch.exceptions.ModelFittingError("all attempts failed")

    searcher, _ = searched(model, "turbo", rounds=2)
    monkeypatch.setattr(botorch.fit, "fit_gpytorch_mll", fails)
    assert len(searcher.ask(10)) == 10


@pytest.mark.parametrize("name", ["gradient", "turbo"])
def test_equal_scores_of_all_that_is_looked_at_do_no_harm(model: MolVAE, name: str) -> None:
    searcher, _ = searched(model, name, rounds=2)
    searcher._known = replace(searcher._known, scores=np.full(len(searcher._known), 2.0))
    assert searcher._proposed(10, np.random.default_rng(1)) == []


@pytest.mark.parametrize(("name", "package"), [("cma", "cma"), ("turbo", "botorch")])
def test_a_missing_package_is_named(model: MolVAE, monkeypatch: pytest.MonkeyPatch, name: str, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'molvae\[optimize\]'"):
        method(name, model)
