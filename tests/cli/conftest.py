"""Runs the command line in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from molvae.cli.app import main


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `molvae` with some words in an empty folder, in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")  # messages on one line

    def run(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["molvae", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as end:
            assert end.code is None or isinstance(end.code, int), "a text would be printed and the code would be 1"
            code = end.code or 0
        captured = capfd.readouterr()
        assert "Traceback" not in captured.err + captured.out
        return Done(code, captured.out, " ".join(captured.err.split()))

    return run
