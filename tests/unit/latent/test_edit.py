"""Directions and edits: what they promise holds by an independent computation, whatever the model writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from molvae import MolVAE
from molvae.chem.properties import compute
from molvae.errors import DataError


def similarity(one: str, other: str) -> float:
    """Tanimoto by RDKit's own function, not ours."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    return float(DataStructs.TanimotoSimilarity(*(generator.GetFingerprint(Chem.MolFromSmiles(text)) for text in (one, other))))


def check(frame: pd.DataFrame, start: str, bound: float) -> None:
    assert len(frame) > 0
    assert frame["smiles"].is_unique
    assert Chem.CanonSmiles(start) not in set(frame["smiles"])
    for row in frame.itertuples():
        assert Chem.CanonSmiles(row.smiles) == row.smiles
        assert row.similarity == pytest.approx(similarity(start, row.smiles), abs=1e-6)
        assert row.similarity >= bound - 1e-7
    assert frame["score"].is_monotonic_decreasing


@pytest.fixture(scope="module")
def known(model: MolVAE, smiles: list[str]) -> str:
    """A molecule that the tiny model writes well, so that it has neighbours."""
    back = model.reconstruct(smiles)
    return str(back.loc[back["exact"] & back["input"].str.contains("1"), "input"].iloc[0])


# --- directions


def test_the_direction_recovers_a_slope(model: MolVAE, smiles: list[str]) -> None:
    found = model.direction("MW", molecules=smiles)
    assert found.vector.shape == (4,)
    assert np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-6)
    assert (found.molecules, found.refused, found.unit) == (len(smiles), 0, "Da")
    weights = compute(smiles, ["MW"])["MW"].to_numpy()
    assert found.spread == pytest.approx(weights.std())
    draws = np.concatenate([model.encode(smiles, sample=True, seed=seed) for seed in range(12)])  # the regression, by brute force
    design = np.c_[draws, np.ones(len(draws))]
    slopes, *_ = np.linalg.lstsq(design, np.tile(weights, 12), rcond=None)
    np.testing.assert_allclose(found.slope * found.vector, slopes[:4], atol=0.1 * found.slope)
    explained = 1 - (np.tile(weights, 12) - design @ slopes).var() / weights.var()
    assert found.r2 == pytest.approx(explained, abs=0.05)
    assert 0 < found.r2 < 1


def test_a_direction_needs_nothing_but_the_model(model: MolVAE) -> None:
    one, again = model.direction("logP", n=512, seed=3), model.direction("logP", n=512, seed=3)
    np.testing.assert_array_equal(one.vector, again.vector)
    other = model.direction("logP", n=512, seed=4)
    assert not np.array_equal(one.vector, other.vector)
    assert float(one.vector @ other.vector) > 0.5


def test_a_file_gives_the_direction_of_its_molecules(model: MolVAE, smiles: list[str], training_file: Path, tmp_path: Path) -> None:
    listed = model.direction("TPSA", molecules=smiles)
    np.testing.assert_array_equal(model.direction("TPSA", molecules=training_file).vector, listed.vector)
    more = tmp_path / "more.smi"
    more.write_text("[Fe]\nnonsense\n" + training_file.read_text())
    found = model.direction("TPSA", molecules=str(more))
    assert (found.molecules, found.refused) == (len(smiles), 2)


def test_a_direction_that_cannot_be_is_told(model: MolVAE, smiles: list[str]) -> None:
    with pytest.raises(DataError, match=r"unknown property 'logp'.*nearest: logP"):
        model.direction("logp")
    with pytest.raises(DataError, match="5 of 6 molecules can be encoded; a direction needs at least 6"):
        model.direction("logP", molecules=[*smiles[:5], "nonsense"])
    with pytest.raises(DataError, match="rings is 1 for all"):
        model.direction("rings", molecules=[text for text in smiles if "1" in text])


# --- edits


