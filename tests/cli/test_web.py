"""molvae app: what is refused before a server starts. The page itself is tested in tests/app."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]


def test_a_taken_port_and_a_missing_model_are_told(run: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = run("app", "--port", other.getsockname()[1])
    assert (done.code, "is taken; choose another one with --port" in done.err) == (2, True)
    done = run("app", "--model", "nonsense")
    assert (done.code, "nonsense is neither a folder nor a bundled model" in done.err) == (2, True)


def test_a_missing_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "molvae.app.server", None)
    done = run("app")
    assert done.code == 2
    assert "pip install 'molvae[app]'" in done.err
