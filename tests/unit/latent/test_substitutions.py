"""Replacing tokens by what the network expects in their place."""

from __future__ import annotations

import torch

from molvae import MolVAE
from molvae.chem.selfies import to_symbols
from molvae.latent.substitutions import substitutions


def test_a_replaced_token_is_found_again(model: MolVAE, smiles: list[str]) -> None:
    tokenizer, vae = model.checkpoint.tokenizer, model.checkpoint.vae
    generator, found = torch.Generator().manual_seed(0), 0
    molecules = [ids for ids in tokenizer.encode([to_symbols(text) for text in smiles]) if len(ids) >= 4][:20]
    for place, ids in enumerate(molecules):
        true = torch.from_numpy(ids.astype(int))
        spoilt = true.clone()
        spoilt[place % len(true)] = 2 + (true[place % len(true)] - 1) % (len(tokenizer) - 2)
        rows = substitutions(vae, spoilt, (20,), beams=1, keep=40, generator=generator)
        assert ((rows != spoilt).sum(dim=1) == 1).all()
        assert len(torch.unique(rows, dim=0)) == len(rows) <= 40
        found += bool((rows == true).all(dim=1).any())
    assert found >= 12


def test_two_rounds_replace_two(model: MolVAE) -> None:
    ids = torch.tensor([5, 6, 7, 8])
    rows = substitutions(model.checkpoint.vae, ids, (5, 3), beams=2, keep=10, generator=torch.Generator().manual_seed(0))
    changed = (rows != ids).sum(dim=1)
    assert (changed[:10] == 1).all()
    assert changed.max() == 2
    assert rows.min() >= 2, "the tokens that begin and end a molecule are never put in"


def test_one_token_alone(model: MolVAE) -> None:
    rows = substitutions(model.checkpoint.vae, torch.tensor([5]), (5,), beams=2, keep=10, generator=torch.Generator().manual_seed(0))
    assert rows.shape == (5, 1)
