"""PMO: the protocol's figures, what is kept on resuming, and the table beside the published ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from molvae.errors import CheckpointError, DataError
from molvae.optimize import benchmark as pmo
from molvae.optimize.benchmark import Benchmark, chosen_tasks, run_pmo
from molvae.optimize.campaign import Outcome
from molvae.optimize.curves import auc_top
from molvae.optimize.journal import read_journal
from molvae.optimize.methods.base import Method
from molvae.optimize.oracles import PMO, oracle
from molvae.optimize.oracles.base import Oracle
from molvae.optimize.results import Result, diversity
from molvae.optimize.standings import Standings, published


@pytest.fixture
def small(trained: Path) -> Benchmark:
    return Benchmark(("qed", "isomers_c7h8n2o2"), seeds=2, budget=30, model=str(trained), method="stoned", batch=10)


def mol_opt_auc(scores: Sequence[float], top: int, calls: int) -> float:
    """As the benchmark's own code defines it: the curve at each 100 calls, then at the end, filled with the last value."""
    area = before = 0.0
    at = 0
    for at in range(100, min(len(scores), calls), 100):
        now = sum(sorted(scores[:at], reverse=True)[:top]) / min(top, at)
        area, before = area + 100 * (now + before) / 2, now
    last = (len(scores) - 1) // 100 * 100
    now = sum(sorted(scores, reverse=True)[:top]) / min(top, len(scores))
    area += (len(scores) - last) * (now + before) / 2
    return (area + (calls - len(scores)) * now) / calls


@pytest.mark.parametrize("made", [1, 99, 100, 101, 777, 1000])
def test_the_area_is_that_of_the_benchmark(made: int) -> None:
    scores = [((71 * place) % 997) / 997 for place in range(made)]
    for top in (1, 10, 100):
        assert auc_top(scores, 1000, top) == pytest.approx(mol_opt_auc(scores, top, 1000))


def test_results_are_of_the_journals_and_a_table_stands_over_them(small: Benchmark, tmp_path: Path) -> None:
    results = run_pmo(small, tmp_path)
    assert [(result.task, result.seed) for result in results] == small.pairs()
    for result in results:
        _, entries = read_journal(tmp_path / f"{result.task}-{result.seed}/journal.jsonl")
        assert len(entries) == result.calls == result.timed == 30
        answers = oracle(f"pmo:{result.task}")([entry.smiles for entry in entries])
        assert [entry.value for entry in entries] == [answer.value for answer in answers]
        assert result.auc["10"] == auc_top([entry.value for entry in entries], 30)
        assert result.top["1"] == max(entry.value or 0 for entry in entries) >= result.top["10"] >= result.top["100"]
        assert (result.duplicates, result.failures) == (0, 0)
    standings = Standings.of(small, tmp_path)
    mine = sum(result.auc["10"] for result in results) / 2
    assert standings.sums()["molvae"] == pytest.approx(mine)
    assert standings.sums()["NF-BO"] == pytest.approx(0.941 + 0.748)
    standings.write(tmp_path)
    page = (tmp_path / "pmo.md").read_text()
    assert f"| **sum of 2** |  | **{mine:.3f}** |" in page
    assert "Not the whole of PMO" in page
    assert "| 0.0% |" in page.split("calls spent on repeats")[1]
    assert json.loads((tmp_path / "pmo.json").read_text())["tasks"]["qed"]["seeds"] == [0, 1]


def test_a_campaign_that_was_stopped_goes_on(small: Benchmark, tmp_path: Path) -> None:
    whole = run_pmo(replace(small, seeds=1), tmp_path / "whole")
    begun = run_pmo(replace(small, seeds=1, budget=20), tmp_path / "parts")
    assert [result.calls for result in begun] == [20, 20]
    (tmp_path / "parts/qed-0/result.json").unlink()  # killed before its end
    with pytest.raises(DataError, match=r"qed-0 is there already: resume"):
        run_pmo(replace(small, seeds=1), tmp_path / "parts")
    went_on = run_pmo(replace(small, seeds=1), tmp_path / "parts", resume=True)
    assert [result.timed for result in went_on] == [10, 10]
    for one, other in zip(whole, went_on, strict=True):
        assert (one.auc, one.top, one.best, one.diversity) == (other.auc, other.top, other.best, other.diversity)


