"""Health of the latent space: bounds that bound, a gap known in closed form, and verdicts that name what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import pytest
import torch

from molvae import MolVAE
from molvae.errors import DataError
from molvae.evaluate import latent
from molvae.evaluate.latent import NAMES, LatentHealth, latent_health, prior_gap, verdict
from molvae.nn.gaussian import Gaussian
from molvae.nn.vae import VAE

POSTERIOR = {"rate", "elbo", "iwae", "exact_reconstruction_sampled", "mutual_information"}


@pytest.fixture(scope="module")
def health(model: MolVAE, smiles: list[str]) -> LatentHealth:
    return latent_health(model, [*smiles[:120], "not a molecule"], iwae_samples=16, iwae_molecules=60, reconstructed=50)


def copy_of(model: MolVAE, **sizes: Any) -> MolVAE:
    """The same model with weights of its own, or with fresh weights where sizes are given."""
    vae = VAE(replace(model.checkpoint.vae.sizes, **sizes))
    if not sizes:
        vae.load_state_dict(model.checkpoint.vae.state_dict())
    return MolVAE(replace(model.checkpoint, vae=vae))


@pytest.fixture
def plain(model: MolVAE) -> MolVAE:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return copy_of(model, latent="deterministic")


@pytest.fixture
def collapsed(model: MolVAE) -> MolVAE:
    """Every posterior is N(0, I)."""
    found = copy_of(model)
    for parameter in found.checkpoint.vae.encoder.to_code.parameters():
        torch.nn.init.zeros_(parameter)
    return found


def test_everything_is_measured(health: LatentHealth) -> None:
    assert tuple(health.metrics.values) == NAMES
    assert health.metrics.missing == {}
    assert health.refused == {"not a SMILES": 1}
    assert (len(health.encoded), len(health.reconstructions)) == (120, 50)
    values = health.metrics.values
    assert values["elbo"] == pytest.approx(values["rate"] + values["distortion"])
    assert values["mutual_information"] == pytest.approx(values["rate"] - values["prior_gap"])
    assert 0 < values["mutual_information"] < values["rate"]
    assert values["dimensions"] == 4
    assert 0 < values["tanimoto_of_misses"] < 1


def test_the_figures_are_those_of_the_model(health: LatentHealth, model: MolVAE, smiles: list[str]) -> None:
    frame, encoded = model.reconstruct(smiles[:50]), model.encode_all(smiles[:120])
    assert health.metrics.values["exact_reconstruction"] == pytest.approx(frame["exact"].mean())
    assert health.reconstructions == list(zip(frame["canonical"], frame["reconstruction"], strict=True))
    kl = 0.5 * (encoded.codes**2 + np.exp(encoded.log_variances) - 1 - encoded.log_variances).sum(axis=1)
    assert health.metrics.values["rate"] == pytest.approx(kl.mean(), rel=1e-4)


def test_more_codes_tighten_the_bound(model: MolVAE, smiles: list[str]) -> None:
    bounds = [latent_health(model, smiles[:60], iwae_samples=k, reconstructed=1).metrics.values for k in (1, 4, 64)]
    assert bounds[0]["iwae"] == pytest.approx(bounds[0]["elbo"])
    assert bounds[0]["elbo"] > bounds[1]["iwae"] > bounds[2]["iwae"] > 0


def test_the_weighted_bound_of_a_decoder_that_ignores_its_code_is_exact(model: MolVAE, smiles: list[str]) -> None:
    """Then p(x) = p(x|z), so the bound approaches the distortion from above, and the ELBO stays the whole rate above it."""
    deaf = copy_of(model)
    for module in (deaf.checkpoint.vae.decoder.from_code, deaf.checkpoint.vae.decoder.initial):
        torch.nn.init.zeros_(module.weight)
    with torch.no_grad():  # posteriors near the prior, so that few codes suffice
        deaf.checkpoint.vae.encoder.to_code.weight.mul_(0.05)
        deaf.checkpoint.vae.encoder.to_code.bias.mul_(0.05)
    values = latent_health(deaf, smiles[:60], iwae_samples=64, reconstructed=1).metrics.values
    assert values["rate"] > 0.02
    assert values["iwae"] == pytest.approx(values["distortion"], abs=0.1 * values["rate"])


def test_batches_of_any_size_give_the_same(model: MolVAE, smiles: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one length and without noise, since the order of the draws goes with the batches."""
    monkeypatch.setattr(Gaussian, "sample", lambda self, generator=None: self.mean)
    found = []
    for size in (128, 3):
        monkeypatch.setattr(latent, "_BATCH", size)
        found.append(latent_health(model, smiles[:40], iwae_samples=1, reconstructed=1).metrics.values["distortion"])
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_the_same_seed_gives_the_same(health: LatentHealth, model: MolVAE, smiles: list[str]) -> None:
    again, other = (
        latent_health(model, [*smiles[:120], "not a molecule"], seed=seed, iwae_samples=16, iwae_molecules=60, reconstructed=50)
        for seed in (0, 1)
    )
    assert again.metrics == health.metrics
    assert other.metrics.values["distortion"] != health.metrics.values["distortion"]
    np.testing.assert_array_equal(again.codes[0], health.codes[0])


def test_the_map_shows_both_kinds(health: LatentHealth) -> None:
    real, prior = health.codes
    assert real.shape == (120, 2)
    assert prior.shape == (1_500, 2)
    assert np.isfinite(real).all()
    np.testing.assert_allclose(np.cov(prior.T), np.eye(2), atol=0.15)  # an orthogonal projection of N(0, I)


