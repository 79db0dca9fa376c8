"""Tuning in memory: the same for the same input, towards what is drawn often, and nothing but the weights changes."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from molvae import MolVAE
from molvae.chem.selfies import to_symbols
from molvae.nn.vae import VAE
from molvae.training.replay import replay


@pytest.fixture
def ids(model: MolVAE, smiles: list[str]) -> list[np.ndarray]:
    return model.checkpoint.tokenizer.encode([to_symbols(text) for text in smiles[:12]])


def tuned(model: MolVAE, ids: list[np.ndarray], chances: np.ndarray, seed: int = 0) -> VAE:
    vae = copy.deepcopy(model.checkpoint.vae)
    replay(vae, ids, chances, steps=15, batch=16, learning_rate=3e-3, seed=seed)
    return vae


def nats(vae: VAE, ids: np.ndarray) -> float:
    with torch.inference_mode():
        terms = vae(torch.from_numpy(np.repeat(ids[None].astype(np.int64), 64, axis=0)), torch.Generator().manual_seed(0))
    return float((terms.distortion + terms.rate.sum(dim=1)).mean())


def test_the_same_input_gives_the_same_weights(model: MolVAE, ids: list[np.ndarray]) -> None:
    even = np.full(12, 1 / 12)
    torch.manual_seed(1)
    one = tuned(model, ids, even)
    torch.manual_seed(2)
    other, third = tuned(model, ids, even), tuned(model, ids, even, seed=1)
    assert all(torch.equal(weight, other.state_dict()[name]) for name, weight in one.state_dict().items())
    assert any(not torch.equal(weight, third.state_dict()[name]) for name, weight in one.state_dict().items())
    assert not one.training


def test_what_is_drawn_often_is_coded_better(model: MolVAE, ids: list[np.ndarray]) -> None:
    first, last = np.zeros(12), np.zeros(12)
    first[0] = last[11] = 1
    one, other = tuned(model, ids, first), tuned(model, ids, last)
    assert nats(one, ids[0]) < min(nats(model.checkpoint.vae, ids[0]), nats(other, ids[0]))
    assert nats(other, ids[11]) < min(nats(model.checkpoint.vae, ids[11]), nats(one, ids[11]))
