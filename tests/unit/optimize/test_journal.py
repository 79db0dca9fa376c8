"""The journal: nothing answered is lost, nothing damaged is read, nothing is asked twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from molvae.errors import DataError
from molvae.optimize.journal import Entry, Journal, read_journal

RECIPE = {"seed": 1, "method": {"name": "random", "widths": [0.5, 1.0]}}
CALLS = [Entry(1, 1, "C", 0.1), Entry(2, 1, "CC", None, "it hung"), Entry(3, 2, "CCO", 1 / 3, parts={"QED": 0.5, "dock": None})]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of three calls."""
    path = tmp_path / "run" / "journal.jsonl"
    with Journal.create(path, RECIPE) as journal:
        journal.append(CALLS[:2])
        journal.append(CALLS[2:])
    return path


def test_what_is_written_is_read(path: Path) -> None:
    assert read_journal(path) == (RECIPE, CALLS)
    assert all(json.loads(line)["crc"] for line in path.read_text().splitlines())
    with Journal.resume(path, RECIPE) as journal:
        assert journal.entries == CALLS
        assert not journal.note
        assert "CCO" in journal
        assert "CCN" not in journal
        journal.append([Entry(4, 3, "CCN", 0.7)])
    assert [entry.call for entry in read_journal(path)[1]] == [1, 2, 3, 4]


def test_a_line_cut_anywhere_is_dropped_and_the_rest_kept(path: Path) -> None:
    data = path.read_bytes()
    last = data.rindex(b"\n", 0, -1) + 1
    for size in range(last + 1, len(data) - 1):
        path.write_bytes(data[:size])
        with Journal.resume(path, RECIPE) as journal:
            assert journal.entries == CALLS[:2]
            assert f"({size - last} bytes)" in journal.note
        assert path.read_bytes() == data[:last]
    path.write_bytes(data[:-1])  # only its end is missing: the call is there
    with Journal.resume(path, RECIPE) as journal:
        assert journal.entries == CALLS
    assert path.read_bytes() == data


def test_a_flipped_byte_is_found_wherever_it_is(path: Path) -> None:
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        line = data.count(b"\n", 0, place) + 1
        with pytest.raises(DataError, match=f"{path.name}, line {line} is damaged"):
            Journal.resume(path, RECIPE)


def test_a_missing_or_repeated_line_is_found(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    for damaged, expected in (([lines[0], *lines[2:]], 1), ([*lines[:3], lines[2], lines[3]], 3)):
        path.write_bytes(b"".join(damaged))
        with pytest.raises(DataError, match=f"stands where call {expected} is expected"):
            read_journal(path)


def test_another_recipe_is_refused_with_the_difference(path: Path) -> None:
    with pytest.raises(DataError, match=r"method.name: random in the journal, stoned now; seed: 1 in the journal, 2 now"):
        Journal.resume(path, {"seed": 2, "method": {"name": "stoned", "widths": [0.5, 1.0]}})
    with pytest.raises(DataError, match="batch: nothing in the journal, 5 now"):
        Journal.resume(path, RECIPE | {"batch": 5})


def test_nothing_is_asked_twice_or_out_of_turn(path: Path) -> None:
    data = path.read_bytes()
    with Journal.resume(path, RECIPE) as journal:
        for wrong, says in (
            ([Entry(4, 3, "CC", 0.5)], "CC was asked before"),
            ([Entry(4, 3, "N", 0.5), Entry(5, 3, "N", 0.5)], "N was asked before"),
            ([Entry(9, 3, "N", 0.5)], "call 9 came where call 4"),
            ([Entry(4, 3, "N", float("nan"))], "cannot be written"),
        ):
            with pytest.raises(DataError, match=says):
                journal.append(wrong)
    assert path.read_bytes() == data


def test_a_journal_is_not_started_over_shared_or_made_of_anything_else(path: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there already"):
        Journal.create(path, RECIPE)
    with Journal.resume(path, RECIPE), pytest.raises(DataError, match="in use"):
        Journal.resume(path, RECIPE)
    other = tmp_path / "other.jsonl"
    with pytest.raises(DataError, match="cannot be read"):
        Journal.resume(other, RECIPE)
    other.write_text("")
    with pytest.raises(DataError, match="no journal"):
        Journal.resume(other, RECIPE)
    with pytest.raises(DataError, match="recipe cannot be written"):
        Journal.create(tmp_path / "third.jsonl", {"scorer": object()})


KILLED = """
import os, sys
from molvae.optimize.journal import Entry, Journal
with Journal.create(sys.argv[1], {"seed": 1}) as journal:
    for call in range(1, 1000):
        journal.append([Entry(call, call, "C" * call, call / 7)])
        print(call, flush=True)
"""

FULL = """
import resource, signal, sys
from molvae.errors import DataError
from molvae.optimize.journal import Entry, Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with Journal.create(sys.argv[1], {"seed": 1}) as journal:
    try:
        for call in range(1, 1000):
            journal.append([Entry(call, call, "C" * call, call / 7)])
    except DataError as error:
        print(len(journal), error)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_what_was_reported_before_kill_9_is_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True) as process:
        stream = process.stdout
        assert stream is not None
        seen = [int(stream.readline()) for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        seen += [int(line) for line in stream]
    with Journal.resume(path, {"seed": 1}) as journal:
        assert len(journal) in (seen[-1], seen[-1] + 1)
        assert [entry.value for entry in journal.entries] == [call / 7 for call in range(1, len(journal) + 1)]


@pytest.mark.skipif(os.name != "posix", reason="limits")
def test_a_full_disk_is_said_and_leaves_the_journal_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    calls, says = done.stdout.split(maxsplit=1)
    assert "cannot be written" in says
    assert f"{calls} calls are safe" in says
    assert path.read_bytes().endswith(b"\n")
    assert len(read_journal(path)[1]) == int(calls) > 3