def test_every_analogue_is_what_was_asked(model: MolVAE, known: str) -> None:
    frame = model.edit(known, raise_="MW", lower=["logP"], similarity=0.3, n=15, rounds=3)
    assert len(frame) <= 15
    check(frame, known, 0.3)
    assert list(frame.columns) == ["smiles", "similarity", "MW_before", "MW_after", "logP_before", "logP_after", "score"]
    values = compute(frame["smiles"].tolist(), ["MW", "logP"])
    before = compute([known], ["MW", "logP"]).iloc[0]
    np.testing.assert_allclose(frame[["MW_after", "logP_after"]], values)
    assert (values["MW"] > before["MW"]).all()
    assert (values["logP"] < before["logP"]).all()
    assert frame.attrs["before"] == before.to_dict()
    assert frame.attrs["found"] >= len(frame)
    assert frame.attrs["similar"] >= frame.attrs["found"]


def test_a_target_is_approached(model: MolVAE, known: str) -> None:
    target = float(compute([known], ["logP"]).iloc[0, 0]) + 1
    frame = model.edit(known, set={"logP": target}, similarity=0.3, rounds=3)
    check(frame, known, 0.3)
    np.testing.assert_allclose(frame["logP_distance"], abs(frame["logP_after"] - target))
    assert (frame["logP_distance"] < 1).all()
    assert frame["logP_distance"].is_monotonic_increasing


def test_a_property_at_its_target_stays_there(model: MolVAE, known: str) -> None:
    rings = float(compute([known], ["rings"]).iloc[0, 0])
    frame = model.edit(known, set={"rings": rings}, raise_="MW", similarity=0.3, rounds=2)
    check(frame, known, 0.3)
    assert (frame["rings_after"] == rings).all()


def test_the_seed_decides(model: MolVAE, known: str) -> None:
    one, same, other = (model.edit(known, raise_=("logP",), similarity=0.2, rounds=2, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, same)
    assert one["smiles"].tolist() != other["smiles"].tolist()
    longer = model.edit(known, raise_=("logP",), similarity=0.2, rounds=4, seed=1)
    assert longer["score"].iloc[0] >= one["score"].iloc[0]


def test_the_way_it_is_written_changes_nothing(model: MolVAE, known: str) -> None:
    mol = Chem.MolFromSmiles(known)
    other = Chem.MolToSmiles(mol, rootedAtAtom=mol.GetNumAtoms() - 1, canonical=False)
    assert other != known
    pd.testing.assert_frame_equal(model.edit(other, lower="logP", rounds=1), model.edit(known, lower="logP", rounds=1))


def test_nothing_found_is_an_empty_table(model: MolVAE, known: str) -> None:
    frame = model.edit(known, raise_="logP", similarity=1.0, rounds=1)
    assert frame.empty
    assert list(frame.columns) == ["smiles", "similarity", "logP_before", "logP_after", "score"]
    assert frame.attrs["input"] == known


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "nothing was asked for"),
    "unknown": ({"set": {"logp": 3}}, "unknown property 'logp'.*nearest: logP"),
    "twice": ({"set": {"logP": 3}, "raise_": "logP"}, "each only once"),
    "no number": ({"set": {"logP": float("nan")}}, "logP is to be set to nan, expected a number"),
    "similarity": ({"raise_": "QED", "similarity": 1.5}, "similarity is 1.5, expected 0 to 1"),
    "none": ({"raise_": "QED", "n": 0}, "0 molecules in 8 rounds"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_request_that_cannot_be_is_told(what: str, model: MolVAE) -> None:
    asked, message = BAD[what]
    with pytest.raises(DataError, match=message):
        model.edit("NCCF", **asked)


@pytest.mark.parametrize(
    ("start", "reason"), [("nonsense", "not a SMILES"), ("[Fe]", "cannot be edited"), ("", "empty"), ("C" * 400, "too")]
)
def test_a_molecule_that_cannot_be_encoded_is_told(start: str, reason: str, model: MolVAE) -> None:
    with pytest.raises(DataError, match=reason):
        model.edit(start, raise_="QED")