def test_what_is_finished_is_not_run_again_and_must_be_of_the_same_benchmark(
    small: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_pmo(replace(small, seeds=1), tmp_path)
    with pytest.raises(DataError, match="belongs to another benchmark: method: stoned there, random now"):
        run_pmo(replace(small, method="random"), tmp_path, resume=True)
    with pytest.raises(DataError, match="has a budget of 30, more than 20"):
        run_pmo(replace(small, seeds=1, budget=20), tmp_path, resume=True)
    with monkeypatch.context() as patch:
        patch.setattr(pmo, "run_campaign", None)
        assert run_pmo(replace(small, seeds=1), tmp_path, resume=True) == first
    assert not Standings.of(replace(small, method="random"), tmp_path).results


def test_a_campaign_that_fails_leaves_the_others_alone(small: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small, run = replace(small, seeds=1), pmo.run_campaign

    def broken(searcher: Method, asked: Oracle, folder: Path, **rest: Any) -> Outcome:
        if folder.name == "qed-0":
            raise ZeroDivisionError("division by zero")
        return run(searcher, asked, folder, **rest)

    seen: list[Result] = []
    with monkeypatch.context() as patch:
        patch.setattr(pmo, "run_campaign", broken)
        with pytest.raises(DataError, match="1 of 2 runs failed, the others are finished: qed 0: division by zero"):
            run_pmo(small, tmp_path, ended=seen.append)
    assert [result.task for result in seen] == ["isomers_c7h8n2o2"]
    assert "ZeroDivisionError" in (tmp_path / "qed-0/error.txt").read_text()
    assert [result.calls for result in run_pmo(small, tmp_path, resume=True)] == [30, 30]
    assert not (tmp_path / "qed-0/error.txt").exists()


def test_processes_change_nothing(small: Benchmark, tmp_path: Path) -> None:
    seen: list[Result] = []
    pairs = run_pmo(replace(small, seeds=1), tmp_path / "two", processes=2, ended=seen.append)
    run_pmo(replace(small, seeds=1), tmp_path / "one")
    assert {result.task for result in seen} == {result.task for result in pairs}
    for task in small.tasks:
        one, two = ((tmp_path / folder / f"{task}-0/journal.jsonl").read_bytes() for folder in ("one", "two"))
        assert one == two


def test_what_cannot_run_is_refused_before_any_work(small: Benchmark, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere is neither a folder nor a bundled model"):
        run_pmo(replace(small, model="nowhere"), tmp_path)
    with pytest.raises(DataError, match="unknown method 'luck'"):
        run_pmo(replace(small, method="luck"), tmp_path)
    with pytest.raises(DataError, match="budget 0"):
        run_pmo(replace(small, budget=0), tmp_path)
    with pytest.raises(DataError, match="no task qedd; nearest: qed"):
        chosen_tasks("qed,qedd")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file is no folder"):
        run_pmo(small, tmp_path / "file")
    (tmp_path / "file").unlink()
    with pytest.raises(DataError, match="no task in ','"):
        chosen_tasks(",")
    assert not list(tmp_path.iterdir())


def test_the_published_figures_are_whole() -> None:
    sums = {name: sum(column.values()) for name, column in published().items()}
    assert all(set(column) == set(PMO) for column in published().values())
    # sums that the papers and result pages give, to the rounding of 23 figures of three digits
    given = {"SELFIES-VAE-BO": 8.887, "JT-VAE-BO": 8.358, "Graph GA": 13.751, "NF-BO": 14.737, "Tanimoto GP": 16.304, "GenMol*": 18.362}
    assert {name: sums[name] for name in given} == pytest.approx(given, abs=0.012)
    assert chosen_tasks("all") == PMO


def test_diversity_is_of_pairs() -> None:
    assert diversity(["CCO", "CCO", "CCO"]) == pytest.approx(0)
    assert diversity(["CCO", "c1ccccc1"]) == pytest.approx(1, abs=0.2)
    assert diversity([]) is None
