"""Novelty: molecules unlike the training set score higher, percentiles are those of the reference, refused molecules keep their row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from molvae import MolVAE
from molvae.chem.similarity import similarity_of
from molvae.errors import DataError
from molvae.latent.likelihood import negative_log_likelihood
from molvae.latent.novelty import novelty

COLUMNS = [
    "input", "smiles", "score", "percentile", "nll", "nll_per_atom", "writing_cost", "critic", "heavy_atoms", "kl", "distance",
    "reconstruction", "exact", "similarity", "known", "reason",
]  # fmt: skip


@pytest.fixture(scope="module")
def frame(model: MolVAE, smiles: list[str]) -> pd.DataFrame:
    texts = [*smiles[:20], "C[Si](C)(C)C", "aspirin", "", "OCCF"]
    return novelty(model, texts, samples=4, reference=smiles)


def test_every_input_has_its_row(frame: pd.DataFrame, smiles: list[str]) -> None:
    assert list(frame.columns) == COLUMNS
    assert frame["input"].tolist() == [*smiles[:20], "C[Si](C)(C)C", "aspirin", "", "OCCF"]
    assert frame["smiles"].tolist() == [*smiles[:20], "", "", "", "OCCF"]
    assert frame["known"].tolist() == frame["input"].isin(smiles).tolist()


def test_what_cannot_be_encoded_is_the_most_novel_and_what_is_no_molecule_has_no_rank(frame: pd.DataFrame) -> None:
    foreign, word, nothing = (frame.iloc[row] for row in (20, 21, 22))
    assert foreign["percentile"] == 100
    assert foreign["reason"] == "symbol not in the vocabulary: [Si]"
    assert np.isnan(word["percentile"])
    assert np.isnan(nothing["percentile"])
    assert [word["reason"], nothing["reason"]] == ["not a SMILES", "empty"]
    numbers = frame.loc[20:22, ["score", "nll", "nll_per_atom", "writing_cost", "critic", "kl", "distance", "similarity"]]
    assert numbers.isna().all(axis=None)
    assert not frame.loc[20:22, ["exact", "known"]].any(axis=None)


def test_the_numbers_are_those_of_the_model(frame: pd.DataFrame, model: MolVAE, smiles: list[str]) -> None:
    part, encoded, back = frame.iloc[:20], model.encode_all(smiles[:20]), model.reconstruct(smiles[:20])
    np.testing.assert_allclose(part["nll"], negative_log_likelihood(model, encoded, samples=4), rtol=1e-5)
    np.testing.assert_allclose(part["nll_per_atom"] * part["heavy_atoms"], part["nll"])
    np.testing.assert_allclose(part["score"] * part["heavy_atoms"], part["writing_cost"] - part["critic"])
    np.testing.assert_allclose(part["distance"], np.linalg.norm(encoded.codes, axis=1), rtol=1e-5)
    assert part["reconstruction"].tolist() == back["reconstruction"].tolist()
    assert part["exact"].tolist() == back["exact"].tolist()
    pairs = zip(back["canonical"], back["reconstruction"], strict=True)
    assert part["similarity"].tolist() == [similarity_of(*pair) for pair in pairs]
    assert (part["kl"] > 0).all()


def test_the_percentile_counts_the_reference(model: MolVAE, smiles: list[str]) -> None:
    frame = novelty(model, smiles[:50], samples=1, reference=smiles[:50])
    ranks = frame["score"].rank(method="min") - 1
    np.testing.assert_allclose(frame["percentile"], 100 * ranks / 50)


def test_molecules_of_other_kinds_score_higher(model: MolVAE, smiles: list[str]) -> None:
    """Of the same atoms and symbols, joined as no training molecule is."""
    odd = ["CN(O)C(F)(Cl)OC", "O=CC(=O)C(=O)C", "FC(F)(F)OC(F)(F)N", "N#CC(C#N)(C#N)O", "ClC(Cl)OC(Cl)Cl", "CS(=O)(=O)OOS(C)(=O)=O"]
    usual, strange = (novelty(model, texts, samples=2, reference=smiles) for texts in (smiles[:60], odd))
    assert strange["reason"].tolist() == [""] * len(odd)
    assert strange["percentile"].median() > 90 > usual["percentile"].median()


def test_company_changes_nothing_and_progress_is_told(model: MolVAE, smiles: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = novelty(model, smiles[:30], samples=2, reference=smiles[:10])
    told: list[tuple[str, int, int]] = []
    monkeypatch.setattr("molvae.latent.novelty._AT_ONCE", 8)
    parts = novelty(model, smiles[:30], samples=2, reference=smiles[:10], progress=lambda *words: told.append(words))
    pd.testing.assert_frame_equal(parts, whole, rtol=1e-4)
    assert told == [("novelty", done, 30) for done in (8, 16, 24, 30)]
    one = novelty(model, smiles[29], samples=2, reference=smiles[:10])
    pd.testing.assert_frame_equal(one, whole.iloc[[29]].reset_index(drop=True), rtol=1e-4)


def test_nothing_gives_a_table_without_rows(model: MolVAE, smiles: list[str]) -> None:
    frame = novelty(model, [], reference=smiles[:5])
    assert len(frame) == 0
    assert list(frame.columns) == COLUMNS


def test_references_that_do_not_fit_are_refused(model: MolVAE, smiles: list[str]) -> None:
    with pytest.raises(DataError, match=r"other molecules than MOSES \(0% of .*--reference"):
        novelty(model, smiles[:2])
    with pytest.raises(DataError, match=r"none of the 1 reference molecules can be encoded \(not a SMILES"):
        novelty(model, smiles[:2], reference=["aspirin"])
    with pytest.raises(DataError, match="there are none"):
        novelty(model, smiles[:2], reference=[])


def test_the_bundled_model_has_its_reference() -> None:
    typical, foreign = "CCC(=O)Nc1ccc(C(=O)Nc2cc(OC)ccc2OC)cc1", "CC(=O)OOC(=O)C1(Br)SSC1=NN=NC"
    frame = MolVAE.from_pretrained().novelty([typical, foreign], samples=2)
    assert frame["percentile"][0] < 90
    assert frame["percentile"][1] > 99.9
    assert not frame["exact"][1]
