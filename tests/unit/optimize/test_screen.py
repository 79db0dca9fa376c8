"""The screen of `evolve` is an exact Gaussian process, foresees what its features decide, and does not break."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rdkit import Chem

from molvae.optimize.methods.screen import Features, Fit, Surrogate, described, environments, likeliest, mixed


def by_hand(seen: Features, known: int) -> tuple[np.ndarray, np.ndarray]:
    """Tanimoto similarity and squared distance of descriptors standardised on the first `known`, of all to all."""
    bits = seen.bits.astype(float)
    both, sizes = bits @ bits.T, bits.sum(axis=1)
    spread = seen.descriptors[:known].std(axis=0)
    spread[spread == 0] = 1
    plain = (seen.descriptors - seen.descriptors[:known].mean(axis=0)) / spread
    return both / (sizes[:, None] + sizes[None, :] - both), np.square(plain[:, None] - plain[None]).mean(axis=2)


def test_the_process_is_the_closed_form(smiles: list[str]) -> None:
    seen, scores = Features.of(smiles[:40]), np.random.default_rng(1).normal(size=30) + 5
    belief = Surrogate(seen.rows(np.arange(30)), scores)(seen.rows(np.arange(30, 40)))
    tanimoto, apart = by_hand(seen, 30)
    residuals = scores - scores.mean()
    share, length, noise = likeliest(tanimoto[:30, :30], apart[:30, :30], torch.from_numpy(residuals))
    kernel = (1 - share) * tanimoto + share * np.exp(-apart / 2 / length**2)
    inverse = np.linalg.inv(kernel[:30, :30] + noise * np.eye(30))
    np.testing.assert_allclose(belief.mean, scores.mean() + kernel[30:, :30] @ inverse @ residuals, rtol=1e-4)
    variance = residuals @ inverse @ residuals / 30
    left = 1 - np.einsum("mn,nk,mk->m", kernel[30:, :30], inverse, kernel[30:, :30])
    np.testing.assert_allclose(belief.deviation, np.sqrt(variance * left), rtol=1e-3)


def test_the_likelihood_is_that_of_a_normal_distribution() -> None:
    random = np.random.default_rng(2)
    half = random.normal(size=(12, 12))
    kernel, residuals = half @ half.T / 12, random.normal(size=12)
    fits = [Fit.of(torch.from_numpy(kernel), torch.from_numpy(residuals), noise) for noise in (0.1, 1.0)]
    covariances = [fit.variance * (kernel + noise * np.eye(12)) for fit, noise in zip(fits, (0.1, 1.0), strict=True)]
    expected = [-0.5 * residuals @ np.linalg.solve(c, residuals) - 0.5 * np.linalg.slogdet(c)[1] for c in covariances]
    assert fits[0].likelihood - fits[1].likelihood == pytest.approx(expected[0] - expected[1])


@pytest.mark.parametrize("of", ["environments", "descriptors"])
def test_it_foresees_what_either_kind_of_features_decides(smiles: list[str], of: str) -> None:
    seen = Features.of(smiles[:200])
    scores = (
        np.array([text.count("F") - text.count("O") for text in smiles[:200]], dtype=float)
        if of == "environments"
        else np.exp(-np.square(seen.descriptors[:, -1] - 160) / 800).astype(float)  # of a weight near 160
    )
    known, rest = np.arange(150), np.arange(150, 200)
    belief = Surrogate(seen.rows(known), scores[known])(seen.rows(rest))
    assert np.corrcoef(belief.mean, scores[rest])[0, 1] > 0.7


def test_equal_scores_do_not_break_it(smiles: list[str]) -> None:
    seen = Features.of(smiles[:10])
    belief = Surrogate(seen.rows(np.arange(5)), np.full(5, 0.5))(seen)
    np.testing.assert_allclose(belief.mean, 0.5)
    assert np.isfinite(belief.deviation).all()


def test_descriptors_are_what_they_say() -> None:
    row = described([Chem.MolFromSmiles("C[N+](C)(C)CCOc1ccc(Cl)cc1Br")])[0].tolist()
    assert row[:10] == [11, 16, 1, 1, 0, 0, 0, 1, 1, 0]
    assert row[10:16] == [1, 1, 4, 0, 1, 1]
    assert row[18] == pytest.approx(11 * 12 + 16 * 1.00783 + 14.00307 + 15.99491 + 34.96885 + 78.91834, abs=0.01)
    assert described([]).shape == (0, 19)


def test_features_of_some_are_rows_of_all(smiles: list[str]) -> None:
    seen = Features.of(smiles[:6])
    np.testing.assert_array_equal(seen.bits, environments([Chem.MolFromSmiles(text) for text in smiles[:6]]))
    some = seen.rows([4, 1])
    np.testing.assert_array_equal(some.descriptors, Features.of([smiles[4], smiles[1]]).descriptors)
    np.testing.assert_array_equal(mixed(np.eye(2, dtype=np.float32), np.zeros((2, 2), dtype=np.float32), 0.0, 1.0), np.eye(2))
