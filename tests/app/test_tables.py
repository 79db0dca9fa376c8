from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from rdkit import Chem

from molvae.app.tables import arranged, csv_bytes, packed, sdf_bytes, unpacked


def test_a_table_comes_back_as_it_was() -> None:
    frame = pd.DataFrame({"smiles": ["C", "CC"], "novel": [True, False], "logP": [0.5, float("nan")], "rings": [0, 1]})
    pd.testing.assert_frame_equal(unpacked(packed(frame)), frame)


def test_order_and_ranges() -> None:
    frame = pd.DataFrame({"smiles": list("abcd"), "x": [2.0, 1.0, float("nan"), 2.0]})
    assert arranged(frame, "x")["smiles"].tolist() == ["b", "a", "d", "c"]
    assert arranged(frame, "x", falling=True)["smiles"].tolist() == ["a", "d", "b", "c"]
    assert arranged(frame, ranges={"x": (2, 3), "gone": (0, 1)})["smiles"].tolist() == ["a", "d"]
    assert arranged(frame, falling=True)["smiles"].tolist() == list("dcba")


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@SUM(1)", "\t=1", " =1"])
def test_a_spreadsheet_runs_nothing(text: str) -> None:
    back = pd.read_csv(io.BytesIO(csv_bytes(pd.DataFrame({"smiles": ["C"], "name": [text], text: [text], "logP": [-0.5]}))))
    assert back["name"][0].startswith("'")
    assert [str(name).startswith("'") for name in back] == [False, False, True, False]
    assert back["logP"][0] == -0.5


def test_a_name_ends_no_record(tmp_path: Path) -> None:
    names = ["$$$$", "> <score>", "M  END"]
    path = tmp_path / "a.sdf"
    path.write_bytes(sdf_bytes(pd.DataFrame({"smiles": ["CCO", "c1ccccc1", "CC"], "name": names, "QED": [0.1, 0.2, 0.3]})))
    molecules = list(Chem.SDMolSupplier(str(path)))
    assert [Chem.MolToSmiles(mol) for mol in molecules] == ["CCO", "c1ccccc1", "CC"]
    assert [float(mol.GetProp("QED")) for mol in molecules] == [0.1, 0.2, 0.3]
