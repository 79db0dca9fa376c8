from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from molvae.app.jobs import JOBS, Tell
from molvae.app.server import HOST, free_port
from molvae.app.tables import packed, unpacked
from molvae.app.workers import Far, Workers
from molvae.errors import CheckpointError, DataError

CAMPAIGN = {"campaign": {"method": "random", "budget": 100_000, "batch": 5}, "term": [{"property": "QED", "goal": "maximize"}]}
QUIET = Tell(lambda *_: None, lambda _: None)


@pytest.fixture(scope="module")
def workers(trained: Path) -> Iterator[Workers]:
    found = Workers(str(trained), most=2, grace=0.5)
    found.warm()
    yield found
    found.close()


def test_a_job_gives_its_result(workers: Workers, trained: Path) -> None:
    run = workers.start("sample", {"model": str(trained), "n": 3, "seed": 1, "novel": False})
    assert run.wait(120)
    assert (run.state, run.problem) == ("done", "")
    assert run.result is not None
    assert len(unpacked(run.result["table"])) == 3
    assert run.far == Far("molecules", 3, 3)


def test_a_refusal_is_said_and_the_worker_goes_on(workers: Workers, trained: Path) -> None:
    run = workers.start("neighbors", {"model": str(trained), "smiles": "nonsense", "n": 3, "min_similarity": 0.0, "seed": 0})
    assert run.wait(120)
    assert run.state == "failed"
    assert "nonsense" in run.problem
    assert run.result is None
    broken = workers.start("no such job", {"model": str(trained)})
    assert broken.wait(120)
    assert "something went wrong" in broken.problem


def test_a_run_is_stopped_at_once_and_keeps_what_it_told(workers: Workers, trained: Path) -> None:
    run = workers.start("optimize", {"model": str(trained), "recipe": CAMPAIGN})
    end = time.monotonic() + 120
    while run.partial is None and run.going and time.monotonic() < end:
        time.sleep(0.05)
    assert run.going, run.problem
    run.stop()
    assert run.state == "stopped"
    assert run.partial is not None
    assert len(run.partial["curve"]) >= 5
    assert not _is_alive(run.process_id)
    run.stop()  # once more changes nothing
    assert run.state == "stopped"


def test_a_run_whose_page_is_gone_ends(workers: Workers, trained: Path) -> None:
    run = workers.start("optimize", {"model": str(trained), "recipe": CAMPAIGN}, alive=lambda: False)
    assert run.wait(30)
    assert run.state == "stopped"


def test_too_much_at_once_is_refused(workers: Workers, trained: Path) -> None:
    runs = [workers.start("optimize", {"model": str(trained), "recipe": CAMPAIGN}) for _ in range(2)]
    with pytest.raises(DataError, match="2 pieces of work are going on already"):
        workers.start("warm", {"model": str(trained)})
    for run in runs:
        run.stop()


def test_a_process_that_is_ready_does_not_raise_the_limit(trained: Path) -> None:
    workers = Workers(str(trained), most=1)
    try:
        workers.start("optimize", {"model": str(trained), "recipe": CAMPAIGN})
        workers.warm()
        with pytest.raises(DataError, match="1 pieces of work are going on already"):
            workers.start("warm", {"model": str(trained)})
    finally:
        workers.close()


def test_work_of_a_page_that_is_gone_makes_room(trained: Path) -> None:
    workers = Workers(str(trained), most=1, grace=1000)
    try:
        left = workers.start("optimize", {"model": str(trained), "recipe": CAMPAIGN}, alive=lambda: False)
        assert workers.start("no such job", {"model": str(trained)}).wait(120)
        assert left.state == "stopped"
    finally:
        workers.close()


def test_a_campaign_is_that_of_the_chosen_model() -> None:
    with pytest.raises(CheckpointError, match="no-such-model"):
        JOBS["optimize"]({"model": "no-such-model", "recipe": CAMPAIGN}, QUIET)


def test_a_run_that_has_ended_does_not_count(trained: Path) -> None:
    workers = Workers(str(trained), most=1)
    try:
        for _ in range(20):
            assert workers.start("no such job", {"model": str(trained)}).wait(120)
    finally:
        workers.close()


def test_a_worker_that_dies_is_said(workers: Workers, trained: Path) -> None:
    run = workers.start("optimize", {"model": str(trained), "recipe": CAMPAIGN})
    os.kill(run.process_id, 9)
    assert run.wait(30)
    assert (run.state, "has ended" in run.problem) == ("failed", True)


def test_a_map_keeps_names_and_leaves_out_what_cannot_be_encoded(trained: Path, smiles: list[str]) -> None:
    import pandas as pd

    given = pd.DataFrame({"name": ["odd", *map(str, range(9))], "smiles": ["[Ni]", *smiles[:9]]})
    options = {"model": str(trained), "molecules": packed(given), "method": "pca", "clusters": 2, "properties": ["logP"], "seed": 0}
    result = JOBS["place"](options, QUIET)
    table = unpacked(result["table"])
    assert (result["refused"], len(table)) == (1, 9)
    assert dict(zip(table["name"], table["smiles"], strict=True)) == dict(zip(given["name"][1:], given["smiles"][1:], strict=True))
    assert table["cluster"].between(1, 2).all()


def test_a_taken_port_is_said() -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        with pytest.raises(DataError, match="is taken; choose another one with --port"):
            free_port(other.getsockname()[1])


def _is_alive(process: int) -> bool:
    return Path(f"/proc/{process}").exists()
