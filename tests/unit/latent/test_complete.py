"""Completion: every molecule contains the scaffold, is larger than it, and grows only where it may."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from molvae import MolVAE
from molvae.errors import DataError
from molvae.nn.sampling import Truncation
from molvae.sampling import write_block


@pytest.mark.parametrize("scaffold", ["c1ccccc1", "[#6]1:[#6]:[#6]:[#7,#6]:[#6]:[#6]:1", "C1CCCCC1", "cC#N"])
def test_every_molecule_contains_the_scaffold(scaffold: str, model: MolVAE) -> None:
    frame = model.complete(scaffold, 10, budget=20_000, properties=["heavy_atoms"])
    query = Chem.MolFromSmarts(scaffold)
    assert list(frame.columns) == ["smiles", "nll", "passes", "heavy_atoms"]
    assert len(frame) == frame["smiles"].nunique() == 10
    assert all(Chem.MolFromSmiles(text).HasSubstructMatch(query) for text in frame["smiles"])
    assert frame["heavy_atoms"].min() > query.GetNumAtoms()
    assert model.encode_all(frame["smiles"].tolist()).smiles == frame["smiles"].tolist()
    assert frame["nll"].is_monotonic_increasing


def test_growth_only_at_attachment_points(model: MolVAE) -> None:
    frame = model.complete("*c1ccc(C)cc1", 5, budget=20_000, properties=())
    para = Chem.MolFromSmarts("[!#1]c1[cH][cH]c([CH3])[cH][cH]1")
    assert len(frame) == 5
    assert all(Chem.MolFromSmiles(text).HasSubstructMatch(para) for text in frame["smiles"])


def test_the_seed_decides(model: MolVAE) -> None:
    first, again, other = (model.complete("c1ccccc1", 10, budget=2_048, properties=(), seed=seed) for seed in (3, 3, 4))
    assert first.equals(again)
    assert not first.equals(other)


@pytest.mark.parametrize("scaffold", ["FC(F)(F)F", "CC(C)(C)(C)C", "c1ccccc1[U]"])
def test_a_scaffold_no_molecule_contains_ends_with_the_budget(scaffold: str, model: MolVAE) -> None:
    frame = model.complete(scaffold, 10, budget=1_024)
    assert len(frame) == 0
    assert frame.attrs["drawn"] == 1_024


def test_a_scaffold_that_cannot_be_encoded_says_why(model: MolVAE) -> None:
    assert "[U]" in model.complete("c1ccccc1[U]", 10, budget=1).attrs["refused"]


@pytest.mark.parametrize(
    ("scaffold", "options", "message"),
    [
        ("what", {}, "neither SMILES nor SMARTS"),
        ("", {}, "empty"),
        ("C.C", {}, "several fragments"),
        ("C*C", {}, "has one bond"),
        ("**", {}, "alone are no scaffold"),
        ("C", {"n": 0}, "at least 1"),
        ("C", {"budget": "20 minutes"}, "expected seconds such as 20s"),
        ("C", {"budget": 0}, "expected seconds such as 20s"),
    ],
)
def test_bad_input_is_refused(scaffold: str, options: dict[str, int], message: str, model: MolVAE) -> None:
    with pytest.raises(DataError, match=message):
        model.complete(scaffold, **options)


def test_the_decoder_goes_on_from_a_prefix(model: MolVAE) -> None:
    codes = np.random.default_rng(0).standard_normal((9, model.latent_size)).astype(np.float32)
    ids = model.checkpoint.tokenizer.encode([["[O]", "[C]", "[N]"], ["[F]"], []])
    prefix = np.full((9, max(map(len, ids))), -1, dtype=np.int64)
    for row in range(9):
        prefix[row, : len(ids[row % 3])] = ids[row % 3]
    for random in (None, np.random.default_rng(1)):
        written = write_block(model.checkpoint, codes, Truncation(), random, prefix)
        assert all(symbols[:3] == ("[O]", "[C]", "[N]") and len(symbols) > 3 for symbols in written[::3])
        assert all(symbols[0] == "[F]" and len(symbols) > 1 for symbols in written[1::3])
    free = write_block(model.checkpoint, codes, Truncation(), None)
    assert [a for a, b in zip(free, write_block(model.checkpoint, codes, Truncation(), None, prefix), strict=True) if a == b] == free[2::3]
