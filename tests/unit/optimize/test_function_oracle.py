"""A user's Python function: whatever it does, every molecule gets an answer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from molvae.errors import DataError
from molvae.optimize.oracles import oracle

SMILES = ["C", "CC", "CCC"]

MODULE = """
from pathlib import Path

weight = 3

def length(smiles):
    if smiles == "CC":
        raise RuntimeError("no pose found")
    return len(smiles)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("my_scores", "my_broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "my_scores.py").write_text(MODULE)
    (tmp_path / "my_broken.py").write_text("1 / 0")
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_function_of_a_module_in_the_current_folder() -> None:
    asked = oracle("python:my_scores.length", higher_is_better=False)
    first, second, third = asked(SMILES)
    assert (first.value, third.value) == (1.0, 3.0)
    assert second.value is None
    assert second.problem == "RuntimeError: no pose found"
    assert asked.name == "python:my_scores.length"
    assert not asked.higher_is_better


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("length", "does not say where"),
        ("no_such_module.length", "no_such_module cannot be imported"),
        ("my_scores.lenght", "no function 'lenght'; nearest: length"),
        ("my_scores.weight", "is no function but int"),
        ("my_broken.score", "ZeroDivisionError"),
    ],
)
def test_what_cannot_be_found_is_said_before_the_first_call(path: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        oracle(f"python:{path}")


def test_a_function_given_as_it_is() -> None:
    assert [answer.value for answer in oracle(len)(SMILES)] == [1.0, 2.0, 3.0]
    assert oracle(len).name == "len"


def test_a_function_that_would_end_the_program_has_failed() -> None:
    assert [answer.problem for answer in oracle(lambda text: sys.exit(3))(SMILES)] == ["SystemExit: 3"] * 3


@pytest.mark.parametrize("returned", [float("nan"), None, "high", -float("inf"), [1, 2]])
def test_what_is_no_number_is_a_failure(returned: object) -> None:
    answers = oracle(lambda text: returned if text == "CC" else 1)(SMILES)
    assert [answer.value for answer in answers] == [1.0, None, 1.0]
    assert "number" in answers[1].problem


def test_a_batched_function_gets_all_molecules_at_once() -> None:
    given: list[list[str]] = []

    def score(smiles: list[str]) -> Any:
        given.append(smiles)
        return np.array([1.0, np.nan, 3.0])

    assert [answer.value for answer in oracle(score, batched=True)(SMILES)] == [1.0, None, 3.0]
    assert given == [SMILES]


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (lambda smiles: [1.0] * (len(smiles) - 1), "2 values came for 3 molecules"),
        (lambda smiles: 1.0, "TypeError"),
        (lambda smiles: smiles[len(smiles)], "IndexError"),
    ],
)
def test_a_batch_without_its_numbers_is_three_failures(score: Callable[[list[str]], Any], said: str) -> None:
    answers = oracle(score, batched=True)(SMILES)
    assert [answer.value for answer in answers] == [None] * 3
    assert all(said in answer.problem for answer in answers)


def test_an_interrupt_is_no_failure_of_a_molecule() -> None:
    def stop(_: str) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        oracle(stop)(SMILES)
