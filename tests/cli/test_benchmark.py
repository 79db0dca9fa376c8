"""`molvae benchmark pmo`: what it writes, how it goes on, and the code it ends with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
WORDS = ["--tasks", "qed,isomers_c7h8n2o2", "--seeds", 1, "--budget", 40, "--method", "stoned"]


def test_it_writes_results_and_a_table_and_goes_on(run: Run, trained: Path) -> None:
    done = run("benchmark", "pmo", *WORDS, "--model", trained, "--out", "pmo", "--json", "all.json")
    assert (done.code, done.out) == (0, "")
    assert "qed 0: AUC top 10" in done.err
    assert "sum over 2 tasks" in done.err
    figures = json.loads(Path("all.json").read_text())
    assert figures == json.loads(Path("pmo/pmo.json").read_text())
    assert figures["sums_auc_top10"]["molvae"] == pytest.approx(sum(task["auc_top10"] for task in figures["tasks"].values()))
    assert figures["sums_auc_top10"]["Graph GA"] == pytest.approx(0.940 + 0.862)
    assert "| qed | 1 |" in Path("pmo/pmo.md").read_text()
    before = Path("pmo/qed-0/result.json").read_bytes()
    again = run("benchmark", "pmo", *WORDS, "--model", trained, "--out", "pmo")
    assert (again.code, "there already" in again.err) == (2, True)
    more = run("benchmark", "pmo", *WORDS[:2], "--seeds", 2, *WORDS[4:], "--model", trained, "--out", "pmo", "--resume")
    assert more.code == 0
    assert Path("pmo/qed-0/result.json").read_bytes() == before
    assert json.loads(Path("pmo/pmo.json").read_text())["tasks"]["qed"]["seeds"] == [0, 1]


def test_a_missing_model_and_an_unknown_task_are_said(run: Run, trained: Path) -> None:
    missing = run("benchmark", "pmo", *WORDS, "--model", "no-such-model")
    assert (missing.code, "no-such-model is neither a folder nor a bundled model" in missing.err) == (2, True)
    unknown = run("benchmark", "pmo", "--tasks", "logp", "--model", trained)
    assert (unknown.code, "PMO has no task logp" in unknown.err) == (2, True)
    assert not Path("runs").exists()


def test_ctrl_c_says_how_to_go_on(run: Run, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("molvae.optimize.benchmark.run_campaign", interrupted)
    done = run("benchmark", "pmo", *WORDS, "--model", trained)
    assert (done.code, "0 of 2 runs finished; the same command with --resume goes on" in done.err) == (130, True)
