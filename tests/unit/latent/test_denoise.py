"""Denoising: what is whole stays, what is broken is mended, and nothing is dropped in silence."""

from __future__ import annotations

import pandas as pd
import pytest
from rdkit import Chem

from molvae import MolVAE
from molvae.chem.selfies import to_text
from molvae.errors import DataError
from molvae.latent.denoise import LONGEST

WHOLE = "Cc1ccc(Cl)cc1"


def test_a_whole_molecule_comes_back_as_itself(model: MolVAE) -> None:
    frame = model.denoise(["Clc1ccc(C)cc1", to_text(WHOLE), "[C][O]"])
    assert frame["smiles"].tolist() == [WHOLE, WHOLE, "CO"]
    assert frame["rank"].tolist() == [1, 1, 1]
    assert frame["intact"].all()
    assert (frame["edits"] == 0).all()


@pytest.mark.parametrize("text", ["Cc1ccc(Cl)cc", "Cc1ccc(Clcc1", "Cc1ccc(lC)cc1", "Cc1ccc(Cl)?cc1"])
def test_a_broken_smiles_is_mended(model: MolVAE, text: str) -> None:
    frame = model.denoise(text, n=20)
    assert WHOLE in frame["smiles"].tolist()
    _check(frame)


def test_a_broken_selfies_is_mended(model: MolVAE) -> None:
    symbols = to_text(WHOLE).replace("]", "] ").split()
    unreadable = "".join([*symbols, "[Qqqq]"])
    unclosed = to_text(WHOLE).replace("[Ring1]", "[Rng1", 1)
    frame = model.denoise([unreadable, unclosed], n=200, kind="selfies")
    for row in range(2):
        assert WHOLE in frame["smiles"][frame["row"] == row].tolist()
    _check(frame)


def test_texts_known_to_be_corrupted_are_not_taken_at_their_word(model: MolVAE) -> None:
    for text in (WHOLE, to_text(WHOLE)):
        frame = model.denoise(text, trust=False)
        assert len(frame) == 5
        assert WHOLE not in frame["smiles"].tolist()
        _check(frame)


def test_the_same_seed_gives_the_same_whatever_the_company(model: MolVAE) -> None:
    texts = ["Cc1ccc(Cl)cc", to_text("COc1ccc(F)cc1") + "[C]", WHOLE, "Cc1cccCl)cc1", "CCc1ccc(Oncc1"]
    together = model.denoise(texts, seed=3)
    pd.testing.assert_frame_equal(together, model.denoise(texts, seed=3))
    for row, text in enumerate(texts):
        alone = model.denoise(text, seed=3)
        assert alone["smiles"].tolist() == together["smiles"][together["row"] == row].tolist()


def test_what_cannot_be_mended_is_said(model: MolVAE) -> None:
    frame = model.denoise(["", "C" * LONGEST + "(", "Cc1ccc(Cl)cc"])
    assert set(frame["row"]) == {2}
    assert {row: problem.reason for row, problem in frame.attrs["problems"].items()} == {0: "empty", 1: "too long to search"}


def test_a_whole_molecule_beyond_the_vocabulary_has_no_score(model: MolVAE) -> None:
    frame = model.denoise("C[Si](C)(C)C")
    assert frame["smiles"].tolist() == ["C[Si](C)(C)C"]
    assert frame["score"].isna().all()


@pytest.mark.parametrize("options", [{"n": 0}, {"kind": "inchi"}])
def test_wrong_options_are_refused(model: MolVAE, options: dict[str, object]) -> None:
    with pytest.raises(DataError):
        model.denoise(WHOLE, **options)


def _check(frame: pd.DataFrame) -> None:
    """Ranked, distinct, valid, canonical."""
    for _, rows in frame.groupby("row"):
        assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
        assert rows["score"].is_monotonic_increasing
        assert rows["smiles"].is_unique
        assert rows["share"].sum() <= 1 + 1e-9
        assert all(Chem.CanonSmiles(text) == text for text in rows["smiles"])
        assert (rows["edits"] > 0).all()
