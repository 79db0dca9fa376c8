"""`molvae optimize`: what it writes, how it goes on, what it refuses, and the code it ends with."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from molvae.chem.similarity import similarity_of
from molvae.optimize.journal import read_journal

Run = Callable[..., Any]

QED = '[[term]]\nproperty = "QED"\ngoal = "maximize"\n'
LEAD = "CC(=O)Nc1ccc(O)cc1"


def recipe(model: Path, terms: str = QED, objective: str = "", **campaign: Any) -> str:
    """Writes c.toml: a small campaign with STONED, whose children come in no time."""
    given: dict[str, Any] = {"model": str(model), "method": "stoned", "budget": 30, "batch": 10, "seed": 1, "out": "run"} | campaign
    options = given.pop("options", "first = 10")
    lines = [f"{name} = {json.dumps(value)}" for name, value in given.items()]
    Path("c.toml").write_text("\n".join(["[campaign]", *lines, "[campaign.options]", options, "[objective]", objective, terms]))
    return "c.toml"


def oracle(name: str, code: str) -> str:
    """A term that asks a Python function of a module of its own, which no other test has imported."""
    Path(f"{name}.py").write_text(code)
    return f'[[term]]\noracle = "python:{name}.score"\ngoal = "maximize"\nbad = 0\ngood = 30\n'


def test_a_campaign_fills_its_folder_and_goes_on_to_a_larger_budget(run: Run, trained: Path) -> None:
    done = run("optimize", recipe(trained, max_similarity=0.7, top=5), "--json", "found.json")
    assert (done.code, done.out) == (0, ""), done.err
    assert "mean of the best 10" in done.err
    figures = json.loads(Path("found.json").read_text())
    best = pd.read_csv("run/best.csv")
    assert (figures["calls"], figures["best"], len(best)) == (30, best["score"].max(), 30)
    spread = pd.read_csv("run/diverse.csv")
    assert 1 <= len(spread) <= 5
    assert all(similarity_of(a, b) < 0.7 for at, a in enumerate(spread["smiles"]) for b in spread["smiles"][at + 1 :])
    again = run("optimize", "c.toml")
    assert (again.code, "run holds a campaign already: go on with it (--resume)" in again.err) == (2, True)
    before = Path("run/journal.jsonl").read_bytes()
    more = run("optimize", "run/campaign.toml", "--budget", 40, "--resume")  # as it was written
    assert more.code == 0, more.err
    assert Path("run/journal.jsonl").read_bytes().startswith(before)
    assert len(read_journal("run/journal.jsonl")[1]) == 40
    assert "budget = 40" in Path("run/campaign.toml").read_text()


def test_a_changed_recipe_is_refused_on_resume(run: Run, trained: Path) -> None:
    assert run("optimize", recipe(trained)).code == 0
    before = Path("run/campaign.toml").read_bytes()
    done = run("optimize", "c.toml", "--resume", "--seed", 2, "--budget", 50)
    assert (done.code, "seed: 1 in the journal, 2 now" in done.err) == (2, True)
    other = run("optimize", recipe(trained, QED.replace("QED", "SA"), budget=50), "--resume")
    assert (other.code, "term" in other.err, "another recipe" in other.err) == (2, True, True)
    assert Path("run/campaign.toml").read_bytes() == before


def test_free_constraints_cost_no_call(run: Run, trained: Path) -> None:
    term = '[[term]]\nproperty = "logP"\nlow = 1\nhard = true\n'
    assert run("optimize", recipe(trained, QED + term)).code == 0
    assert (pd.read_csv("run/best.csv")["logP (hard)"] >= 1).all()
    assert all(not entry.problem for entry in read_journal("run/journal.jsonl")[1])


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("raises", "    if len(smiles) % 2: raise ValueError(smiles)\n", "ValueError"),
        ("isnan", "    if len(smiles) % 2: return float('nan')\n", "nan is not a finite number"),
        ("istext", "    if len(smiles) % 2: return 'high'\n", "'high' is no number"),
        ("hangs", "    import time\n    while len(smiles) % 2: time.sleep(0.01)\n", "no answer within 0.05 s"),
    ],
)
def test_failures_are_recorded_and_the_campaign_goes_on(run: Run, trained: Path, name: str, body: str, says: str) -> None:
    terms = oracle(name, f"def score(smiles):\n{body}    return len(smiles)\n")
    done = run("optimize", recipe(trained, terms, timeout=0.05, objective="guard = false"))
    entries = read_journal("run/journal.jsonl")[1]
    failed = [entry for entry in entries if entry.value is None]
    assert (done.code, len(entries)) == (3, 30), done.err
    assert failed
    assert all(len(entry.smiles) % 2 == 1 and says in entry.problem for entry in failed)
    assert f"{len(failed)} of 30 calls failed" in done.err


def test_a_command_with_too_few_numbers_ends_the_campaign_after_three_batches(run: Run, trained: Path) -> None:
    Path("few.py").write_text("import sys\nprint(1.0)\n")
    terms = f'[[term]]\noracle = "command:{sys.executable} few.py"\ngoal = "maximize"\nbad = 0\ngood = 1\n'
    done = run("optimize", recipe(trained, terms, budget=200))
    assert (done.code, "failed on the last 30 molecules" in done.err) == (2, True)
    assert "1 lines came for 10 molecules" in done.err
    assert not read_journal("run/journal.jsonl")[1]
    Path("few.py").write_text("import sys\nfor line in sys.stdin: print(1.0)\n")
    assert run("optimize", "c.toml", "--budget", 30, "--resume").code == 0
    assert [entry.value for entry in read_journal("run/journal.jsonl")[1]] == [1.0] * 30


def test_an_oracle_that_breaks_down_on_the_way_costs_no_calls(run: Run, trained: Path) -> None:
    whole = "def score(smiles):\n    return len(smiles)\n"
    broken = (
        "seen = []\ndef score(smiles):\n    seen.append(smiles)\n    if len(seen) > 25: raise OSError('no licence')\n"
        + whole.split("\n", 1)[1]
    )
    done = run("optimize", recipe(trained, oracle("breaks", broken), budget=80, objective="guard = false"))
    assert (done.code, "30 times OSError: no licence; --resume asks these again" in done.err) == (2, True), done.err
    assert len(read_journal("run/journal.jsonl")[1]) == len(pd.read_csv("run/best.csv")) == 25
    Path("breaks.py").write_text(whole)
    child = subprocess.run([sys.executable, "-m", "molvae", "optimize", "c.toml", "--resume"], capture_output=True, check=False)
    assert child.returncode == 0, child.stderr
    entries = read_journal("run/journal.jsonl")[1]
    assert len(entries) == 80
    assert all(entry.parts["python:breaks.score"] == len(entry.smiles) for entry in entries)
    child = subprocess.run([sys.executable, "-m", "molvae", "optimize", "c.toml", "--out", "smooth"], capture_output=True, check=False)
    assert read_journal("smooth/journal.jsonl")[1] == entries  # as if nothing had happened


def test_only_molecules_that_meet_every_constraint_are_results(run: Run, trained: Path) -> None:
    odd = oracle("odd", "def score(smiles): return len(smiles) % 2\n").replace(
        'goal = "maximize"\nbad = 0\ngood = 30', "low = 1\nhard = true"
    )
    done = run("optimize", recipe(trained, QED + odd, max_similarity=0.9, objective="guard = false"), "--json", "found.json")
    entries = read_journal("run/journal.jsonl")[1]
    met = [entry for entry in entries if len(entry.smiles) % 2]
    assert 0 < len(met) < len(entries)
    for name in ("best", "diverse"):
        assert all(len(text) % 2 for text in pd.read_csv(f"run/{name}.csv")["smiles"])
    assert len(pd.read_csv("run/best.csv")) == len(met) == json.loads(Path("found.json").read_text())["met"]
    assert f"{len(met)} of 30 molecules asked met every constraint" in done.err
    none = odd.replace("low = 1", "low = 2")
    done = run("optimize", recipe(trained, QED + none, out="none", objective="guard = false"))
    assert (done.code, "0 of 30 molecules asked met every constraint; the others, say: python:odd.score is" in done.err) == (3, True)


def test_nothing_else_in_the_folder_is_overwritten(run: Run, trained: Path) -> None:
    given = Path(recipe(trained, out=".")).read_text()
    Path("campaign.toml").write_text(given)
    done = run("optimize", "campaign.toml")
    assert (done.code, "holds campaign.toml of something else" in done.err) == (2, True)
    assert Path("campaign.toml").read_text() == given


def test_failed_molecules_are_tried_again_where_wished(run: Run, trained: Path) -> None:
    code = "seen = set()\ndef score(smiles):\n    if smiles in seen: return len(smiles)\n    seen.add(smiles)\n    raise OSError\n"
    assert run("optimize", recipe(trained, oracle("second", code), retries=1)).code == 0


def test_bad_recipes_end_with_2_and_leave_nothing(run: Run, trained: Path) -> None:
    for terms, campaign, says in (
        (QED.replace("QED", "QDE"), {}, "nearest: QED"),
        (QED, {"method": "stonned"}, "nearest: stoned"),
        (QED + "".join(f'[[term]]\nproperty = "MW"\n{bound}\nhard = true\n' for bound in ("low = 300", "high = 200")), {}, "contradict"),
        (QED.replace('property = "QED"', 'head = "activity"'), {}, "activity"),
        (QED.replace('property = "QED"', 'oracle = "python:no_such_module.f"\nbad = 0\ngood = 1'), {}, "no_such_module cannot be imported"),
        (
            QED.replace('property = "QED"', 'oracle = "python:os.getpid"\nbad = 0\ngood = 1'),
            {"timeout": 1, "cluster": "tcp://x:1"},
            "a cluster",
        ),
        (QED, {"start_file": "nowhere.smi"}, "nowhere.smi"),
        (QED, {"lead": "[Xe]"}, "cannot encode the lead '[Xe]'"),
    ):
        done = run("optimize", recipe(trained, terms, **campaign))
        assert (done.code, says in done.err) == (2, True), done.err
        assert not Path("run").exists()
    recipe(trained)
    done = run("optimize", "c.toml", "--model", "no-such")
    assert (done.code, "neither a folder nor a bundled model" in done.err) == (2, True)
    Path("c.toml").write_text(Path("c.toml").read_text().replace('out = "run"', ""))
    assert "no folder for the campaign" in run("optimize", "c.toml").err


def test_a_start_file_gives_the_first_molecules_or_is_refused(run: Run, trained: Path) -> None:
    Path("leads.smi").write_text(f"{LEAD}\nno-smiles\n{LEAD}\nCCCCCCCCCCCCCCCCCCCCC\n")
    done = run("optimize", recipe(trained, start_file="leads.smi"))
    assert done.code == 0
    assert read_journal("run/journal.jsonl")[1][0].smiles == LEAD
    assert "2 rows are left out" in done.err
    Path("leads.smi").write_text("no-smiles\nCCCCCCCCCCCCCCCCCCCCC\n")
    done = run("optimize", "c.toml", "--out", "other")
    assert (done.code, "holds no molecule that can be asked: 1 not a SMILES" in done.err) == (2, True)
    assert not Path("other").exists()


def test_salts_are_left_out_and_repeats_hide_nothing(run: Run, trained: Path) -> None:
    others = ["CCOc1ccc(NC(C)=O)cc1", "CC(=O)Nc1ccc(C)cc1"]
    Path("leads.smi").write_text("\n".join([LEAD] * 50 + ["C[NH+](C)CCc1ccccc1.[Cl-]", *others]))
    done = run("optimize", recipe(trained, start_file="leads.smi"))
    assert "1 several parts, such as a salt" in done.err
    assert {LEAD, *others} <= {entry.smiles for entry in read_journal("run/journal.jsonl")[1]}
    done = run("optimize", recipe(trained, lead="C[NH+](C)CCc1ccccc1.[Cl-]", out="salt"))
    assert (done.code, "give the part that counts" in done.err) == (2, True)


def test_a_lead_that_misses_a_constraint_is_said_and_its_neighbours_are_asked(run: Run, trained: Path) -> None:
    lead = "COc1ccc(CNC(=O)c2ccccc2)cc1"
    done = run("optimize", recipe(trained, QED + '[[term]]\nlacks = "COc1ccccc1"\n', lead=lead))
    assert (done.code, "the lead is not asked, molecules around it are: it has COc1ccccc1" in done.err) == (0, True), done.err
    first = [entry.smiles for entry in read_journal("run/journal.jsonl")[1]][:10]
    assert lead not in first
    assert max(similarity_of(text, lead) for text in first) > 0.3
    done = run("optimize", recipe(trained, QED + '[[term]]\nlacks = "c"\n', lead=lead, min_similarity=0.6, out="none"))
    assert (done.code, "nor anything around it meets the constraints" in done.err) == (2, True), done.err


def test_a_bound_that_the_prior_never_meets_still_has_starts(run: Run, model: Any, trained: Path, smiles: list[str]) -> None:
    lead = next(text for text in smiles if "S(C)(=O)=O" in text or "CS(=O)(=O)" in text)
    term = '[[term]]\nproperty = "logP"\ngoal = "maximize"\n'
    bound = 0.55
    prior = model.sample(200, seed=1)["smiles"]
    assert sum(similarity_of(text, lead) >= bound for text in prior) < 5
    done = run("optimize", recipe(trained, term, lead=lead, min_similarity=bound, method="evolve", budget=25,
                                  options="tuned_every = 0\nfewest = 60"))  # fmt: skip
    assert done.code == 0, done.err
    asked = read_journal("run/journal.jsonl")[1]
    assert asked[0].smiles == lead
    assert len(asked) == 25
    assert all(entry.parts["similarity to the lead"] >= bound for entry in asked)  # type: ignore[operator]


def test_a_method_that_runs_dry_ends_with_3(run: Run, trained: Path) -> None:
    term = f'[[term]]\nsimilar_to = "{LEAD}"\nlow = 0.999\nhard = true\n'
    Path("leads.smi").write_text(LEAD)
    done = run("optimize", recipe(trained, QED + term, start_file="leads.smi"))
    assert (done.code, "nothing new to ask after 1 of 30 calls" in done.err) == (3, True)


def test_a_cut_line_is_mended_and_a_flipped_byte_refused(run: Run, trained: Path) -> None:
    assert run("optimize", recipe(trained)).code == 0
    whole = Path("run/journal.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    Path("run/journal.jsonl").write_bytes(b"".join(lines[:21]) + lines[21][:40])
    done = run("optimize", "c.toml", "--resume")
    assert (done.code, "the last line was cut off (40 bytes)" in done.err) == (0, True)
    assert Path("run/journal.jsonl").read_bytes() == whole
    at = whole.index(b'"value"') + 12
    Path("run/journal.jsonl").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    done = run("optimize", "c.toml", "--resume", "--budget", 40)
    assert (done.code, "line 2 is damaged" in done.err) == (2, True)


def test_a_full_disk_is_said_and_the_campaign_goes_on_later(run: Run, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = os.write
    calls = iter(range(1000))

    def full(file: int, data: Any) -> int:
        if bytes(data[:8]) == b'{"call":' and next(calls):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return written(file, data)

    recipe(trained)
    with monkeypatch.context() as patch:
        patch.setattr("molvae.optimize.journal.os.write", full)
        done = run("optimize", "c.toml")
    assert (done.code, "No space left" in done.err, "make room and resume" in done.err) == (2, True, True)
    assert run("optimize", "c.toml", "--resume").code == 0
    assert run("optimize", "c.toml", "--out", "whole").code == 0
    assert Path("run/journal.jsonl").read_bytes() == Path("whole/journal.jsonl").read_bytes()


def test_ctrl_c_writes_what_there_is_and_says_how_to_go_on(run: Run, trained: Path) -> None:
    code = "calls = []\ndef score(smiles):\n    calls.append(smiles)\n    if len(calls) == 15: raise KeyboardInterrupt\n    return 1\n"
    done = run("optimize", recipe(trained, oracle("stopped", code)))
    assert done.code == 130
    assert "stopped after 14 of 30 calls" in done.err
    assert "go on with: molvae optimize c.toml --resume" in done.err
    assert len(pd.read_csv("run/best.csv")) == 14
    assert run("optimize", "c.toml", "--resume").code == 0


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_killed_command_resumes_to_the_uninterrupted_result(run: Run, trained: Path) -> None:
    code = (
        "import os, pathlib, signal\ncalls = []\ndef score(smiles):\n    calls.append(smiles)\n"
        "    if len(calls) == 25 and not pathlib.Path('spare').exists(): os.kill(os.getpid(), signal.SIGKILL)\n    return len(smiles)\n"
    )
    terms = oracle("killed", code)
    path = recipe(trained, terms, method="evolve", budget=40, options="first = 10\nfewest = 60\ntuned_every = 0")
    done = subprocess.run([sys.executable, "-m", "molvae", "optimize", path], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert len(read_journal("run/journal.jsonl")[1]) == 24  # all that was answered
    Path("spare").touch()
    assert run("optimize", path, "--resume").code == 0
    assert run("optimize", path, "--out", "whole").code == 0
    for name in ("journal.jsonl", "best.csv", "best.sdf"):
        assert Path("run", name).read_bytes() == Path("whole", name).read_bytes()


SEARCHING = """
import os, signal, sys, threading, time
from molvae.cli.interrupts import interruptible
signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may have been started where Ctrl-C is ignored
end = time.monotonic() + 20
try:
    with interruptible():
        from rdkit import Chem
        mol, pattern = Chem.MolFromSmiles("C1CC1" * 60), Chem.MolFromSmarts("*~*~*~*~*~*~*~*~*")
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        while time.monotonic() < end:
            mol.GetSubstructMatches(pattern, uniquify=False, maxMatches=100_000)
except KeyboardInterrupt:
    print("stopped", end=" ")
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    time.sleep(10)
except KeyboardInterrupt:
    print("and again", end="")
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_is_heard_while_rdkit_searches() -> None:
    done = subprocess.run([sys.executable, "-c", SEARCHING], check=False, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("stopped and again", "")
