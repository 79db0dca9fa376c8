"""`molvae edit`: what it says, what it writes, and the code it ends with."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from molvae import MolVAE

Run = Callable[..., Any]


@pytest.fixture
def run(run: Run) -> Run:
    """Runs `molvae edit` with some words."""
    return partial(run, "edit")


@pytest.fixture(scope="module")
def known(model: MolVAE, smiles: list[str]) -> str:
    """A molecule that the tiny model writes well, so that it has neighbours."""
    back = model.reconstruct(smiles)
    return str(back.loc[back["exact"] & back["input"].str.contains("1"), "input"].iloc[0])


def test_the_command_does_what_the_method_does(run: Run, trained: Path, model: MolVAE, known: str) -> None:
    words = ["--set", "TPSA=60", "--raise", "MW", "--raise", "heavy_atoms", "--lower", "logP", "--similarity", 0.2, "--rounds", 2, "-n", 7]
    done = run(known, *words, "--seed", 3, "--model", trained, "--out", "out.csv", "--picture", "grid.svg", "--json", "out.json")
    expected = model.edit(known, set={"TPSA": 60}, raise_=["MW", "heavy_atoms"], lower=["logP"], similarity=0.2, rounds=2, n=7, seed=3)
    assert done.code == 0
    assert len(expected) > 0
    pd.testing.assert_frame_equal(pd.read_csv("out.csv"), expected)
    picture = Path("grid.svg").read_text()
    assert "<svg" in picture
    assert f"{len(expected):,} kept" in done.err
    about = json.loads(Path("out.json").read_text())
    assert about["input"] == known
    assert about["kept"] == len(expected)
    assert about["best"]["MW"] == expected["MW_after"].iloc[0]


def test_nothing_found_is_said_and_written(run: Run, trained: Path, known: str) -> None:
    done = run(
        known,
        "--raise",
        "logP",
        "--similarity",
        1,
        "--rounds",
        1,
        "--model",
        trained,
        "--out",
        "out.csv",
        "--picture",
        "a.png",
        "--json",
        "b.json",
    )
    assert done.code == 3
    assert "nothing found" in done.err
    assert Path("out.csv").read_text().strip() == "smiles,similarity,logP_before,logP_after,score"
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(Path("b.json").read_text())["best"] is None


BAD = {
    "no molecule": (["nonsense", "--raise", "QED"], "'nonsense' cannot be edited: not a SMILES"),
    "symbol": (["[Fe]", "--raise", "QED"], "'[Fe]' cannot be edited: symbol not in the vocabulary"),
    "nothing": (["NCCF"], "nothing was asked for"),
    "unknown": (["NCCF", "--raise", "qed"], "unknown property 'qed'"),
    "nearest": (["NCCF", "--set", "logp=3"], "nearest: logP"),
    "no value": (["NCCF", "--set", "logP"], "--set 'logP', expected a property and a number such as logP=3"),
    "two values": (["NCCF", "--set", "logP=3", "--set", "logP=4"], "--set gives logP twice, 3 and 4"),
    "both": (["NCCF", "--raise", "logP", "--lower", "logP"], "each only once"),
    "bound": (["NCCF", "--raise", "QED", "--similarity", "2"], "similarity"),
    "suffix": (["NCCF", "--raise", "QED", "--out", "a.xyz"], "unknown suffix"),
    "picture": (["NCCF", "--raise", "QED", "--picture", "a.gif"], "a picture is .png or .svg"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_is_told(what: str, run: Run, trained: Path) -> None:
    words, message = BAD[what]
    done = run(*words, "--model", trained)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_picture_that_cannot_be_written_is_told_before_the_work(run: Run, known: str, trained: Path) -> None:
    Path("taken").write_text("a file, not a folder")
    done = run(known, "--raise", "QED", "--model", trained, "--picture", "taken/out.png")
    assert done.code == 2
    assert "taken" in done.err
    assert not done.out
