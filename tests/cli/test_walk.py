"""The commands interpolate and interpolate-grid: files, pictures and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rdkit import Chem

from molvae import MolVAE
from molvae.latent import interpolate as module

A, B, C, D = "Cc1ccccc1OC", "N#CC1CCC(F)CC1", "CCN(C)CCO", "Clc1cccnc1"

Run = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two blocks of codes instead of all."""
    monkeypatch.setattr(module, "_BLOCKS", 2)


@pytest.fixture
def run(run: Callable[..., Any]) -> Run:
    """Runs `molvae` with some words; the exit code and what was said."""

    def code_and_words(*words: object) -> tuple[int, str]:
        done = run(*words)
        return done.code, done.err

    return code_and_words


def test_interpolate_writes_table_picture_and_figures(run: Run, trained: Path, model: MolVAE) -> None:
    words = ("--seed", 1, "--model", trained, "--out", "walk.csv", "--picture", "walk.svg", "--json", "walk.json")
    code, said = run("interpolate", A, B, "--steps", 6, *words)
    frame, about = pd.read_csv("walk.csv"), json.loads(Path("walk.json").read_text())
    assert code == 0
    assert frame["smiles"].tolist() == model.interpolate(A, B, steps=6, seed=1, properties=())["smiles"].tolist()
    assert about["steps"] == 6
    assert about["largest_jump"] == pytest.approx(1 - frame["similarity_to_previous"].min())
    assert "#FFC6" in Path("walk.svg").read_text()  # the colour of what changed
    assert "6 steps, chosen from" in said


def test_interpolate_grid_writes_table_and_picture(run: Run, trained: Path, model: MolVAE) -> None:
    words = ("--seed", 1, "--model", trained, "--out", "grid.csv", "--picture", "grid.png", "--no-properties")
    code, _ = run("interpolate-grid", A, B, C, D, "--rows", 3, "--columns", 3, *words)
    frame = pd.read_csv("grid.csv", keep_default_na=False)
    expected = model.interpolate_grid([A, B, C, D], 3, 3, seed=1, properties=())
    assert frame["smiles"].tolist() == expected["smiles"].tolist()
    assert Path("grid.png").read_bytes().startswith(b"\x89PNG")
    assert code == (0 if expected.attrs["found"] == 9 else 3)


def test_a_molecule_to_itself_is_told(run: Run, trained: Path) -> None:
    code, said = run("interpolate", A, "COc1ccccc1C", "--model", trained, "--out", "one.csv", "--picture", "one.png")
    assert code == 0
    assert "the same molecule: one step" in said
    assert pd.read_csv("one.csv")["smiles"].tolist() == [Chem.CanonSmiles(A)]


def test_a_walk_done_in_part_ends_with_code_3(run: Run, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCKS", 1)
    monkeypatch.setattr(module, "_PATIENCE", 1)
    code, said = run("interpolate", A, B, "--steps", 600, "--model", trained, "--seed", 1, "--out", "part.csv", "--no-properties")
    assert code == 3
    assert f"only {len(pd.read_csv('part.csv'))} of 600 different steps found" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("aspirin", B), "'aspirin' cannot be encoded: not a SMILES"),
        ((A, "[U]"), "'[U]' cannot be encoded: "),
        ((A, "C" * 3000), "cannot be encoded: too large"),
        ((A, B, "--method", "spline"), "method is 'spline'"),
        ((A, B, "--picture", "walk.gif"), "walk.gif: a picture is .png or .svg"),
        ((A, B, "--steps", 1), "Invalid value for '--steps'"),
    ],
)
def test_what_cannot_be_done_is_told(words: tuple[object, ...], message: str, run: Run, trained: Path) -> None:
    code, said = run("interpolate", *words, "--model", trained)
    assert code == 2
    assert message in said
