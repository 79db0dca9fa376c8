"""The command optimize: its folder, how it ends, what it refuses, and that a kill loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

Run = Callable[..., Any]

WISH = '[[term]]\nproperty = "logP"\ngoal = "maximize"\n'
FEW = '[objective]\nguard = false\n[campaign]\nbudget = 40\nmethod = "random"\n'


@pytest.fixture
def campaign(trained: Path) -> Callable[..., str]:
    """Writes a recipe with the tiny model; returns its name."""

    def write(text: str = FEW + WISH, name: str = "mine.toml", more: str = "") -> str:
        Path(name).write_text(text.replace("[campaign]", f'[campaign]\nmodel = "{trained}"\n{more}'))
        return name

    return write


def test_a_campaign_from_a_recipe_to_its_folder(run: Run, campaign: Callable[..., str]) -> None:
    done = run("optimize", campaign(more="max_similarity = 0.5\ntop = 3\n"), "--json", "figures.json")
    assert done.code == 0, done.err
    best = pd.read_csv("runs/mine/best.csv")
    figures = json.loads(Path("figures.json").read_text())
    assert figures["calls"] == figures["budget"] == 40
    assert figures["best"] == pytest.approx(best["score"].max())
    assert figures["smiles"] == best["smiles"].head(10).tolist()
    assert best["logP"].to_numpy() == pytest.approx(best["score"].to_numpy()), "the score of one wish is the value itself"
    assert 1 <= len(pd.read_csv("runs/mine/diverse.csv")) <= 3
    assert {path.name for path in Path("runs/mine").iterdir()} == {
        "best.csv", "best.sdf", "campaign.json", "diverse.csv", "journal.jsonl", "progress.png", "report.html",
    }  # fmt: skip
    page = Path("runs/mine/report.html").read_text()
    assert best["smiles"][0] in page
    assert 'src="http' not in page
    assert "<script" not in page


def test_flags_count_more_than_the_recipe(run: Run, campaign: Callable[..., str]) -> None:
    done = run("optimize", campaign(), "--budget", 15, "--method", "stoned", "--seed", 3, "--out", "other")
    assert done.code == 0, done.err
    recipe = json.loads(Path("other/campaign.json").read_text())["campaign"]
    assert (recipe["budget"], recipe["method"], recipe["seed"]) == (15, "stoned", 3)


def test_a_front_is_written_where_wishes_are_kept_apart(run: Run, campaign: Callable[..., str]) -> None:
    text = FEW.replace("guard = false", 'guard = false\ncombine = "pareto"') + WISH + '[[term]]\nproperty = "MW"\ngoal = "minimize"\n'
    assert run("optimize", campaign(text)).code == 0
    front = pd.read_csv("runs/mine/front.csv").sort_values("logP_part")
    assert front["MW_part"].is_monotonic_decreasing, "more of one is less of the other"
    assert Path("runs/mine/front.png").read_bytes().startswith(b"\x89PNG")


def test_molecules_stay_near_a_lead(run: Run, campaign: Callable[..., str]) -> None:
    more = 'lead = "Cc1ccccc1OC"\nmin_similarity = 0.3\n'
    done = run("optimize", campaign(more=more, text=FEW.replace("random", "evolve") + WISH), "--budget", 20)
    assert done.code in (0, 3), done.err
    best = pd.read_csv("runs/mine/best.csv")
    assert best.filter(like="similarity to the lead").iloc[:, 0].min() >= 0.3
    assert "COc1ccccc1C" in best["smiles"].tolist(), "the lead itself is asked"


def test_a_file_of_molecules_to_begin_with(run: Run, campaign: Callable[..., str]) -> None:
    Path("leads.smi").write_text("c1ccccc1CCCCCCCC\nnonsense\n")
    assert run("optimize", campaign(more='start_file = "leads.smi"\n'), "--budget", 5).code == 0
    assert pd.read_csv("runs/mine/best.csv").set_index("smiles")["call"].to_dict()["CCCCCCCCc1ccccc1"] == 1
    Path("leads.smi").write_text("nonsense\n")
    done = run("optimize", campaign(more='start_file = "leads.smi"\n'), "--out", "none")
    assert done.code == 2
    assert "leads.smi holds no molecule to begin with" in done.err


ORACLES = """
import itertools, time
_turn = itertools.count()
def every_other(smiles):
    if next(_turn) % 2:
        raise ValueError("<b>no luck</b>")
    return float(len(smiles))
def never(smiles):
    raise ValueError("out of order")
def text(smiles):
    return "high" if next(_turn) % 3 else 1.0
def nan(smiles):
    return float("nan") if next(_turn) % 3 else 1.0
def slow(smiles):
    time.sleep(0.05)
    return float(len(smiles))
