"""What a model wrote is read the same on one core and on all, each different string once."""

from __future__ import annotations

import pytest

from molvae.chem.selfies import read
from molvae.data import reading
from molvae.data.reading import read_all

ROWS = [("[C]", "[O]"), ("[O]", "[C]"), (), ("[C]", "[O]"), ("[N]", "[=C]", "[Ring1]", "[C]")] * 3


def test_rows_are_read_in_order() -> None:
    assert read_all(ROWS) == [read(row) for row in ROWS]


def test_many_processes_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = read_all(ROWS)
    monkeypatch.setattr(reading, "_PAYS", 1)
    monkeypatch.setattr(reading, "_AT_ONCE", 2)
    assert read_all(ROWS) == alone


def test_a_string_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(reading, "read", lambda row: seen.append(row) or read(row))
    read_all(ROWS)
    assert len(seen) == len(set(ROWS))
