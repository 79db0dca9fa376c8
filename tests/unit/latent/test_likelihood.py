"""Likelihoods: bounds that bound, the same in any company, and honest about what has none."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest
import torch

from molvae import MolVAE
from molvae.chem.selfies import to_text
from molvae.errors import DataError
from molvae.latent import likelihood
from molvae.latent.likelihood import negative_log_likelihood, tightening, weigh, writing_cost
from molvae.nn.vae import VAE


def test_the_mean_log_weight_is_the_elbo(model: MolVAE, smiles: list[str]) -> None:
    """Monte Carlo against the analytic rate: this holds only if both densities are right, constants and all."""
    vae, draws = model.checkpoint.vae, 4_000
    ids = torch.tensor(model.checkpoint.tokenizer.encode_texts([to_text(smiles[0])])).repeat(draws, 1)
    with torch.inference_mode():
        posterior = vae.encoder(ids)
        found = weigh(vae, ids, posterior, posterior.sample(torch.Generator().manual_seed(0)))
        wanted = found.distortion.mean() + posterior.kl().sum(dim=1).mean()
    error = float((found.log_weight + found.distortion).std()) / draws**0.5
    assert -float(found.log_weight.mean()) == pytest.approx(float(wanted), abs=4 * error)


def test_tightening_is_what_the_formula_says() -> None:
    weights = torch.tensor([[0.0, -1.0], [log(3.0), -1.0]])
    assert tightening(weights).tolist() == pytest.approx([log(2.0) - log(3.0) / 2, 0.0])


def test_more_codes_tighten_the_bound(model: MolVAE, smiles: list[str]) -> None:
    encoded = model.encode_all(smiles[:100])
    loose, tight = (negative_log_likelihood(model, encoded, samples=samples).mean() for samples in (1, 64))
    assert loose > tight > 0


def test_a_decoder_that_ignores_its_code_has_the_likelihood_it_writes_with(model: MolVAE, smiles: list[str]) -> None:
    deaf = VAE(model.checkpoint.vae.sizes)
    deaf.load_state_dict(model.checkpoint.vae.state_dict())
    for module in (deaf.decoder.from_code, deaf.decoder.initial):
        torch.nn.init.zeros_(module.weight)
    with torch.no_grad():  # posteriors at the prior, so that every weight is p(x|z)
        deaf.encoder.to_code.weight.zero_()
        deaf.encoder.to_code.bias.zero_()
    changed = MolVAE(replace(model.checkpoint, vae=deaf))
    encoded = changed.encode_all(smiles[:20])
    exact = writing_cost(changed, encoded.codes, encoded.smiles)
    np.testing.assert_allclose(negative_log_likelihood(changed, encoded, samples=3), exact, rtol=1e-5)


def test_company_and_order_change_nothing(model: MolVAE, smiles: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = negative_log_likelihood(model, model.encode_all(smiles[:40]), samples=4)
    monkeypatch.setattr(likelihood, "_ROWS", 12)
    backwards = negative_log_likelihood(model, model.encode_all(["x", *smiles[:40][::-1]]), samples=4)
    assert np.isnan(backwards[0])
    np.testing.assert_allclose(backwards[:0:-1], whole, rtol=1e-5)
    again, other = (negative_log_likelihood(model, model.encode_all(smiles[:40]), samples=4, seed=seed) for seed in (0, 1))
    np.testing.assert_allclose(again, whole, rtol=1e-5)
    assert not np.allclose(other, whole, rtol=1e-3)


def test_writing_costs_what_the_decoder_says_token_by_token(model: MolVAE, smiles: list[str]) -> None:
    codes = np.random.default_rng(0).standard_normal((2, model.latent_size), dtype=np.float32)
    vae = model.checkpoint.vae
    ids = model.checkpoint.tokenizer.encode_texts([to_text(smiles[1])])[0]
    with torch.inference_mode():
        z = torch.from_numpy(codes[1:])
        state, token, cost = vae.decoder.start(z), vae.bos, 0.0
        for following in [*ids, vae.eos]:
            logits, state = vae.decoder.step(torch.tensor([[token]]), z, state)
            cost -= float(logits[0, 0].log_softmax(dim=0)[following])
            token = following
    assert writing_cost(model, codes, smiles[:2])[1] == pytest.approx(cost, rel=1e-4)


def test_what_cannot_be_written_costs_infinitely_much(model: MolVAE, smiles: list[str]) -> None:
    codes = np.zeros((4, model.latent_size), dtype=np.float32)
    costs = writing_cost(model, codes, [smiles[0], "C[Si](C)(C)C", "x", ""])
    assert np.isfinite(costs).tolist() == [True, False, False, False]
    assert writing_cost(model, codes[:0], []).shape == (0,)


def test_bad_arguments_are_refused(model: MolVAE, smiles: list[str]) -> None:
    with pytest.raises(DataError, match="samples is 0"):
        negative_log_likelihood(model, model.encode_all(smiles[:2]), samples=0)
    with pytest.raises(DataError, match=r"codes have shape \(1, 4\), expected \(2, 4\)"):
        writing_cost(model, np.zeros((1, 4), dtype=np.float32), smiles[:2])
    plain = MolVAE(replace(model.checkpoint, vae=VAE(replace(model.checkpoint.vae.sizes, latent="deterministic"))))
    with pytest.raises(DataError, match="plain autoencoder"):
        negative_log_likelihood(plain, plain.encode_all(smiles[:2]))
