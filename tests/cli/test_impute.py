"""`molvae impute`: what it says, what it writes, and the code it ends with."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from molvae import MolVAE

Run = Callable[..., Any]


@pytest.fixture
def run(run: Run, trained: Path) -> Run:
    """Runs `molvae impute` with some words."""
    return partial(run, "impute", "--model", trained)


@pytest.fixture
def table(smiles: list[str], run: Run) -> Path:
    """60 molecules, the last without a SMILES, with two columns of which a third is missing and one that is complete."""
    random = np.random.default_rng(0)
    base = random.standard_normal(60)
    values = {"a": base, "b": base + 0.3 * random.standard_normal(60)}
    frame = pd.DataFrame(
        {"Structure": [*smiles[:59], "nonsense"], **{k: pd.Series(v).mask(random.random(60) < 0.33) for k, v in values.items()}}
    )
    frame.assign(whole=random.standard_normal(60)).to_csv("table.csv", index=False)
    return Path("table.csv")


def test_the_command_does_what_the_method_does(run: Run, table: Path, model: MolVAE) -> None:
    done = run(table, "--columns", "a, b", "--seed", 3, "--out", "out.csv", "--json", "out.json")
    expected = model.impute(table, columns=["a", "b"], seed=3)
    assert done.code == 0
    written = pd.read_csv("out.csv", dtype=str, keep_default_na=False)
    assert list(written) == list(expected.frame)
    assert (written["a"] == expected.frame["a"]).all()
    facts = json.loads(Path("out.json").read_text())
    assert facts["columns"]["b"] == expected.figures["b"]
    assert facts["filled"] == expected.frame[["a_imputed", "b_imputed"]].sum().sum()
    assert facts["not_encoded"] == 1
    assert "1 molecules cannot be encoded" in done.err
    assert f"{expected.figures['a']['rmse']:.3g}" in done.err


def test_every_column_of_numbers_without_names_and_csv_to_the_screen(run: Run, table: Path) -> None:
    done = run(table)
    assert done.code == 0
    assert done.out.splitlines()[0] == "Structure,a,a_sd,a_imputed,b,b_sd,b_imputed,whole,not_encoded"
    assert len(done.out.splitlines()) == 61


def test_a_table_without_gaps_is_written_as_it_was(run: Run, table: Path) -> None:
    done = run(table, "--columns", "whole", "--out", "out.csv", "--json", "out.json")
    assert done.code == 0
    assert "nothing is missing" in done.err
    pd.testing.assert_frame_equal(pd.read_csv("out.csv").drop(columns="not_encoded"), pd.read_csv(table))
    assert json.loads(Path("out.json").read_text())["columns"]["whole"] == {"known": 60, "missing": 0}


def test_an_sdf_is_written_from_any_column_of_smiles(run: Run, table: Path) -> None:
    done = run(table, "--columns", "a,b", "--out", "out.sdf")
    assert done.code == 0
    assert Path("out.sdf").read_text().count("<a_imputed>") == 60


BAD = {
    "no file": (["absent.csv"], "absent.csv: no such file"),
    "no column": (["table.csv", "--columns", "c"], "no column 'c'; the file has: Structure, a, b, whole"),
    "no SMILES column": (["table.csv", "--column", "c"], "no column 'c'"),
    "twice": (["table.csv", "--columns", "a,a"], "asked for twice"),
    "suffix": (["table.csv", "--out", "a.xyz"], "unknown suffix"),
    "words": (["table.csv", "--columns", "Structure,a"], "row 1"),
    "empty": (["empty.csv"], "no column of numbers"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_is_told(what: str, run: Run, table: Path) -> None:
    pd.read_csv(table).assign(a=None, b=None).drop(columns="whole").to_csv("empty.csv", index=False)
    words, message = BAD[what]
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
