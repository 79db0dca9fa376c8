"""`molvae sample --where`: what it says, what it writes, and the code it ends with."""

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
    """Runs `molvae sample` with some words."""
    return partial(run, "sample")


def test_the_command_does_what_the_method_does(run: Run, trained: Path, model: MolVAE) -> None:
    words = ["--where", "TPSA=40..60,heavy_atoms>=8", "-n", 110, "--seed", 3, "--novel", "--model", trained]
    done = run(*words, "--out", "out.csv", "--picture", "grid.svg", "--json", "out.json")
    expected = model.sample(110, where="TPSA=40..60,heavy_atoms>=8", seed=3, novel=True)
    assert done.code == 0
    frame = pd.read_csv("out.csv")
    pd.testing.assert_frame_equal(frame[list(expected.columns)], expected)
    assert list(frame.columns).count("TPSA") == 1 and {"logP", "QED"} <= set(frame.columns)
    assert "110 of 110 molecules with TPSA=40..60,heavy_atoms>=8 in" in done.err
    assert "by rejection sampling from the prior" in done.err and "by the search" in done.err
    assert "100.0% novel" in done.err
    about = json.loads(Path("out.json").read_text())
    assert (about["found"], about["drawn"]) == (110, expected.attrs["drawn"])
    assert about["rejection"] == expected.attrs["rejection"]
    picture = Path("grid.svg").read_text()
    assert "<svg" in picture


def test_too_few_are_said_and_written(run: Run, trained: Path) -> None:
    words = ["--where", "rings=1", "-n", 900, "--seed", 1, "--budget", 512, "--model", trained, "--no-properties"]
    done = run(*words, "--out", "out.csv")
    assert done.code == 3
    found = len(pd.read_csv("out.csv"))
    assert 0 < found < 900
    assert f"only {found} of 900 were found within 512 decodings" in done.err
    assert list(pd.read_csv("out.csv").columns) == ["smiles", "valid", "survives", "novel", "duplicate", "rings"]


def test_nothing_found_is_said_and_an_empty_table_written(run: Run, trained: Path) -> None:
    done = run(
        "--where", "MW>900", "-n", 5, "--budget", 600, "--model", trained, "--out", "out.csv", "--picture", "a.png", "--json", "b.json"
    )
    assert done.code == 3
    assert "only 0 of 5 were found" in done.err and "less than 1 in 600 by rejection sampling" in done.err
    assert len(pd.read_csv("out.csv")) == 0
    assert not Path("a.png").exists()
    assert json.loads(Path("b.json").read_text())["gain"] is None


BAD = {
    "unknown": (["--where", "logp>2"], "unknown property 'logp'"),
    "nearest": (["--where", "logp>2"], "nearest: logP"),
    "empty": (["--where", ""], "cannot be understood; expected name=a..b"),
    "upside down": (["--where", "logP=3..2"], "no number is both"),
    "contradiction": (["--where", "QED>0.9,QED<0.5"], "QED>0.9 and QED<0.5: no number is both"),
    "bounds": (["--where", "QED>1.2"], "QED lies between 0 and 1"),
    "a point": (["--where", "logP=2"], "give a range such as logP=1..2"),
    "raw": (["--where", "logP>2", "--raw"], "raw, critic and repeats do not go with where"),
    "critic": (["--where", "logP>2", "--critic"], "raw, critic and repeats do not go with where"),
    "budget": (["--where", "logP>2", "--budget", 0], "'--budget'"),
    "budget alone": (["--budget", 5], "a budget of 5 decodings goes with where only"),
    "prior": (["--where", "logP>2", "--prior", "learned"], "no learned prior"),
    "suffix": (["--where", "logP>2", "--out", "a.xyz"], "unknown suffix"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_is_told(what: str, run: Run, trained: Path) -> None:
    words, message = BAD[what]
    done = run(*words, "-n", 5, "--model", trained)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_windows_are_judged_before_a_model_is_read(run: Run) -> None:
    done = run("--where", "logP=3..2", "--model", "no such model")
    assert done.code == 2
    assert "no number is both" in done.err
