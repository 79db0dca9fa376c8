"""`molvae map` and `molvae novelty`: what they write, what they say, and the code they end with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

Run = Callable[..., Any]


@pytest.fixture
def run(run: Run, smiles: list[str], trained: Path) -> Run:
    """Runs `molvae` with the tiny model in a folder with two files of good molecules and one with bad rows."""
    Path("a.smi").write_text("\n".join(smiles[:40]) + "\n")
    Path("b.csv").write_text("\n".join(["smiles,name", *(f"{text},<b>{text}</b>" for text in smiles[40:60])]) + "\n")
    Path("bad.csv").write_text("\n".join(["smiles", *smiles[:4], "aspirin", "C[Si](C)(C)C"]) + "\n")
    return lambda *words: run(*words, "--model", trained)


# --- map


def test_map_writes_all_it_is_asked_for(run: Run, smiles: list[str]) -> None:
    outputs = ["--out", "m.csv", "--picture", "m.png", "--html", "m.html", "--save", "m.npz", "--json", "m.json"]
    done = run("map", "a.smi", "b.csv", "--clusters", 3, *outputs)
    assert (done.code, done.out) == (0, "")
    frame = pd.read_csv("m.csv")
    assert list(frame.columns) == ["file", "row", "name", "smiles", "x", "y", "cluster", "representative"]
    assert frame["smiles"].tolist() == smiles[:60]
    assert frame["file"].value_counts().to_dict() == {"a.smi": 40, "b.csv": 20}
    assert Path("m.png").read_bytes().startswith(b"\x89PNG")
    assert '"groups":["a.smi","b.csv"]' in Path("m.html").read_text()
    assert "<b>" not in Path("m.html").read_text().split("<script", 1)[1].split("</script", 1)[0]
    about = json.loads(Path("m.json").read_text())
    assert about["molecules"] == 60
    assert sum(group["molecules"] for group in about["clusters"]) == 60
    assert "cluster 1: " in done.err


def test_map_places_others_on_a_saved_map(run: Run) -> None:
    assert run("map", "a.smi", "--save", "m.npz", "--clusters", 2, "--out", "a.csv").code == 0
    done = run("map", "a.smi", "b.csv", "--onto", "m.npz", "--out", "b.csv.gz", "--picture", "b.svg", "--html", "b.html")
    assert done.code == 0
    before, after = pd.read_csv("a.csv"), pd.read_csv("b.csv.gz")
    pd.testing.assert_frame_equal(after[["x", "y", "cluster"]][:40], before[["x", "y", "cluster"]], rtol=1e-3, atol=1e-3)
    assert set(after["cluster"]) <= {1, 2}


def test_map_lists_what_it_refuses(run: Run) -> None:
    done = run("map", "bad.csv", "a.smi", "--out", "m.tsv")
    assert done.code == 3
    assert "2 of 46 rows refused" in done.err
    rejects = pd.read_csv("m.tsv.rejects.csv", keep_default_na=False)
    assert rejects.to_numpy().tolist() == [
        [5, "aspirin", "not a SMILES", "bad.csv"],
        [6, "C[Si](C)(C)C", "symbol not in the vocabulary", "bad.csv: [Si]"],
    ]
    assert len(pd.read_csv("m.tsv", sep="\t")) == 44


def test_map_gives_its_table_where_nothing_else_is_asked_for(run: Run) -> None:
    assert len(run("map", "a.smi").out.splitlines()) == 41
    assert run("map", "a.smi", "--html", "m.html", "--color-by", "logP").out == ""
    assert '"title":"logP"' in Path("m.html").read_text()


BAD: dict[str, tuple[list[object], str]] = {
    "no file": (["map", "none.smi"], "none.smi: no such file"),
    "few": (["map", "bad.csv", "--method", "umap"], "such a map needs at least 20"),
    "method": (["map", "a.smi", "--method", "tsne"], "method is 'tsne', expected one of pca, umap"),
    "color": (["map", "a.smi", "--color-by", "taste"], "unknown property 'taste'"),
    "no clusters": (["map", "a.smi", "--color-by", "cluster"], "no clusters to colour by"),
    "clusters": (["map", "a.smi", "--clusters", 41], "41 clusters of 40 molecules"),
    "picture": (["map", "a.smi", "--picture", "m.gif"], "m.gif: --picture writes .png or .svg"),
    "html": (["map", "a.smi", "--html", "m.txt"], "m.txt: --html writes .html"),
    "save": (["map", "a.smi", "--save", "m.pkl"], "m.pkl: --save writes .npz"),
    "html in no place": (["map", "a.smi", "--html", "a.smi/m.html"], "a.smi is not a folder"),
    "onto nothing": (["map", "a.smi", "--onto", "none.npz"], "none.npz is not a map saved by molvae"),
    "onto a text": (["map", "a.smi", "--onto", "a.smi"], "a.smi is not a map saved by molvae"),
    "reference": (["novelty", "a.smi"], "give molecules of its training set as reference (--reference FILE)"),
    "no reference": (["novelty", "a.smi", "--reference", "none.smi"], "none.smi: no such file"),
    "samples": (["novelty", "a.smi", "--samples", 0], "'--samples'"),
    "novelty picture": (["novelty", "a.smi", "--picture", "m.gif"], "a picture is .png or .svg"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_done_is_told(what: str, run: Run) -> None:
    words, message = BAD[what]
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


# --- novelty


def test_novelty_judges_a_file(run: Run, smiles: list[str]) -> None:
    done = run("novelty", "b.csv", "--reference", "a.smi", "--samples", 2, "--out", "n.csv", "--picture", "n.png", "--json", "n.json")
    assert done.code == 0
    frame = pd.read_csv("n.csv")
    assert frame["row"].tolist() == list(range(1, 21))
    assert frame["smiles"].tolist() == smiles[40:60]
    assert frame[["score", "percentile", "nll", "nll_per_atom", "distance", "kl"]].notna().all(axis=None)
    assert Path("n.png").read_bytes().startswith(b"\x89PNG")
    about = json.loads(Path("n.json").read_text())
    assert (about["molecules"], about["refused"], about["not_encodable"]) == (20, 0, 0)
    assert about["above_95th_percentile"] == pytest.approx((frame["percentile"] > 95).mean())


def test_novelty_keeps_every_row_and_lists_what_is_no_molecule(run: Run) -> None:
    done = run("novelty", "bad.csv", "--reference", "a.smi", "--samples", 1, "--out", "n.csv")
    assert done.code == 3
    frame = pd.read_csv("n.csv")
    assert frame["input"].tolist()[4:] == ["aspirin", "C[Si](C)(C)C"]
    assert frame["percentile"].isna().tolist() == [False, False, False, False, True, False]
    assert frame["percentile"][5] == 100
    assert pd.read_csv("n.csv.rejects.csv")["row"].tolist() == [5]
    assert "1 cannot be encoded" in done.err


def test_novelty_of_nothing_that_can_be_encoded_is_told(run: Run) -> None:
    Path("odd.smi").write_text("C[Si](C)(C)C\n")
    done = run("novelty", "odd.smi", "--reference", "a.smi", "--out", "n.csv", "--picture", "n.png")
    assert done.code == 0
    assert "n.png not drawn" in done.err
    assert pd.read_csv("n.csv")["percentile"].tolist() == [100]
