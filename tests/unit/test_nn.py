"""The network: formulas against their definitions, training against sampling, and a row against the batch it stands in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Normal

from molvae.nn.gaussian import Gaussian, Point
from molvae.nn.sampling import Truncation
from molvae.nn.vae import VAE, Sizes

SIZES = Sizes(vocabulary=11, latent_size=4, embedding=8, encoder_hidden=12, encoder_layers=2, decoder_hidden=16, decoder_layers=2)
GREEDY = Truncation(temperature=0)


@pytest.fixture
def vae() -> VAE:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        vae = VAE(SIZES)
        for parameter in vae.parameters():  # far from the timid start, so that mistakes show
            parameter.data += 0.5 * torch.randn_like(parameter)
        vae.decoder.to_logits.bias.data[vae.eos] += 2.5  # strings of many lengths
    return vae.eval()


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def some_ids(rows: int, length: int, seed: int = 0) -> Tensor:
    return torch.randint(2, SIZES.vocabulary, (rows, length), generator=torch.Generator().manual_seed(seed))


# --- the ELBO


@pytest.mark.parametrize("seed", range(3))
def test_analytic_kl_is_the_monte_carlo_kl(seed: int) -> None:
    posterior = Gaussian(randn(1, 6, seed=seed), randn(1, 6, seed=seed + 10))
    draws = 200_000
    many = Gaussian(posterior.mean.expand(draws, -1), posterior.log_variance.expand(draws, -1))
    z = many.sample(torch.Generator().manual_seed(seed))
    terms = Normal(many.mean, torch.exp(0.5 * many.log_variance)).log_prob(z) - Normal(0.0, 1.0).log_prob(z)
    error = terms.std(dim=0) / draws**0.5
    assert ((terms.mean(dim=0) - posterior.kl()[0]).abs() < 5 * error + 1e-5).all()


def test_kl_is_nought_for_the_prior_alone() -> None:
    prior = Gaussian(torch.zeros(2, 3), torch.zeros(2, 3))
    assert prior.kl().eq(0).all()
    assert (Gaussian(torch.full((2, 3), 0.1), torch.zeros(2, 3)).kl() > 0).all()


def test_every_parameter_gets_a_gradient(vae: VAE) -> None:
    terms = vae(some_ids(40, 6), torch.Generator().manual_seed(0))
    (terms.distortion.mean() + terms.rate.sum(dim=1).mean()).backward()
    for name, parameter in vae.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


def test_the_noise_comes_from_the_generator_alone(vae: VAE) -> None:
    ids = some_ids(5, 4)
    before = torch.get_rng_state()
    one, two, other = (vae(ids, torch.Generator().manual_seed(seed)).distortion for seed in (7, 7, 8))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_distortion_is_the_cross_entropy_worked_out_by_hand(vae: VAE) -> None:
    ids = some_ids(3, 5)
    terms = vae(ids, torch.Generator().manual_seed(1))
    posterior = vae.encoder(ids)
    z = posterior.sample(torch.Generator().manual_seed(1))
    for row in range(3):
        state, read, nats = vae.decoder.start(z[row : row + 1]), vae.bos, 0.0
        for token in [*ids[row].tolist(), vae.eos]:
            logits, state = vae.decoder.step(torch.tensor([[read]]), z[row : row + 1], state)
            p = np.exp(logits[0, 0].detach().double().numpy())
            nats -= float(np.log(p[token] / p.sum()))
            read = token
        assert terms.distortion[row].item() == pytest.approx(nats, rel=1e-5)
    torch.testing.assert_close(terms.rate, posterior.kl())


def test_training_and_stepping_give_the_same_logits(vae: VAE) -> None:
    ids, z = some_ids(4, 7), randn(4, SIZES.latent_size)
    state, stepped = vae.decoder.start(z), []
    for token in torch.cat([torch.full((4, 1), vae.bos), ids], dim=1).T:
        logits, state = vae.decoder.step(token[:, None], z, state)
        stepped.append(logits)
    torch.testing.assert_close(vae.logits(ids, z), torch.cat(stepped, dim=1), rtol=1e-4, atol=1e-5)


def test_a_later_token_changes_no_earlier_logits_and_the_code_changes_all(vae: VAE) -> None:
    ids, z = some_ids(1, 6), randn(1, SIZES.latent_size)
    changed = ids.clone()
    changed[0, 3] = 2 if ids[0, 3] != 2 else 3
    logits, other = vae.logits(ids, z), vae.logits(changed, z)
    torch.testing.assert_close(logits[:, :4], other[:, :4])
    assert not torch.allclose(logits[:, 4:], other[:, 4:])
    assert (vae.logits(ids, z + 1) - logits).abs().amax(dim=-1).gt(1e-4).all()


def test_a_molecule_is_encoded_alike_in_any_batch(vae: VAE) -> None:
    ids = some_ids(9, 5)
    together = vae.encoder(ids)
    for row in range(9):
        alone = vae.encoder(ids[row : row + 1])
        torch.testing.assert_close(alone.mean[0], together.mean[row], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(alone.log_variance[0], together.log_variance[row], rtol=1e-4, atol=1e-5)


# --- writing


def written_by_hand(vae: VAE, z: Tensor, longest: int) -> list[int]:
    """The argmax loop for one code."""
    state, token, ids = vae.decoder.start(z), vae.bos, []
    while len(ids) < longest:
        logits, state = vae.decoder.step(torch.tensor([[token]]), z, state)
        token = int(logits[0, 0].argmax())
        ids.append(token)
        if token == vae.eos:
            break
    return ids


@torch.inference_mode()
def test_greedy_writing_is_the_argmax_loop(vae: VAE) -> None:
    z = 2 * randn(20, SIZES.latent_size)
    ids = vae.write(z, GREEDY, None, 12).tolist()
    lengths = set()
    for row in range(20):
        by_hand = written_by_hand(vae, z[row : row + 1], 12)
        lengths.add(len(by_hand))
        assert ids[row][: len(by_hand)] == by_hand
        assert set(ids[row][len(by_hand) :]) <= {vae.eos}, "EOS from the end on"
    assert len(lengths) > 1, "the codes should write strings of different lengths, or this shows little"


def test_a_row_does_not_depend_on_its_batch(vae: VAE) -> None:
    z, uniforms, truncation = (
        randn(12, SIZES.latent_size),
        torch.rand(12, 15, generator=torch.Generator().manual_seed(0)),
        Truncation(1.3, 0.95),
    )
    together = vae.write(z, truncation, uniforms, 15)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    shuffled = vae.write(z[order], truncation, uniforms[order], 15)
    assert torch.equal(shuffled, together[order])
    for row in range(12):
        alone = vae.write(z[row : row + 1], truncation, uniforms[row : row + 1], 15)[0]
        assert torch.equal(alone, together[row, : len(alone)])
        assert together[row, len(alone) :].eq(vae.eos).all()


@pytest.mark.parametrize("longest", [1, 4, 30])
def test_writing_ends_with_the_last_row_or_at_the_longest(vae: VAE, longest: int) -> None:
    ids = vae.write(
        randn(30, SIZES.latent_size), Truncation(), torch.rand(30, longest, generator=torch.Generator().manual_seed(2)), longest
    )
    assert ids.shape[0] == 30
    assert 1 <= ids.shape[1] <= longest
    assert ids.shape[1] == longest or not ids[:, -1].ne(vae.eos).any()
    ended = ids.eq(vae.eos).cumsum(dim=1).gt(0)
    assert ids[ended].eq(vae.eos).all()


# --- truncation

LOGITS = st.lists(st.floats(-4, 4, width=32), min_size=2, max_size=8)
DRAWS = 40_000


def frequencies(truncation: Truncation, logits: list[float]) -> np.ndarray:
    """Share of each token over evenly spaced uniforms: its probability to within 1 / DRAWS."""
    uniforms = (torch.arange(DRAWS, dtype=torch.float64) + 0.5) / DRAWS
    tokens = truncation.choose(torch.tensor([logits]).expand(DRAWS, -1), uniforms.float())
    return np.bincount(tokens.numpy(), minlength=len(logits)) / DRAWS


@settings(max_examples=40, deadline=None)
@given(logits=LOGITS, temperature=st.floats(0.3, 3))
def test_tokens_come_as_often_as_their_probability(logits: list[float], temperature: float) -> None:
    wanted = np.exp(np.array(logits) / temperature - max(logits) / temperature)
    assert np.abs(frequencies(Truncation(temperature), logits) - wanted / wanted.sum()).max() < 5e-4


@settings(max_examples=40, deadline=None)
@given(logits=st.lists(st.integers(-40, 40).map(lambda x: x / 10), min_size=2, max_size=8, unique=True), top_p=st.floats(0.01, 0.99))
def test_top_p_keeps_the_smallest_set_that_holds_the_share(logits: list[float], top_p: float) -> None:
    probability = np.exp(logits) / np.exp(logits).sum()
    order = np.argsort(-probability)
    held = np.cumsum(probability[order])
    if np.abs(held - top_p).min() < 1e-5:
        return  # on the edge rounding decides
    kept = order[: int(np.searchsorted(held, top_p)) + 1]
    wanted = np.zeros_like(probability)
    wanted[kept] = probability[kept] / probability[kept].sum()
    assert np.abs(frequencies(Truncation(top_p=top_p), logits) - wanted).max() < 5e-4


@given(logits=st.lists(st.integers(-40, 40), min_size=2, max_size=8, unique=True), uniform=st.floats(0, 1, exclude_max=True, width=32))
def test_temperature_nought_is_argmax(logits: list[int], uniform: float) -> None:
    rows = torch.tensor([logits], dtype=torch.float32)
    best = int(np.argmax(logits))
    assert int(GREEDY.choose(rows, torch.tensor([uniform]))) == best
    assert int(GREEDY.choose(rows, None)) == best
    assert int(Truncation(top_p=1e-6).choose(rows, torch.tensor([uniform]))) == best, "and so is the smallest top_p"


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("top_p", [1.0, 0.999, 0.9])
def test_the_ends_of_the_unit_interval_choose_no_impossible_token(place: int, top_p: float) -> None:
    logits = torch.tensor([0.0, 5.0, 1.0])
    logits = torch.cat([logits[:place], torch.tensor([-torch.inf]), logits[place:]]).expand(2, -1)
    ends = torch.tensor([0.0, np.nextafter(np.float32(1), np.float32(0))])
    chosen = Truncation(top_p=top_p).choose(logits, ends).tolist()
    assert place not in chosen
    if top_p == 0.9:
        assert chosen == [int(logits[0].argmax())] * 2


@pytest.mark.parametrize("temperature", [-0.1, 101, float("nan"), float("inf")])
def test_a_bad_temperature_is_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature is"):
        Truncation(temperature)


@pytest.mark.parametrize("top_p", [0, -1, 1.01, float("nan")])
def test_a_bad_top_p_is_refused(top_p: float) -> None:
    with pytest.raises(ValueError, match="top_p is"):
        Truncation(top_p=top_p)


# --- the plain autoencoder, and corrupted input


def plain() -> VAE:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return VAE(replace(SIZES, latent="deterministic")).eval()


def test_a_plain_autoencoder_has_no_noise_and_no_rate() -> None:
    vae, ids = plain(), some_ids(4, 6)
    posterior = vae.encoder(ids)
    assert isinstance(posterior, Point)
    assert posterior.mean.shape == (4, SIZES.latent_size)
    assert torch.equal(posterior.sample(), posterior.mean)
    assert posterior.log_variance.eq(-torch.inf).all()
    first, second = vae(ids, torch.Generator().manual_seed(0)), vae(ids, torch.Generator().manual_seed(1))
    assert torch.equal(first.distortion, second.distortion)
    assert first.rate.eq(0).all()
    first.distortion.sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in vae.parameters())


def test_an_unknown_kind_of_code_is_refused() -> None:
    with pytest.raises(ValueError, match="latent is 'spherical', expected"):
        VAE(replace(SIZES, latent="spherical"))


def test_corruption_reaches_the_encoder_alone(vae: VAE) -> None:
    ids = some_ids(6, 8)
    seen: list[Tensor] = []
    hook = vae.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    clean = vae(ids, torch.Generator().manual_seed(0))
    noisy = vae(ids, torch.Generator().manual_seed(0), corruption=0.5)
    hook.remove()
    assert torch.equal(seen[0], ids)
    share = float((seen[1] != ids).float().mean())
    assert 0.2 < share < 0.8
    assert seen[1].min() > max(vae.bos, vae.eos)
    assert not torch.equal(clean.mean, noisy.mean)
    logits = vae.logits(ids, torch.zeros(6, SIZES.latent_size))  # the decoder is asked for the true molecule
    assert logits.shape == (6, 9, SIZES.vocabulary)


def test_a_grown_model_reads_and_writes_what_it_knew_as_before(vae: VAE) -> None:
    ids, state = some_ids(6, 8), torch.get_rng_state()
    larger = vae.grown(SIZES.vocabulary + 3)
    assert torch.equal(torch.get_rng_state(), state), "the global random state is the user's"
    assert larger.sizes == replace(SIZES, vocabulary=SIZES.vocabulary + 3)
    assert torch.equal(larger.encoder(ids).mean, vae.encoder(ids).mean)
    z = torch.randn(6, SIZES.latent_size, generator=torch.Generator().manual_seed(1))
    old, new = vae.logits(ids, z), larger.logits(ids, z)
    torch.testing.assert_close(new[..., : SIZES.vocabulary], old)
    torch.testing.assert_close(new[..., SIZES.vocabulary :], old[..., 2:].mean(dim=-1, keepdim=True).expand(-1, -1, 3))
    torch.testing.assert_close(larger.encoder.embed.weight[-1], vae.encoder.embed.weight[2:].mean(dim=0))


def test_a_widened_model_reads_and_writes_as_before(vae: VAE) -> None:
    ids, state = some_ids(6, 8), torch.get_rng_state()
    wider = vae.widened(SIZES.latent_size + 3)
    assert torch.equal(torch.get_rng_state(), state), "the global random state is the user's"
    assert wider.sizes == replace(SIZES, latent_size=SIZES.latent_size + 3)
    was, now = vae.encoder(ids), wider.encoder(ids)
    torch.testing.assert_close(now.mean[:, :-3], was.mean)
    torch.testing.assert_close(now.log_variance[:, :-3], was.log_variance)
    torch.testing.assert_close(now.kl()[:, -3:], torch.zeros(6, 3))
    z = torch.randn(6, SIZES.latent_size + 3, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(wider.logits(ids, z), vae.logits(ids, z[:, :-3]))
