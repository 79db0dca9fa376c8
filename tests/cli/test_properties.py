"""`molvae fit-properties` and `molvae predict`: what they say, what they write, and the code they end with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from molvae import MolVAE
from molvae.chem.properties import compute

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def table(smiles: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 molecules, one of them twice with other values, and one that cannot be encoded."""
    frame = pd.DataFrame({"smiles": smiles[:50], "logP": compute(smiles[:50], ["logP"])["logP"], "hit": ["yes", "no"] * 25})
    more = pd.DataFrame({"smiles": [smiles[0], "[Fe]"], "logP": [9.0, 1.0], "hit": ["yes", "no"]})
    path = tmp_path_factory.mktemp("table") / "assay.csv"
    pd.concat([frame, more]).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def able(trained: Path, table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny model with heads for logP."""
    model = MolVAE.from_pretrained(trained)
    model.fit_properties(table, ["logP"])
    folder = tmp_path_factory.mktemp("able") / "model"
    model.save_pretrained(folder)
    return folder


def test_a_table_is_learned_and_told(run: Run, trained: Path, table: Path) -> None:
    words = ["--columns", "logP, hit", "--units", "logP=log units", "--out", "new", "--json", "fit.json"]
    done = run("fit-properties", trained, table, *words)
    assert done.code == 0
    assert "logP: 50 molecules" in done.err
    assert "log units; held out: R² " in done.err
    assert "hit: 50 molecules, 0 or 1; held out" in done.err
    assert "1 rows repeat a molecule" in done.err
    assert "logP: the rows of 1 molecules disagree, by at most" in done.err
    assert "1 rows were left out because the model cannot encode them (row 52: " in done.err
    told = json.loads(Path("fit.json").read_text())
    assert told["refused_rows"] == [52]
    assert told["columns"]["logP"]["labelled"] == 50
    model = MolVAE.from_pretrained("new")
    assert [(column.name, column.unit, column.kind) for column in model.properties] == [
        ("logP", "log units", "number"),
        ("hit", "", "binary"),
    ]
    assert f"RMSE {told['columns']['logP']['rmse']:.3g}" in done.err


def test_a_file_is_predicted(run: Run, able: Path, smiles: list[str]) -> None:
    Path("new.smi").write_text("\n".join([*smiles[60:64], "[Fe]", "nonsense"]) + "\n")
    done = run("predict", able, "new.smi", "--out", "out.csv", "--json", "out.json")
    assert done.code == 3
    frame = pd.read_csv("out.csv", keep_default_na=True)
    expected = MolVAE.from_pretrained(able).predict([*smiles[60:64], "[Fe]", "nonsense"])
    assert frame["row"].tolist() == [1, 2, 3, 4, 5, 6]
    pd.testing.assert_frame_equal(frame.drop(columns="row").fillna({"smiles": "", "reason": ""}), expected, check_dtype=False)
    assert pd.read_csv("out.csv.rejects.csv")["row"].tolist() == [5, 6]
    told = json.loads(Path("out.json").read_text())
    assert (told["molecules"], told["refused"]) == (6, 2)


def test_all_that_can_be_predicted_ends_with_0(run: Run, able: Path, smiles: list[str]) -> None:
    Path("new.csv").write_text("drug\n" + "\n".join(smiles[:3]) + "\n")
    done = run("predict", able, "new.csv", "--column", "drug", "--columns", "logP")
    assert done.code == 0
    assert done.out.startswith("row,input,smiles,logP_computed,logP_predicted,logP_std,applicable,reason\n")


BAD = {
    "column": (["--columns", "logS", "--out", "x"], "no column 'logS'; the file has: smiles, logP, hit; nearest: logP"),
    "unit": (["--columns", "logP", "--units", "nM", "--out", "x"], "--units 'nM', expected a property and its unit"),
    "stray unit": (["--columns", "logP", "--units", "hit=%", "--out", "x"], "a unit was given for 'hit'"),
    "method": (["--columns", "logP", "--method", "svm", "--out", "x"], "method is 'svm'"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_fit_is_told(run: Run, trained: Path, table: Path, what: str) -> None:
    words, message = BAD[what]
    done = run("fit-properties", trained, table, *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert not Path("x").exists()


def test_a_bundled_model_is_not_changed(run: Run, table: Path) -> None:
    done = run("fit-properties", "moses", table, "--columns", "logP")
    assert done.code == 2
    assert "say with --out" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--columns", "logS"], "no head for 'logS'"), (["--out", "a.xyz"], "unknown suffix")],
)
def test_a_bad_prediction_is_told(run: Run, able: Path, table: Path, words: list[str], message: str) -> None:
    done = run("predict", able, table, *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_model_without_heads_is_told(run: Run, trained: Path, table: Path) -> None:
    done = run("predict", trained, table)
    assert done.code == 2
    assert "fit-properties" in done.err


def test_computed_properties_need_only_molecules(run: Run, trained: Path, training_file: Path) -> None:
    done = run("fit-properties", trained, training_file, "--computed", "--columns", "MW,rings", "--out", "new", "--json", "fit.json")
    assert done.code == 0
    assert " Da; held out: R² " in done.err
    model = MolVAE.from_pretrained("new")
    assert [column.name for column in model.properties] == ["MW", "rings"]
    known = compute(["c1ccccc1CC"], ["MW"])["MW"][0]
    predicted = model.predict("c1ccccc1CC")
    assert predicted["MW_computed"][0] == pytest.approx(known)
    assert abs(predicted["MW_predicted"][0] - known) < 4 * predicted["MW_std"][0]
    assert json.loads(Path("fit.json").read_text())["columns"]["rings"]["labelled"] > 400


def test_computed_properties_have_units_of_their_own(run: Run, trained: Path, training_file: Path) -> None:
    done = run("fit-properties", trained, training_file, "--computed", "--columns", "MW", "--units", "MW=g", "--out", "new")
    assert (done.code, "RDKit gives the values in its own units" in done.err) == (2, True)
    wrong = run("fit-properties", trained, training_file, "--computed", "--columns", "weight", "--out", "new")
    assert (wrong.code, "unknown property 'weight'" in wrong.err) == (2, True)
