"""GuacaMol's metrics: its definitions, the limits of its scores, and what is said when molecules do not suffice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from molvae.data.novelty import TrainingIndex, fingerprints64
from molvae.errors import DataError
from molvae.evaluate.guacamol import CONTINUOUS, DISCRETE, continuous_divergence, density, discrete_divergence, guacamol_metrics
from molvae.evaluate.samples import Samples

KLS = {f"kl_{name}" for name in (*CONTINUOUS, *DISCRETE, "internal_similarity")}


def samples_of(smiles: Sequence[str]) -> Samples:
    return Samples.of(smiles, jobs=1)


def normal(count: int, seed: int, shift: float = 0.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(shift, 1.0, count)


def test_the_training_molecules_themselves_are_perfect_but_not_new(smiles: list[str]) -> None:
    found = guacamol_metrics(samples_of(smiles[:120]), smiles[:120], fcd=0.0, jobs=1, number=120)
    assert found.missing == {}
    assert found.values["novelty"] == 0.0
    assert found.values["validity"] == found.values["uniqueness"] == found.values["fcd_score"] == 1.0
    assert found.values["kl_score"] == pytest.approx(1.0, abs=1e-12)
    assert list(found.values)[:5] == ["validity", "uniqueness", "novelty", "kl_score", "fcd_score"]
    assert set(found.values) - set(list(found.values)[:5]) == KLS


def test_scores_follow_from_their_parts(smiles: list[str]) -> None:
    found = guacamol_metrics(samples_of(smiles[:100]), smiles[60:180], fcd=2.5, jobs=1, number=100).values
    assert found["fcd_score"] == pytest.approx(np.exp(-0.5))
    assert found["kl_score"] == pytest.approx(np.mean([np.exp(-found[name]) for name in KLS]))
    assert all(found[name] >= 0 for name in KLS)


def test_other_molecules_score_lower(smiles: list[str]) -> None:
    ordered = sorted(smiles, key=len)
    near = guacamol_metrics(samples_of(smiles[:100]), smiles[100:200], jobs=1, number=100).values
    far = guacamol_metrics(samples_of(ordered[:100]), ordered[-100:], jobs=1, number=100).values
    assert far["kl_score"] < near["kl_score"] - 0.2


def test_shares_count_what_they_say() -> None:
    rows = ["CCO", "OCC", "CC(", "C[C@H](N)O", "C[C@@H](N)O", "CCN", "CCC"]  # six valid, five different, four without stereo
    found = guacamol_metrics(samples_of(rows), ["NC(C)O", "CCC"], jobs=1, number=5)
    assert found.values["validity"] == pytest.approx(6 / 7)
    assert found.values["uniqueness"] == pytest.approx(3 / 5)  # the first five valid: ethanol twice, both enantiomers, CCN
    assert found.values["novelty"] == pytest.approx(2 / 5)  # the five different: ethanol and CCN are new
    assert found.missing["kl_score"] == "needs 5 training molecules, got 2"


@pytest.mark.parametrize("form", ["C[C@H](N)O", "CC(N)O"])
def test_an_index_knows_a_molecule_with_or_without_stereo(form: str) -> None:
    known = TrainingIndex.of(fingerprints64([form]))
    found = guacamol_metrics(samples_of(["C[C@H](N)O", "C[C@@H](N)O", "CCO"]), [], known, jobs=1, number=3)
    assert found.values["novelty"] == pytest.approx(1 / 3)


def test_index_and_list_agree(smiles: list[str]) -> None:
    samples, training = samples_of(smiles[:90]), smiles[50:300]
    known = TrainingIndex.of(fingerprints64(training))
    by_list, by_index = (guacamol_metrics(samples, training, each, jobs=1, number=90).values for each in (None, known))
    assert by_list == by_index
    assert by_list["novelty"] == pytest.approx(50 / 90)


def test_what_cannot_be_computed_is_named(smiles: list[str]) -> None:
    found = guacamol_metrics(samples_of([*smiles[:9], smiles[0]]), smiles, fcd=1.0, jobs=1)
    assert found.values == {}
    assert found.missing["validity"] == "needs 10,000 rows, got 10"
    assert found.missing["uniqueness"] == found.missing["fcd_score"] == "needs 10,000 valid molecules, got 10"
    assert found.missing["novelty"] == found.missing["kl_score"] == "needs 10,000 different molecules, got 9"
    assert set(found.missing) > KLS


def test_the_fcd_and_the_molecules_trained_on_are_needed(smiles: list[str]) -> None:
    found = guacamol_metrics(samples_of(smiles[:10]), [], jobs=1, number=10)
    assert set(found.missing) == {"novelty", "fcd_score", "kl_score"} | KLS
    assert "trained on" in found.missing["novelty"]
    assert "FCD" in found.missing["fcd_score"]


def test_a_divergence_without_spread_is_missing_and_so_is_the_score() -> None:
    chains = ["C" * length for length in range(1, 9)]  # alkanes: no polar surface to compare
    found = guacamol_metrics(samples_of(chains), chains, jobs=1, number=8)
    assert "no density" in found.missing["kl_TPSA"]
    assert "kl_TPSA" in found.missing["kl_score"]
    assert found.values["kl_MolWt"] == pytest.approx(0.0, abs=1e-12)


def test_nothing_at_all_is_no_crash() -> None:
    found = guacamol_metrics(samples_of([]), [], jobs=1)
    assert found.values == {}
    assert found.missing["validity"] == "needs 10,000 rows, got 0"


def test_a_draw_of_training_molecules_is_reproducible(smiles: list[str]) -> None:
    first, again, other = (guacamol_metrics(samples_of(smiles[:50]), smiles, seed=seed, jobs=1, number=50).values for seed in (0, 0, 1))
    assert first == again
    assert first["kl_MolWt"] != other["kl_MolWt"]


def test_bad_arguments_are_refused(smiles: list[str]) -> None:
    with pytest.raises(DataError, match="aspirin"):
        guacamol_metrics(samples_of(smiles[:3]), ["aspirin", "CC", "C"], jobs=1, number=3)
    with pytest.raises(DataError, match="at least 2"):
        guacamol_metrics(samples_of(smiles[:3]), smiles, jobs=1, number=1)


def test_progress_reaches_its_end(smiles: list[str]) -> None:
    told: dict[str, tuple[int, int]] = {}

    def note(what: str, done: int, total: int) -> None:
        told[what] = (done, total)

    guacamol_metrics(samples_of(smiles[:60]), smiles[:60], jobs=1, number=60, progress=note)
    assert len(told) >= 4
    assert set(told.values()) == {(60, 60)}


def test_the_density_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    values, grid = normal(200, seed=0), np.linspace(-4, 4, 50)
    np.testing.assert_allclose(density(values, grid), stats.gaussian_kde(values)(grid), rtol=1e-10)


def test_divergences_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    reference, sampled = normal(300, seed=1), normal(250, seed=2, shift=0.4)
    grid = np.linspace(min(reference.min(), sampled.min()), max(reference.max(), sampled.max()), 1000)
    p, q = (stats.gaussian_kde(values)(grid) + 1e-10 for values in (reference, sampled))
    assert continuous_divergence(reference, sampled) == pytest.approx(stats.entropy(p, q), rel=1e-9)
    heights, edges = np.histogram(reference, bins=10, density=True)
    others, _ = np.histogram(sampled, bins=edges, density=True)
    assert discrete_divergence(reference, sampled) == pytest.approx(stats.entropy(heights + 1e-10, others + 1e-10), rel=1e-9)


def test_the_divergence_of_two_normal_densities_is_the_analytic_one() -> None:
    assert continuous_divergence(normal(4000, seed=3), normal(4000, seed=4, shift=1.0)) == pytest.approx(0.5, abs=0.12)


def test_samples_beyond_the_reference_have_no_histogram() -> None:
    with pytest.raises(DataError, match="no sample lies within"):
        discrete_divergence(np.array([0.0, 1.0, 2.0]), np.array([7.0, 8.0]))
