"""A user's own properties: what is learned, what becomes of repeated and refused rows, and predictions with their domain."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from molvae import DataError, MolVAE
from molvae.chem.properties import compute
from molvae.data.assays import read_table
from molvae.latent.fit_properties import computed_heads, labelled
from molvae.training.heads import fit_ensemble

ODD = "[Fe]"  # no model of these tests knows it


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ensembles small enough for tests."""
    monkeypatch.setattr("molvae.training.gaussian_process.fit_ensemble", partial(fit_ensemble, hidden=32, members=2))


@pytest.fixture
def copied(model: MolVAE) -> MolVAE:
    """The tiny model, which a test may change."""
    return MolVAE(copy.deepcopy(model.checkpoint))


@pytest.fixture(scope="module")
def table(smiles: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 120 molecules: something the tiny model knows, in %, with every third missing, the same as yes and no, and a remark."""
    known = 100 * compute(smiles[:120], ["Fsp3"])["Fsp3"]
    frame = pd.DataFrame({"smiles": smiles[:120], "sp3": known.where(np.arange(120) % 3 > 0), "remark": "none"})
    frame["mostly"] = np.where(known > 50, "yes", "no")
    path = tmp_path_factory.mktemp("table") / "sp3s.csv"
    frame.to_csv(path, index=False)
    return path


def written(folder: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(folder / "a.csv", index=False)
    return folder / "a.csv"


def test_own_properties_are_learned_and_kept(copied: MolVAE, table: Path, smiles: list[str], tmp_path: Path) -> None:
    fitted = copied.fit_properties(table, ["sp3", "mostly"], units={"sp3": "%"})
    assert (fitted.molecules, fitted.repeated, fitted.refused, fitted.conflicts) == (120, 0, [], {})
    assert fitted.figures["sp3"]["labelled"] == 80
    assert fitted.figures["sp3"]["r2"] > 0.3
    described = {column.name: column for column in copied.properties}
    assert (described["sp3"].unit, described["sp3"].kind, described["mostly"].kind) == ("%", "number", "binary")
    assert 0 <= described["sp3"].low < described["sp3"].high == 100
    copied.save_pretrained(tmp_path / "new")
    again = MolVAE.from_pretrained(tmp_path / "new")
    frame, back = (each.predict(smiles[120:160]) for each in (copied, again))
    pd.testing.assert_frame_equal(frame, back, rtol=2e-2)  # the network is kept in half precision
    truth = 100 * compute(smiles[120:160], ["Fsp3"])["Fsp3"]
    assert np.corrcoef(frame["sp3_predicted"], truth)[0, 1] > 0.6
    assert (np.abs(frame["sp3_predicted"] - truth) < 1.645 * frame["sp3_std"]).mean() > 0.75
    assert ((frame["mostly_predicted"] > 0.5) == (truth > 50)).mean() > 0.75


def test_a_later_fit_replaces_an_earlier_one(copied: MolVAE, table: Path) -> None:
    copied.fit_properties(table, ["sp3"])
    copied.fit_properties(table, ["mostly"])
    assert [column.name for column in copied.properties] == ["sp3", "mostly"]
    copied.fit_properties(table, ["sp3"], units={"sp3": "%"})
    assert len(copied.checkpoint.heads) == 2
    assert {column.name: column.unit for column in copied.properties} == {"sp3": "%", "mostly": ""}


@pytest.mark.parametrize("method", ["gp", "ensemble"])
def test_the_method_asked_for_is_used(copied: MolVAE, table: Path, method: str) -> None:
    copied.fit_properties(table, ["sp3"], method=method)
    assert copied.checkpoint.heads[0].kind == {"gp": "gaussian_process", "ensemble": "ensemble"}[method]


def test_heads_of_computed_properties_help_those_of_others(copied: MolVAE, table: Path, tmp_path: Path) -> None:
    """An ensemble for Fsp3 is what a Gaussian process for the same in % sees codes through, also after it was saved."""
    frame = pd.read_csv(table).rename(columns={"sp3": "Fsp3"})
    copied.fit_properties(written(tmp_path, frame), ["Fsp3"], method="ensemble")
    assert computed_heads(copied, ["sp3"]) is copied.checkpoint.heads[0]
    assert computed_heads(copied, ["Fsp3"]) is None  # what is to be replaced does not help
    copied.fit_properties(table, ["sp3"])
    process = copied.checkpoint.heads[1]
    torch.testing.assert_close(process.features.state_dict(), copied.checkpoint.heads[0].state_dict())
    copied.save_pretrained(tmp_path / "new")
    codes = copied.encode(frame["smiles"])
    for one, two in zip(copied.predict_codes(codes), MolVAE.from_pretrained(tmp_path / "new").predict_codes(codes), strict=True):
        np.testing.assert_allclose(one, two, rtol=0.05, atol=0.5)


def test_rows_of_one_molecule_become_one(copied: MolVAE, tmp_path: Path) -> None:
    """OCC is CCO: its values are averaged, what two binary rows of three say counts, and an even split says nothing."""
    frame = pd.DataFrame(
        {
            "smiles": ["CCO", "CCN", "OCC", "NCC", "OCC", "CCF"],
            "x": [1.0, 5.0, 3.0, np.nan, np.nan, 8.0],
            "hit": ["yes", "yes", "yes", "no", "no", "no"],
        }
    )
    ends = pd.DataFrame({"smiles": ["C" * n + "O" for n in range(3, 15)], "x": np.arange(12.0), "hit": ["yes", "no"] * 6})
    found = labelled(copied, read_table(written(tmp_path, pd.concat([frame, ends])), ["x", "hit"]))
    assert found.smiles[:3] == ["CCO", "CCN", "CCF"]
    np.testing.assert_array_equal(found.values[:3].to_numpy(), [[2, 1], [5, np.nan], [8, 0]])
    assert found.repeated == 3
    assert (found.conflicts["x"].molecules, found.conflicts["x"].widest) == (1, 2.0)
    assert found.conflicts["hit"].molecules == 2
    np.testing.assert_array_equal(found.codes, copied.encode(found.smiles))


def test_what_cannot_be_encoded_is_told_with_its_row(copied: MolVAE, smiles: list[str], tmp_path: Path) -> None:
    frame = pd.DataFrame({"smiles": [ODD, *smiles[:20], "nonsense", "", ODD], "x": [*range(23), None]})
    fitted = copied.fit_properties(written(tmp_path, frame), ["x"])
    assert [(each.row, each.text) for each in fitted.refused] == [(1, ODD), (22, "nonsense"), (23, "")]  # the last has no value
    assert fitted.molecules == 20


def test_too_few_or_constant_values_are_told(copied: MolVAE, smiles: list[str], tmp_path: Path) -> None:
    few = pd.DataFrame({"smiles": [*smiles[:9], ODD, *smiles[9:50]], "x": [*range(10), *[None] * 41], "y": 1.0})
    path = written(tmp_path, few)
    with pytest.raises(DataError, match=r"'x' has 9 values.*at least 10 are needed; 1 rows with values were refused, such as row 10: "):
        copied.fit_properties(path, ["x"])
    with pytest.raises(DataError, match="'y' is constant"):
        copied.fit_properties(path, ["y"])
    with pytest.raises(DataError, match="a unit was given for 'z', which is none of the columns: x"):
        copied.fit_properties(path, ["x"], units={"z": "nM"})
    assert copied.properties == []


def test_a_table_that_is_99_percent_empty_is_learned_from(copied: MolVAE, smiles: list[str], tmp_path: Path) -> None:
    values = np.full(400, np.nan)
    values[::36] = np.arange(12)
    fitted = copied.fit_properties(written(tmp_path, pd.DataFrame({"smiles": smiles[:400], "x": values})), ["x"])
    assert fitted.figures["x"]["labelled"] == 12


@pytest.fixture(scope="module")
def able(model: MolVAE, table: Path, smiles: list[str], tmp_path_factory: pytest.TempPathFactory) -> MolVAE:
    """A tiny model with heads for logP (as computed) and sp3."""
    able = MolVAE(copy.deepcopy(model.checkpoint))
    able.fit_properties(table, ["sp3"])
    frame = pd.DataFrame({"smiles": smiles[:60], "logP": compute(smiles[:60], ["logP"])["logP"]})
    able.fit_properties(written(tmp_path_factory.mktemp("logp"), frame), ["logP"])
    return able


def test_predictions_keep_every_row(able: MolVAE, smiles: list[str]) -> None:
    frame = able.predict([*smiles[:5], ODD, "nonsense", ""])
    assert list(frame) == [
        "input",
        "smiles",
        "sp3_predicted",
        "sp3_std",
        "logP_computed",
        "logP_predicted",
        "logP_std",
        "applicable",
        "reason",
    ]
    assert frame["input"].tolist() == [*smiles[:5], ODD, "nonsense", ""]
    predicted = frame[["sp3_predicted", "sp3_std", "logP_predicted", "logP_std"]]
    assert predicted[:5].notna().all(axis=None)
    assert predicted[5:].isna().all(axis=None)
    assert frame["logP_computed"][:5].tolist() == compute(smiles[:5], ["logP"])["logP"].tolist()
    assert np.isfinite(frame["logP_computed"][5])  # RDKit knows iron, the model does not
    assert frame["logP_computed"][6:].isna().all()
    assert not frame["applicable"][5:].any()
    assert frame["reason"][5:].str.startswith("cannot be encoded: ").all()


def test_names_choose_and_order(able: MolVAE, smiles: list[str]) -> None:
    frame = able.predict(smiles[0], ["logP"])
    assert list(frame)[2:5] == ["logP_computed", "logP_predicted", "logP_std"]
    assert "sp3_predicted" not in frame
    with pytest.raises(DataError, match=r"'logp'.*sp3, logP"):
        able.predict(smiles[0], ["logp"])


def test_a_model_without_heads_says_so(model: MolVAE, smiles: list[str]) -> None:
    with pytest.raises(DataError, match="fit-properties"):
        model.predict(smiles[:2])


def test_what_the_codes_do_not_hold_is_outside(able: MolVAE, smiles: list[str]) -> None:
    """Long chains are unlike anything the tiny model has seen; most of what it was trained on is inside."""
    inside = able.predict(smiles[100:300])
    assert inside["applicable"].mean() > 0.8
    strange = able.predict(["C1CC1" * 3 + "N" * n + "Cl" for n in range(1, 11)])
    assert strange["applicable"].mean() < 0.5
    said = strange.loc[~strange["applicable"] & (strange["smiles"] != ""), "reason"]
    assert len(said)
    assert said.str.contains("its code does not hold it: .* nats an atom|its logP is").all()
    assert strange["sp3_predicted"].notna().sum() == (strange["smiles"] != "").sum()  # a number all the same


def test_a_computed_property_beyond_what_was_learned_from_is_outside(able: MolVAE) -> None:
    frame = able.predict("CC" * 10, ["sp3"])
    assert frame["reason"].str.fullmatch(r"its logP is 8.048, the molecules learned from have -\d.* to \d.*").all()
    assert not frame["applicable"].any()


def test_nothing_gives_an_empty_table(able: MolVAE) -> None:
    frame = able.predict([])
    assert len(frame) == 0
    assert "sp3_predicted" in frame
