"""The critic: a density ratio where it is known, and rejection that turns one distribution into the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from molvae.chem.environments import BUCKETS, environments, environments_of
from molvae.errors import DataError
from molvae.nn.critic import Bags, Critic, CriticSizes
from molvae.training.critic import fit_critic, level_for


def bags(shares: list[float], n: int, seed: int) -> Bags:
    """Each molecule one feature, drawn with these probabilities."""
    drawn = np.random.default_rng(seed).choice(len(shares), size=n, p=shares)
    return Bags([np.array([[feature, 1]], np.int32) for feature in drawn])


def test_a_batch_reads_the_rows_it_is_asked_for() -> None:
    rows = [np.array([[1, 2], [3, 1]], np.int32), np.zeros((0, 2), np.int32), np.array([[7, 5]], np.int32)]
    features, counts, starts = Bags(rows).batch(np.array([2, 1, 0]))
    assert features.tolist() == [7, 1, 3]
    assert counts.tolist() == [5, 2, 1]
    assert starts.tolist() == [0, 1, 1]


def test_logits_are_the_log_ratio_and_rejection_restores_the_real_shares() -> None:
    real, written = [0.5, 0.4, 0.1], [0.2, 0.4, 0.4]
    fitted = fit_critic(bags(real, 8_000, 1), bags(written, 8_000, 2), CriticSizes(3), keep=0.4, epochs=6, learning_rate=0.1)
    each = Bags([np.array([[feature, 1]], np.int32) for feature in range(3)])
    expected = np.log(np.array(real) / np.array(written))
    np.testing.assert_allclose(each.logits(fitted.critic).numpy(), expected, atol=0.15)
    keep = fitted.critic.acceptance(each.logits(fitted.critic)).numpy()
    after = keep * written / (keep * written).sum()
    np.testing.assert_allclose(after, real, atol=0.04)
    assert fitted.kept == pytest.approx(0.4, abs=0.01)
    assert fitted.auc == pytest.approx(0.5 + 0.5 * (0.5 * 0.8 + 0.4 * 0.4 - 0.4 * 0.2 - 0.1 * 0.6), abs=0.03)


def test_sets_that_are_alike_cannot_be_told_apart() -> None:
    fitted = fit_critic(bags([0.5, 0.5], 3_000, 1), bags([0.5, 0.5], 2_000, 2), CriticSizes(2))
    assert fitted.auc == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("keep", [0.05, 0.3, 0.9])
def test_the_level_keeps_the_share_asked_for(keep: float) -> None:
    logits = 3 * torch.randn(2_000, generator=torch.Generator().manual_seed(0))
    critic = Critic(CriticSizes(1))
    critic.level.fill_(level_for(logits, keep))
    assert float(critic.acceptance(logits).mean()) == pytest.approx(keep, abs=1e-3)


def test_too_few_molecules_are_refused() -> None:
    with pytest.raises(DataError, match="200 real and 99 written molecules were given; a critic needs at least 100 of each"):
        fit_critic(bags([1.0], 200, 0), bags([1.0], 99, 0), CriticSizes(1))


def test_environments_do_not_depend_on_the_writing_and_count_atoms_and_rings() -> None:
    first, second = environments_of(["c1ccccc1CCO", "OCCc1ccccc1"])
    assert {tuple(row) for row in first.tolist()} == {tuple(row) for row in second.tolist()}
    assert first[:, 0].max() < BUCKETS
    assert len({tuple(environments(smiles)[-1]) for smiles in ("CCO", "C1CO1", "C1CC2CC2O1")}) == 3, "rings"