def test_a_learned_prior_is_the_one_on_the_map(model: MolVAE, smiles: list[str]) -> None:
    from molvae.nn.prior import Flow, FlowSizes

    flow = Flow(FlowSizes(4, layers=2, hidden=8))
    flow.location.fill_(100.0)
    sampling = replace(model.checkpoint.sampling, prior="learned")
    shifted = MolVAE(replace(model.checkpoint, prior=flow, sampling=sampling))
    real, prior = latent_health(shifted, smiles[:60], iwae_samples=1, reconstructed=1).codes
    assert np.linalg.norm(prior.mean(axis=0) - real.mean(axis=0)) > 20


# --- the gap


def test_codes_that_are_the_prior_have_no_gap() -> None:
    random, count, size = np.random.default_rng(0), 20_000, 3
    means = random.normal(0, np.sqrt(0.75), (count, size)).astype(np.float32)
    assert prior_gap(means, np.full((count, size), log(0.25), dtype=np.float32)) == pytest.approx(0, abs=size**2 / count)


def test_the_gap_of_a_gaussian_is_its_divergence() -> None:
    means = np.random.default_rng(0).normal([1.0, 0.0], [2.0, 1.0], (100_000, 2)).astype(np.float32)
    wanted = 0.5 * (4 + 1 + 1 - 2 - log(4))
    assert prior_gap(means, np.full_like(means, -np.inf)) == pytest.approx(wanted, abs=0.02)


def test_the_gap_does_not_change_when_the_codes_are_turned() -> None:
    random = np.random.default_rng(0)
    means = (random.normal(size=(500, 5)) @ random.normal(size=(5, 5))).astype(np.float32)
    turn = np.linalg.qr(random.normal(size=(5, 5)))[0].astype(np.float32)
    points = np.full_like(means, -np.inf)
    assert prior_gap(means @ turn, points) == pytest.approx(prior_gap(means, points), rel=1e-4)


def test_a_gap_that_cannot_be_had_is_missing_with_the_reason(model: MolVAE, smiles: list[str]) -> None:
    found = latent_health(model, smiles[:39], iwae_samples=1, reconstructed=2).metrics
    assert found.missing == dict.fromkeys(("prior_gap", "mutual_information"), "needs 40 molecules, 10 a dimension, got 39")
    flat = np.zeros((50, 2), dtype=np.float32)
    with pytest.raises(DataError, match="infinitely far"):
        prior_gap(flat, np.full_like(flat, -np.inf))


# --- verdicts


def test_a_trained_model_is_alive(health: LatentHealth) -> None:
    assert health.verdict.startswith("alive: 4 of 4 dimensions carry ")


def test_a_collapsed_model_is_said_to_be(collapsed: MolVAE, smiles: list[str]) -> None:
    found = latent_health(collapsed, smiles[:60], iwae_samples=4, reconstructed=20)
    assert found.verdict.startswith("posterior collapse: 0 of 4 dimensions carry 0.0 nats; ")
    values = found.metrics.values
    assert [values[name] for name in ("rate", "mutual_information", "prior_gap", "active_units")] == pytest.approx([0, 0, 0, 0], abs=1e-6)
    assert values["iwae"] <= values["elbo"]


def test_a_plain_autoencoder_has_no_nats(plain: MolVAE, smiles: list[str]) -> None:
    found = latent_health(plain, smiles[:60], reconstructed=20)
    assert set(found.metrics.missing) == POSTERIOR
    assert set(found.metrics.missing.values()) == {"a plain autoencoder has codes, but no posterior over them"}
    assert {"distortion", "exact_reconstruction", "active_units", "prior_gap"} <= set(found.metrics.values)
    assert np.isfinite(list(found.metrics.values.values())).all()
    assert found.verdict.startswith("plain autoencoder: ")
    assert "collapse" not in found.verdict


@pytest.mark.parametrize(
    ("rate", "active", "start"),
    [(0.99, 32, "posterior collapse"), (30, 3, "posterior collapse"), (30, 4, "partial"), (30, 15, "partial"), (1, 16, "alive")],
)
def test_the_rules_of_the_verdict(rate: float, active: float, start: str) -> None:
    assert verdict({"rate": rate, "active_units": active, "dimensions": 32, "exact_reconstruction": 0.5}).startswith(start)


# --- what cannot be used


@pytest.mark.parametrize(("given", "said"), [([], "there are none"), (["x", "[*]C", "y"], "not a SMILES: 2, attachment point")])
def test_nothing_to_encode_is_an_error(model: MolVAE, given: list[str], said: str) -> None:
    with pytest.raises(DataError, match="can be encoded") as error:
        latent_health(model, given)
    assert said in str(error.value)


@pytest.mark.parametrize("option", ["iwae_samples", "iwae_molecules", "reconstructed"])
def test_numbers_below_one_are_refused(model: MolVAE, option: str) -> None:
    with pytest.raises(DataError, match=f"{option} 0"):
        latent_health(model, ["CCO"], **{option: 0})


def test_no_misses_have_no_similarity(model: MolVAE, smiles: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    exact: Callable[..., Any] = lambda _, held, codes: [(text, text) for text in held.smiles[: len(codes)]]  # noqa: E731
    monkeypatch.setattr(latent, "_decoded", exact)
    found = latent_health(model, smiles[:60], iwae_samples=1).metrics
    assert "tanimoto_of_misses" not in found.values | found.missing
    assert found.values["exact_reconstruction"] == 1
