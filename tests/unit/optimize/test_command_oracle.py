"""A user's command: batches, retries and time limits; what goes wrong is a failure, and nothing stays behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import joblib
import pytest

from molvae.errors import DataError
from molvae.optimize.oracles import oracle

SMILES = ["C", "CC", "CCC"]
Script = Callable[[str], str]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Writes score.sh into the current folder and gives the name of the oracle that runs it."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> str:
        path = tmp_path / "score.sh"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return "command:./score.sh"

    return write


def test_one_number_a_line_in_order_and_in_batches(script: Script, tmp_path: Path) -> None:
    name = script("echo batch >> batches; while read -r smiles; do echo ${#smiles}; done")
    asked = oracle(name, batch=2)
    assert [answer.value for answer in asked(SMILES)] == [1.0, 2.0, 3.0]
    assert (tmp_path / "batches").read_text().split() == ["batch", "batch"]
    assert asked([]) == []
    assert asked.name == "command:./score.sh"
    with joblib.parallel_config("threading", n_jobs=2):
        assert [answer.value for answer in asked(SMILES)] == [1.0, 2.0, 3.0]


def test_arguments_are_words_and_no_shell_reads_them(script: Script) -> None:
    name = script('while read -r smiles; do [ "$2" = "a b;c" ] && echo 7; done')
    assert [answer.value for answer in oracle(f"{name} --mode 'a b;c'")(SMILES)] == [7.0] * 3


def test_a_line_that_is_no_number_is_a_failure_of_its_molecule_alone(script: Script) -> None:
    answers = oracle(script("echo 1.5; echo nan; echo failed"))(SMILES)
    assert [answer.value for answer in answers] == [1.5, None, None]
    assert [answer.problem for answer in answers[1:]] == ["nan is not a finite number", "'failed' is no number"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo 1; echo 2", "2 lines came for 3 molecules"),
        ("printf '1\\n2\\n3\\n4\\n'", "4 lines came for 3 molecules"),
        ("true", "0 lines came for 3 molecules"),
    ],
)
def test_a_batch_that_fails_is_tried_twice_and_then_all_failures(script: Script, tmp_path: Path, text: str, said: str) -> None:
    answers = oracle(script(f"echo try >> tries; {text}"))(SMILES)
    assert [answer.value for answer in answers] == [None] * 3
    assert {answer.problem for answer in answers} == {f"{said} (tried 2 times)"}
    assert (tmp_path / "tries").read_text().split() == ["try", "try"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("printf '1\\n2\\n3\\n'; echo licence expired >&2; exit 4", "exit code 4: licence expired"), ("kill -9 $$", "exit code -9")],
)
def test_a_command_that_always_crashes_gives_failures_after_a_few_runs(script: Script, tmp_path: Path, text: str, said: str) -> None:
    answers = oracle(script(f"echo try >> tries; {text}"))(SMILES * 20)
    assert [answer.value for answer in answers] == [None] * 60
    assert all(answer.problem.startswith(said) for answer in answers)
    assert len((tmp_path / "tries").read_text().split()) == 2 + 16


def test_a_molecule_that_the_command_crashes_on_fails_alone(script: Script) -> None:
    name = script("cat > given; grep -q N given && exit 139; awk '{print length($1)}' given")
    smiles = ["C" * size for size in range(1, 31)]
    smiles[7] = "CN"
    values = [answer.value for answer in oracle(name)(smiles)]
    assert values == [None if "N" in text else len(text) for text in smiles]


def test_the_second_try_counts(script: Script) -> None:
    name = script("[ -e tried ] || { touch tried; exit 1; }; echo 1; echo 2; echo 3")
    assert [answer.value for answer in oracle(name)(SMILES)] == [1.0, 2.0, 3.0]


def test_one_bad_batch_spoils_no_other(script: Script) -> None:
    name = script('read -r smiles; [ "$smiles" = CC ] && exit 1; echo ${#smiles}')
    assert [answer.value for answer in oracle(name, batch=1)(SMILES)] == [1.0, None, 3.0]


def test_a_command_that_hangs_is_killed_with_all_it_started(script: Script, tmp_path: Path) -> None:
    started = time.monotonic()
    answers = oracle(script("(sleep 2; touch late) & wait; sleep 60"), timeout=0.3)(SMILES)
    assert time.monotonic() - started < 30
    assert {answer.problem for answer in answers} == {"no answer within 0.3 s (tried 2 times)"}
    time.sleep(max(0.0, started + 3.2 - time.monotonic()))
    assert not (tmp_path / "late").exists()


def test_much_output_and_unread_input_hold_nothing_up(script: Script) -> None:
    assert len(oracle(script("yes | head -c 300000 >&2; yes 1 | head -n 20000"), batch=20_000)(["CCCCCCCCCC"] * 20_000)) == 20_000


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("command:", {}, "cannot be run"),
        ("command:./no_such_program", {}, "no program './no_such_program'"),
        ("command:sh 'unclosed", {}, "cannot be read"),
        ("command:cat", {"batch": 0}, "at least 1 molecule"),
        ("command:cat", {"timeout": 0}, "more than 0 s"),
        ("command:cat", {"timeout": float("nan")}, "more than 0 s"),
    ],
)
def test_what_cannot_run_is_refused_before_the_first_call(name: str, options: dict[str, float], said: str) -> None:
    with pytest.raises(DataError, match=said):
        oracle(name, **options)


def test_a_file_that_may_not_be_executed_is_refused(script: Script, tmp_path: Path) -> None:
    name = script("echo 1")
    (tmp_path / "score.sh").chmod(0o644)
    with pytest.raises(DataError, match="may be executed"):
        oracle(name)
