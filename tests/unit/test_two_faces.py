"""A decoder with two faces: it writes from a code and without one."""

import dataclasses

import numpy as np
import pytest
import torch

from molvae.checkpoint import Checkpoint
from molvae.chem.selfies import Reading, read, relative, survivor, to_symbols
from molvae.data.novelty import TrainingIndex, fingerprints64
from molvae.data.tokenizer import Tokenizer
from molvae.errors import DataError
from molvae.latent.likelihood import negative_log_likelihood
from molvae.model import MolVAE
from molvae.nn.sampling import SamplingSettings
from molvae.nn.vae import VAE, Sizes
from molvae.sampling import Sampler

SMILES = ["CCO", "CC(N)O", "c1ccccc1", "CC(C)CO", "C1CCNC1"]
TOKENIZER = Tokenizer.train([relative(to_symbols(text)) for text in SMILES], 0, notation="relative")
IDS = torch.tensor([[2, 3, 4], [4, 3, 2]])


def model(second_face=True):
    """Random weights, the same each time."""
    torch.manual_seed(0)
    vae = VAE(Sizes(len(TOKENIZER), 4, embedding=8, encoder_hidden=8, decoder_hidden=16, second_face=second_face))
    return MolVAE(Checkpoint(vae, TOKENIZER, TrainingIndex.of(fingerprints64(SMILES)), 20))


def test_both_faces_in_one_pass_are_as_each_alone():
    vae = model().checkpoint.vae
    terms = vae(IDS, torch.Generator().manual_seed(1), without_code=1.0)
    plain = vae(IDS, torch.Generator().manual_seed(1))
    torch.testing.assert_close(terms.distortion, plain.distortion)
    torch.testing.assert_close(terms.without_code, vae.nats_without_code(IDS))
    assert len(plain.without_code) == 0


def test_the_share_is_of_the_first_molecules():
    vae = model().checkpoint.vae
    terms = vae(IDS, without_code=0.5)
    torch.testing.assert_close(terms.without_code, vae.nats_without_code(IDS[:1]))


def test_every_parameter_has_a_gradient():
    vae = model().checkpoint.vae
    terms = vae(IDS, without_code=1.0)
    (terms.distortion.sum() + terms.rate.sum() + terms.without_code.sum()).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in vae.parameters())


def test_the_likelihood_is_that_of_the_tokens_one_after_the_other():
    vae = model().checkpoint.vae
    blank = vae.blank(1)
    state, nats = vae.decoder.start(blank), 0.0
    for token, written in ((vae.bos, 2), (2, 3), (3, 4), (4, vae.eos)):
        logits, state = vae.decoder.step(torch.tensor([[token]]), blank, state)
        nats -= float(logits[0, 0].log_softmax(dim=-1)[written].detach())
    assert nats == pytest.approx(float(vae.nats_without_code(IDS[:1]).detach()), rel=1e-5)


def test_log_likelihood_is_of_molecules_whatever_their_company():
    some = model()
    together = some.log_likelihood([*SMILES, "not a molecule"])
    assert np.isnan(together[-1])
    np.testing.assert_allclose(together[:-1], np.concatenate([some.log_likelihood(text) for text in SMILES]), rtol=1e-5)
    ids = torch.tensor(TOKENIZER.encode([to_symbols("CC(N)O")])[0][None].astype(np.int64))
    assert together[1] == pytest.approx(-float(some.checkpoint.vae.nats_without_code(ids).detach()), rel=1e-5)


def test_the_second_face_takes_the_place_of_importance_weighting():
    some = model()
    np.testing.assert_array_equal(negative_log_likelihood(some, some.encode_all(SMILES), samples=3), -some.log_likelihood(SMILES))


@pytest.mark.parametrize("prior", ["written", "none"])
def test_samples_are_the_same_for_the_same_seed_and_a_larger_number_starts_with_a_smaller(prior):
    few, many = (model().sample(n, seed=3, prior=prior, raw=True)["smiles"].tolist() for n in (5, 600))
    assert many[:5] == few
    assert len(set(many)) > 5


def test_codes_come_from_the_posteriors_of_what_was_written():
    some = model()
    for parameter in some.checkpoint.vae.encoder.to_code.parameters():
        torch.nn.init.zeros_(parameter)
    with torch.no_grad():
        some.checkpoint.vae.encoder.to_code.bias[4:] = -12.0  # every posterior is the point 0
    frame = some.sample(50, seed=3, prior="written", raw=True)
    something = some.sample(50, seed=3, prior="none", raw=True)["smiles"] != ""
    assert something.any()
    assert set(frame["smiles"][something]) == {some.decode(np.zeros(4))["smiles"][0]}


@pytest.mark.parametrize("prior", ["written", "none"])
def test_a_model_with_one_face_is_refused(prior):
    with pytest.raises(DataError, match="cannot write without a code"):
        model(second_face=False).sample(3, prior=prior)


def test_a_likelihood_needs_the_second_face():
    with pytest.raises(DataError, match="second face"):
        model(second_face=False).log_likelihood("CCO")


def test_it_is_saved_and_loaded(tmp_path):
    some = model()
    some.save_pretrained(tmp_path / "model")
    again = MolVAE.from_pretrained(tmp_path / "model")
    assert again.checkpoint.tokenizer.notation == "relative"
    np.testing.assert_allclose(again.log_likelihood(SMILES), some.log_likelihood(SMILES), rtol=1e-2)  # weights are kept in half precision


def test_a_second_face_is_added_to_a_model_and_wider_codes_change_nothing():
    vae = model(second_face=False).checkpoint.vae
    two = vae.widened(6, second_face=True)
    assert two.sizes == dataclasses.replace(vae.sizes, latent_size=6, second_face=True)
    z = torch.randn(2, 4)
    torch.testing.assert_close(two.logits(IDS, torch.cat([z, torch.randn(2, 2)], dim=1)), vae.logits(IDS, z))
    three = model().checkpoint.vae.widened(6)
    torch.testing.assert_close(three.nats_without_code(IDS), model().checkpoint.vae.nats_without_code(IDS))


def test_selfies_symbols_of_relative_tokens():
    assert "[Branch1]" in TOKENIZER.selfies_symbols
    assert "[{]" not in TOKENIZER.selfies_symbols
    for text in SMILES:
        ids = TOKENIZER.encode([to_symbols(text)])[0].tolist()
        assert TOKENIZER.symbols_of(ids) == to_symbols(text)


def test_a_search_for_windows_needs_codes():
    with pytest.raises(DataError, match="does not go with prior none"):
        model().sample(3, prior="none", where="logP>0")


def test_codes_of_a_search_are_those_of_what_was_written():
    sampler = Sampler(model().checkpoint, SamplingSettings(prior="written"), seed=0)
    noise = np.random.default_rng(1).standard_normal((700, 4), dtype=np.float32)
    some, again = (sampler.codes(noise, np.random.default_rng(2)) for _ in range(2))
    np.testing.assert_array_equal(some, again)
    assert some.shape == noise.shape
    assert not np.allclose(some, noise)


def test_what_was_repaired_does_not_survive():
    ids = {symbol: 2 + place for place, symbol in enumerate(TOKENIZER.symbols)}
    whole, repaired = (
        TOKENIZER.symbols_of([ids[symbol] for symbol in symbols])
        for symbols in (["[C]", "[C]", "[O]"], ["[C]", "[}]", "[C]", "[O]", "[{]"])
    )
    assert read(whole) == Reading("CCO", survives=True)
    assert read(repaired) == Reading("CCO", survives=False)
    assert survivor(repaired) == ""
