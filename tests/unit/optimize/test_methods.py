"""Methods: proposals are canonical, new and reproducible from what was told; the screen is a Gaussian process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rdkit import Chem

from molvae import MolVAE
from molvae.errors import DataError
from molvae.optimize.methods import METHODS, method
from molvae.optimize.methods.base import Method
from molvae.optimize.methods.cma import CmaSettings
from molvae.optimize.methods.evolve import EvolveSettings
from molvae.optimize.methods.gradient import GradientSettings
from molvae.optimize.methods.screen import TanimotoProcess, features
from molvae.optimize.methods.turbo import TurboSettings

SMALL: dict[str, dict[str, Any]] = {
    "stoned": {"first": 20, "parents": 8},
    "random": {},
    "evolve": {"settings": EvolveSettings(first=20, generations=2, children=128)},
    "gradient": {"settings": GradientSettings(first=20, fits=50, starts=64)},
    "cma": {"settings": CmaSettings(first=20, population=10)},
    "turbo": {"settings": TurboSettings(first=20, candidates=256)},
}


def oxygens(smiles: list[str]) -> list[float | None]:
    """Counts O; a failure for molecules with S."""
    return [None if "S" in text else float(text.count("O")) for text in smiles]


def campaign(searcher: Method, rounds: int) -> list[list[str]]:
    asked = []
    for _ in range(rounds):
        asked.append(searcher.ask(10))
        searcher.tell(asked[-1], oxygens(asked[-1]))
    return asked


@pytest.mark.parametrize("name", METHODS)
def test_proposals_are_canonical_new_and_follow_from_what_was_told(model: MolVAE, name: str) -> None:
    start = "O(C)c1ccccc1"
    first = campaign(method(name, model, seed=3, starts=[start], **SMALL[name]), 4)
    flat = [smiles for batch in first for smiles in batch]
    assert flat[0] == Chem.CanonSmiles(start)
    assert len(set(flat)) == len(flat) == 40
    assert flat == [Chem.CanonSmiles(smiles) for smiles in flat]
    told = method(name, model, seed=3, starts=[start], **SMALL[name])
    for batch in first[:3]:
        told.tell(batch, oxygens(batch))
    assert told.ask(10) == first[3], "a resumed method goes on as it would have"
    assert method(name, model, seed=4, **SMALL[name]).ask(10) != first[0]


@pytest.mark.parametrize("name", [name for name in METHODS if name != "random"])
def test_the_guided_methods_find_better_molecules_than_the_prior(model: MolVAE, name: str) -> None:
    def mean_of_best(which: str) -> float:
        """Of the ten best of the last 40 of 80 calls."""
        scores = [score for batch in campaign(method(which, model, seed=1, **SMALL[which]), 8)[4:] for score in oxygens(batch)]
        return float(np.mean(sorted(score for score in scores if score is not None)[-10:]))

    assert mean_of_best(name) > mean_of_best("random")


@pytest.mark.parametrize("name", METHODS)
def test_what_is_not_allowed_is_never_proposed(model: MolVAE, name: str) -> None:
    asked = campaign(method(name, model, seed=1, starts=["NCCN", "CCO"], allowed=lambda smiles: "N" not in smiles, **SMALL[name]), 3)
    assert asked[0][0] == "CCO"
    assert not any("N" in smiles for batch in asked for smiles in batch)


def test_unknown_methods_and_options_and_bad_starts_are_refused(model: MolVAE) -> None:
    with pytest.raises(DataError, match="unknown method 'evolv', nearest: evolve"):
        method("evolv", model)
    with pytest.raises(DataError, match=r"method random: .*speed"):
        method("random", model, speed=3)
    with pytest.raises(DataError, match="start 2: 'aspirin'"):
        method("random", model, starts=["CCO", "aspirin"])


def test_the_process_is_the_closed_form(smiles: list[str]) -> None:
    bits, scores = features(smiles[:40]), np.random.default_rng(1).normal(size=30) + 5
    process = TanimotoProcess(bits[:30], scores)
    belief = process(bits[30:])
    both, sizes = bits.astype(float) @ bits.T.astype(float), bits.sum(axis=1).astype(float)
    kernel = both / (sizes[:, None] + sizes[None, :] - both)
    best = max(
        ((_evidence(kernel[:30, :30], scores - scores.mean(), noise)) for noise in (1e-4, 1e-3, 1e-2, 1e-1, 1.0)), key=lambda f: f[0]
    )
    _, variance, inverse = best
    np.testing.assert_allclose(belief.mean, scores.mean() + kernel[30:, :30] @ inverse @ (scores - scores.mean()), rtol=1e-5)
    left = 1 - np.einsum("mn,nk,mk->m", kernel[30:, :30], inverse, kernel[30:, :30])
    np.testing.assert_allclose(belief.deviation, np.sqrt(variance * left), rtol=1e-4)


def _evidence(kernel: np.ndarray, residuals: np.ndarray, noise: float) -> tuple[float, float, np.ndarray]:
    covariance = kernel + noise * np.eye(len(kernel))
    inverse = np.linalg.inv(covariance)
    variance = residuals @ inverse @ residuals / len(residuals)
    return -0.5 * len(residuals) * np.log(variance) - 0.5 * np.linalg.slogdet(covariance)[1], variance, inverse


def test_the_process_foresees_what_the_environments_decide(smiles: list[str]) -> None:
    scores = np.array([text.count("F") - text.count("O") for text in smiles[:200]], dtype=float)
    bits = features(smiles[:200])
    belief = TanimotoProcess(bits[:150], scores[:150])(bits[150:])
    assert np.corrcoef(belief.mean, scores[150:])[0, 1] > 0.8


def test_equal_scores_do_not_break_the_process(smiles: list[str]) -> None:
    bits = features(smiles[:10])
    belief = TanimotoProcess(bits[:5], np.full(5, 0.5))(bits)
    np.testing.assert_allclose(belief.mean, 0.5)
    assert np.isfinite(belief.deviation).all()