"""


def asks(oracle: str) -> str:
    return FEW + f'[[term]]\noracle = "{oracle}"\ngoal = "maximize"\nbad = 0\ngood = 50\n'


@pytest.mark.parametrize("function", ["every_other", "text", "nan"])
def test_failures_are_no_scores_and_said(run: Run, campaign: Callable[..., str], function: str) -> None:
    name = f"oracles_{function}"
    Path(f"{name}.py").write_text(ORACLES)
    done = run("optimize", campaign(asks(f"python:{name}.{function}")))
    assert done.code == 3
    assert "of 40 calls failed" in done.err
    page = Path("runs/mine/report.html").read_text()
    assert "Calls without a score" in page
    assert "<b>no luck" not in page, "what an oracle says is text, not markup"


def test_an_oracle_that_never_answers_ends_the_campaign(run: Run, campaign: Callable[..., str]) -> None:
    Path("oracles_never.py").write_text(ORACLES)
    done = run("optimize", campaign(asks("python:oracles_never.never"), more="batch = 5\n"))
    assert done.code == 2
    assert "none of the first 15 molecules has a score" in done.err
    assert "out of order" in done.err


def test_commands_that_hang_or_say_too_little_fail(run: Run, campaign: Callable[..., str]) -> None:
    for command in ("sleep 30", "head -n 1"):
        done = run("optimize", campaign(asks(f"command:{command}"), more="batch = 2\ntimeout = 0.2\n"), "--out", command.split()[0])
        assert done.code == 2, command
        assert "none of the first 6 molecules has a score" in done.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WISH.replace("logP", "logp"), "nearest: logP"),
        ('[campaign]\nmethod = "evolv"\n' + WISH, "no such method; nearest: evolve"),
        ('[campaign]\nbudgt = 3\n' + WISH, "unknown key budgt; nearest: budget"),
        ('[campaing]\nbudget = 3\n' + WISH, "unknown table campaing; nearest: campaign"),
        ('[campaign]\noptions = {childen = 3}\n' + WISH, "no option 'childen'; nearest: children"),
        ('[campaign]\nbudget = 0\n' + WISH, "budget is 0"),
        ('[campaign]\nmin_similarity = 0.5\n' + WISH, "there is no lead"),
        ('[campaign]\nlead = "[Fe]"\n' + WISH, "the lead '[Fe]' cannot be encoded"),
        (WISH + '[[term]]\nproperty = "logP"\nlow = 3\nhard = true\n[[term]]\nproperty = "logP"\nhigh = 2\nhard = true\n', "contradict"),
        ('[[term]]\noracle = "pmo:celecoxib"\n', "nearest"),
        ("[[term", "is not TOML"),
        ("", "no terms"),
    ],
)  # fmt: skip
def test_bad_recipes_are_refused_before_the_first_call(run: Run, campaign: Callable[..., str], text: str, message: str) -> None:
    done = run("optimize", campaign(text), "--out", "out")
    assert done.code == 2
    assert message in done.err
    assert not Path("out/journal.jsonl").exists()


def test_a_missing_recipe_is_named(run: Run) -> None:
    done = run("optimize", "nowhere.toml")
    assert done.code == 2
    assert "nowhere.toml cannot be read" in done.err


def test_resume_refuses_what_is_not_the_same(run: Run, campaign: Callable[..., str]) -> None:
    assert run("optimize", campaign(), "--budget", 20).code == 0
    journal = Path("runs/mine/journal.jsonl")
    whole = journal.read_bytes()
    done = run("optimize", campaign(), "--budget", 30)
    assert done.code == 2
    assert "holds a campaign already; go on with it (--resume)" in done.err
    done = run("optimize", campaign(), "--resume", "--seed", 9)
    assert done.code == 2
    assert "seed: 1 in the journal, 9 now" in done.err
    journal.write_bytes(whole.replace(b"smiles", b"smilez", 1))
    done = run("optimize", campaign(), "--resume")
    assert done.code == 2
    assert "line 2 is damaged" in done.err
    journal.write_bytes(whole[:-10])
    done = run("optimize", campaign(), "--resume", "--budget", 30)
    assert done.code == 0, done.err
    assert "the last line was cut off" in done.err
    asked = [json.loads(line)["smiles"] for line in journal.read_bytes().splitlines()[1:]]
    assert asked[:20] == [json.loads(line)["smiles"] for line in whole.splitlines()[1:]], "what was cut off is asked again"
    assert len(asked) == 30


def test_a_full_disk_leaves_the_journal_whole(run: Run, campaign: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    real, written = os.write, []

    def full(file: int, data: Any) -> int:
        if len(data) > 500:  # a batch; not what a pipe or a terminal gets
            written.append(1)
            if len(written) == 2:
                raise OSError(28, "No space left on device")
        return real(file, data)

    monkeypatch.setattr(os, "write", full)
    done = run("optimize", campaign())
    assert done.code == 2
    assert "No space left on device; 20 calls are safe in it" in done.err
    monkeypatch.setattr(os, "write", real)
    assert run("optimize", campaign(), "--resume").code == 0


def test_a_kill_loses_nothing(run: Run, campaign: Callable[..., str], tmp_path: Path) -> None:
    Path("oracles_slow.py").write_text(ORACLES)
    text = asks("python:oracles_slow.slow").replace("random", "evolve")
    name = campaign(text, more="batch = 5\n")
    words = [sys.executable, "-m", "molvae", "optimize", name, "--out", "killed"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = Path("killed/journal.jsonl")
    while not journal.exists() or len(journal.read_bytes().splitlines()) < 11:
        assert process.poll() is None, "it ended by itself"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(journal.read_bytes().splitlines()) < 41, "the kill came too late to show anything"
    assert run("optimize", name, "--out", "killed", "--resume").code == 0
    assert run("optimize", name, "--out", "whole").code == 0
    assert journal.read_bytes() == Path("whole/journal.jsonl").read_bytes()
