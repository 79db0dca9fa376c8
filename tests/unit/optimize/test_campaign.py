"""The loop: an exact budget, nothing asked twice, failures that stay failures, and a resume that changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from molvae.errors import DataError
from molvae.optimize.campaign import Progress, run_campaign
from molvae.optimize.journal import read_journal
from molvae.optimize.oracles.base import Answer

RECIPE = {"method": "longer"}


class Longer:
    """Proposes carbon chains, each longer than all told before; knows what it was told and how."""

    def __init__(self, longest: int = 1000) -> None:
        self.told: list[tuple[str, ...]] = []
        self.longest = longest

    def ask(self, n: int) -> list[str]:
        first = sum(map(len, self.told)) + 1
        return ["C" * size for size in range(first, min(first + n, self.longest + 1))]

    def tell(self, smiles: Sequence[str], scores: Sequence[float | None]) -> None:
        self.told.append(tuple(smiles))


def length(smiles: Sequence[str]) -> list[Answer]:
    """Fails for every fifth molecule, by turns openly and with NaN."""
    wrong = {0: Answer(None, "it hung"), 5: Answer(float("nan"))}
    return [wrong.get(len(text) % 10, Answer(float(len(text)))) for text in smiles]


def run(folder: Path, method: Longer | None = None, budget: int = 23, **options: object) -> object:
    given: dict[str, object] = {"recipe": RECIPE, "batch": 5, "picture": False} | options
    scorer = given.pop("scorer", length)
    return run_campaign(method or Longer(), scorer, folder, budget=budget, **given)  # type: ignore[arg-type]


def test_the_budget_is_exact_and_all_is_written(tmp_path: Path) -> None:
    seen: list[Progress] = []
    outcome = run_campaign(Longer(), length, tmp_path, recipe=RECIPE, budget=23, batch=5, progress=seen.append)
    assert [entry.smiles for entry in outcome.entries] == ["C" * size for size in range(1, 24)]
    assert [progress.calls for progress in seen] == [5, 10, 15, 20, 23]
    assert seen[-1].best == 23
    assert not outcome.exhausted
    failures = {entry.call: entry.problem for entry in outcome.entries if entry.value is None}
    assert failures == {5: "the scorer gave nan", 10: "it hung", 15: "the scorer gave nan", 20: "it hung"}
    table = pd.read_csv(tmp_path / "best.csv")
    assert table["score"].tolist() == [*range(23, 20, -1), *range(19, 15, -1), *range(14, 10, -1), *range(9, 5, -1), *range(4, 0, -1)]
    assert (tmp_path / "best.sdf").read_text().count("$$$$") == 19
    assert (tmp_path / "progress.png").read_bytes().startswith(b"\x89PNG")


def test_a_resumed_campaign_is_the_uninterrupted_one(tmp_path: Path) -> None:
    run(tmp_path / "whole")
    run(tmp_path / "parts", budget=10)
    asked: list[str] = []
    method = Longer()

    def scorer(smiles: Sequence[str]) -> list[Answer]:
        asked.extend(smiles)
        return length(smiles)

    run(tmp_path / "parts", method, resume=True, scorer=scorer)
    assert asked == ["C" * size for size in range(11, 24)]
    assert [len(told) for told in method.told] == [5, 5, 5, 5, 3]
    assert (tmp_path / "whole/journal.jsonl").read_bytes() == (tmp_path / "parts/journal.jsonl").read_bytes()


def test_a_method_that_runs_dry_ends_the_campaign(tmp_path: Path) -> None:
    outcome = run_campaign(Longer(longest=7), length, tmp_path, recipe=RECIPE, budget=100, batch=5, picture=False)
    assert len(outcome.entries) == 7
    assert outcome.exhausted


@pytest.mark.parametrize(
    ("proposals", "says"),
    [(["OCC"], "not canonical"), (["C", "C"], "2 molecules of which 1"), (["xyz"], "not a SMILES"), (["C"] * 9, "9 molecules where 5")],
)
def test_bad_proposals_cost_no_call(tmp_path: Path, proposals: list[str], says: str) -> None:
    class Bad(Longer):
        def ask(self, n: int) -> list[str]:
            return proposals

    with pytest.raises(DataError, match=says):
        run(tmp_path, Bad())
    assert read_journal(tmp_path / "journal.jsonl")[1] == []


def test_a_molecule_asked_before_is_refused(tmp_path: Path) -> None:
    class Repeats(Longer):
        def ask(self, n: int) -> list[str]:
            return ["CCO"]

    with pytest.raises(DataError, match="'CCO', which was asked before"):
        run(tmp_path, Repeats())
    assert len(read_journal(tmp_path / "journal.jsonl")[1]) == 1


def test_bad_settings_and_scorers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="budget 0"):
        run(tmp_path, budget=0)
    with pytest.raises(DataError, match="gave 1 answers to 5 molecules"):
        run(tmp_path / "few", scorer=lambda smiles: [Answer(1.0)])
    run(tmp_path / "done")
    with pytest.raises(DataError, match="23 calls, more than the budget of 22"):
        run(tmp_path / "done", budget=22, resume=True)
    with pytest.raises(DataError, match="batch: 5 in the journal, 6 now; method: longer in the journal, random now"):
        run(tmp_path / "done", recipe={"method": "random"}, batch=6, resume=True)
    with pytest.raises(DataError, match="there already"):
        run(tmp_path / "done")


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from test_campaign import Longer, length, run
def scorer(smiles):
    if len(smiles[0]) > 15:
        os.kill(os.getpid(), signal.SIGKILL)
    return length(smiles)
run(__import__("pathlib").Path(sys.argv[1]), scorer=scorer)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_campaign_killed_while_the_oracle_works_goes_on(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "killed"), str(Path(__file__).parent)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(read_journal(tmp_path / "killed/journal.jsonl")[1]) == 15
    run(tmp_path / "killed", resume=True)
    run(tmp_path / "whole")
    assert (tmp_path / "whole/journal.jsonl").read_bytes() == (tmp_path / "killed/journal.jsonl").read_bytes()
