"""The commands neighbors and complete: files, figures and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from molvae import MolVAE

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(run: Callable[..., Any]) -> Run:
    """Runs `molvae` with some words; the exit code and what was said."""

    def code_and_words(*words: object) -> tuple[int, str]:
        done = run(*words)
        return done.code, done.err

    return code_and_words


def test_neighbors_writes_table_picture_and_figures(run: Run, trained: Path, model: MolVAE) -> None:
    words = ("--seed", 1, "--model", trained, "--out", "near.csv", "--picture", "near.png", "--json", "near.json")
    code, said = run("neighbors", "Cc1ccccc1OC", "-n", 12, *words)
    frame = pd.read_csv("near.csv")
    assert code == 0
    assert frame["smiles"].tolist() == model.neighbors("Cc1ccccc1OC", 12, seed=1, properties=())["smiles"].tolist()
    assert sum(json.loads(Path("near.json").read_text())["spread"]) == 12
    assert Path("near.png").read_bytes().startswith(b"\x89PNG")
    assert "similarity (Tanimoto)" in said


def test_complete_writes_table_picture_and_figures(run: Run, trained: Path, model: MolVAE) -> None:
    words = ("--seed", 1, "--model", trained, "--budget", 4096, "--out", "grown.csv", "--picture", "grown.svg", "--json", "grown.json")
    code, _ = run("complete", "*c1ccccc1", "-n", 5, *words)
    assert code == 0
    expected = model.complete("*c1ccccc1", 5, seed=1, budget=4096, properties=())["smiles"].tolist()
    assert pd.read_csv("grown.csv")["smiles"].tolist() == expected
    assert json.loads(Path("grown.json").read_text())["molecules"] == 5
    assert "<svg" in Path("grown.svg").read_text()


def test_too_few_are_written_and_said(run: Run, trained: Path) -> None:
    code, said = run("complete", "FC(F)(F)F", "--budget", 1, "--model", trained, "--out", "none.csv", "--picture", "none.png")
    assert code == 3
    assert "only 0 of 100 molecules found with this scaffold within the budget" in said
    assert list(pd.read_csv("none.csv").columns[:3]) == ["smiles", "nll", "passes"]
    code, said = run("neighbors", "Cc1ccccc1OC", "-n", 2, "--min-similarity", 1, "--model", trained, "--out", "few.csv", "--no-properties")
    assert code == 3
    assert "of 2 molecules found around this molecule" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("neighbors", "nonsense"), "not a SMILES"),
        (("neighbors", "C[Si](C)(C)C"), "symbol not in the vocabulary"),
        (("neighbors", "CCO", "--radius", "0"), "expected a positive number"),
        (("neighbors", "CCO", "--picture", "a.gif"), "a picture is .png or .svg"),
        (("complete", "nonsense"), "neither SMILES nor SMARTS"),
        (("complete", "CCO", "--budget", "soon"), "expected seconds such as 20s"),
    ],
)
def test_bad_input_ends_with_a_sentence(words: tuple[str, ...], message: str, run: Run, trained: Path) -> None:
    code, said = run(*words, "--model", trained)
    assert code == 2
    assert message in said
