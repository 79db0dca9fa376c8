"""`molvae evaluate`: what it says, what it writes, and the code it ends with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from molvae.evaluate import chemnet, judge

Run = Callable[..., Any]


@pytest.fixture
def run(run: Run, monkeypatch: pytest.MonkeyPatch, smiles: list[str]) -> Run:
    """Runs `molvae evaluate` in a folder with samples.csv and known.smi, without ChemNet."""
    monkeypatch.setattr(chemnet, "available", lambda: False)
    Path("samples.csv").write_text("\n".join(["smiles", *smiles[60:160], smiles[60], "CC(", ""]) + "\nCCO\n")
    Path("known.smi").write_text("\n".join(smiles[:120]) + "\n")
    return partial(run, "evaluate")


def test_it_says_what_it_found_and_what_it_did_not(run: Run) -> None:
    done = run("samples.csv", "--reference", "known.smi", "--jobs", 1)
    assert (done.code, done.out) == (3, "")
    for said in (
        "samples.csv, compared with known.smi: 104 rows, 102 valid, 101 different, 1 repeats", "refused: not a SMILES: 1",
        "refused: empty: 1", "IntDiv2", "0.9808", "needs 1,000 valid samples, got 102",
        "GuacaMol validity: needs 10,000 rows, got 104", "MOSES FCD/Reference: needs the extra: pip install 'molvae[evaluate]'",
    ):  # fmt: skip
        assert said in done.err
    assert "latent" not in done.err


def test_it_writes_both_reports(run: Run, trained: Path) -> None:
    words = ["samples.csv", "--reference", "known.smi", "--model", trained, "--html", "new/out.html", "--json", "out.json", "--seed", 3]
    done = run(*words)
    assert done.code == 3
    assert "latent: alive: 4 of 4 dimensions carry" in done.err
    assert "caution: the model was trained on 100% of the molecules" in done.err
    assert "written: new/out.html" in done.err
    content = json.loads(Path("out.json").read_text())
    assert content["samples"]["refused"] == {"not a SMILES": 1, "empty": 1}
    assert content["settings"]["seed"] == 3
    assert content["settings"]["model"] == str(trained)
    assert content["latent"]["values"]["iwae"] <= content["latent"]["values"]["elbo"]
    assert content["settings"]["verdict"] in Path("new/out.html").read_text()


def _complete(monkeypatch: pytest.MonkeyPatch, rows: list[str]) -> None:
    """So that nothing is missing: fewer molecules asked for, the FCD left to the parts that are tested with ChemNet."""
    evaluate = judge.evaluate

    def without_missing(*given: object, **options: object) -> object:
        from dataclasses import replace

        found = evaluate(*given, **options)  # type: ignore[arg-type]
        return replace(found, moses=replace(found.moses, missing={}), guacamol=replace(found.guacamol, missing={}))

    monkeypatch.setattr(judge, "evaluate", without_missing)
    Path("rows.smi").write_text("\n".join(rows) + "\n")


def test_code_0_when_every_row_is_valid_and_nothing_is_missing(run: Run, smiles: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _complete(monkeypatch, smiles[:30])
    done = run("rows.smi", "--reference", "known.smi")
    assert done.code == 0
    assert "not computed" not in done.err


def test_code_3_when_a_row_was_refused(run: Run, smiles: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _complete(monkeypatch, [*smiles[:30], "CC("])
    assert run("rows.smi", "--reference", "known.smi").code == 3


def test_columns(run: Run, smiles: list[str]) -> None:
    Path("a.csv").write_text("left,right\n" + "\n".join(f"{a},{b}" for a, b in zip(smiles[:20], smiles[10:30], strict=True)) + "\n")
    done = run("a.csv", "--reference", "a.csv", "--column", "left", "--reference-column", "right", "--json", "out.json")
    assert done.code == 3
    assert json.loads(Path("out.json").read_text())["moses"]["values"]["Novelty"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.csv", "--reference", "known.smi"], "none.csv: no such file"),
        (["samples.csv", "--reference", "none.smi"], "none.smi: no such file"),
        (["empty.smi", "--reference", "known.smi"], "empty.smi has no rows"),
        (["samples.csv", "--reference", "bad.smi"], "bad.smi holds no valid molecule in 2 rows"),
        (["samples.csv", "--reference", "known.smi", "--column", "ligand"], "no column 'ligand'"),
        (["samples.csv", "--reference", "known.smi", "--model", "nonesuch"], "nonesuch is neither a folder nor a bundled model"),
        (["samples.xyz", "--reference", "known.smi"], "unknown suffix '.xyz'"),
        (["samples.csv", "--reference", "known.smi", "--json", "folder"], "folder is a directory"),
        (["samples.csv", "--reference", "known.smi", "--html", "known.smi/out.html"], "known.smi is not a folder"),
        (["samples.csv", "--seed", "-1"], "Invalid value"),
    ],
)
def test_what_cannot_be_used_ends_with_code_2(words: list[str], said: str, run: Run) -> None:
    Path("empty.smi").write_text("")
    Path("bad.smi").write_text("x\ny\n")
    Path("folder").mkdir()
    done = run(*words)
    assert done.code == 2
    assert said in done.err


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind here")
def test_a_folder_without_permission_is_refused_before_any_work(run: Run) -> None:
    Path("locked").mkdir(mode=0o500)
    done = run("none.csv", "--json", "locked/out.json")
    assert done.code == 2
    assert "no permission to write in" in done.err


def test_all_rows_invalid_is_a_result(run: Run) -> None:
    Path("bad.smi").write_text("x\ny\n")
    done = run("bad.smi", "--reference", "known.smi", "--json", "out.json")
    assert done.code == 3
    content = json.loads(Path("out.json").read_text())
    assert content["moses"]["values"] == {"valid": 0}
    assert content["samples"]["refused"] == {"not a SMILES": 2}
