"""molvae denoise."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from molvae.cli.app import main


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["molvae", "denoise", *map(str, words)])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_rows_are_mended_and_the_hopeless_listed(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.smi").write_text("Cc1ccc(Cl)cc\n\nCCO ethanol\n")
    words = ["bad.smi", "--n", 3, "--seed", 1, "--model", trained, "--out", "out.csv", "--picture", "out.svg", "--json", "out.json"]
    assert run(monkeypatch, *words) == 3
    frame = pd.read_csv("out.csv")
    assert set(frame["row"]) == {1, 3}
    assert frame["smiles"][frame["intact"]].tolist() == ["CCO"]
    assert pd.read_csv("out.csv.rejects.csv")["row"].tolist() == [2]
    assert json.loads(Path("out.json").read_text()) == {"rows": 3, "intact": 1, "repaired": 1, "refused": 1}
    assert "<svg" in Path("out.svg").read_text()


@pytest.mark.parametrize("words", [["nowhere.smi"], ["bad.smi", "--kind", "inchi"], ["bad.smi", "--picture", "out.pdf"]])
def test_bad_input_ends_with_code_2(words: list[str], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.smi").write_text("CCO\n")
    assert run(monkeypatch, *words, "--model", trained) == 2
