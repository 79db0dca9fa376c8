"""`molvae finetune`: what it says, what it writes, and the code it ends with."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from molvae import MolVAE
from molvae.training.trainer import Trainer

Run = Callable[..., Any]
WORDS = ["--accelerator", "cpu", "--epochs", 2]


@pytest.fixture(scope="module", autouse=True)
def few_samples() -> Iterator[None]:
    """Tuning compares a tenth of the samples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("molvae.finetuning._JUDGED", 100)
        yield


@pytest.fixture
def run(run: Run, trained: Path) -> Run:
    """Runs `molvae finetune` on the tiny model."""
    return partial(run, "finetune", trained)


@pytest.fixture
def own(run: Run, smiles: list[str]) -> Path:
    """A file in the folder of the test."""
    path = Path("own.csv")
    path.write_text(
        "\n".join(["id,structure", *(f"{n},{text}" for n, text in enumerate(smiles[:30])), "x,CC[N+](C)(C)C", "y,nonsense"]) + "\n"
    )
    return path


def test_it_tunes_and_tells(run: Run, own: Path, smiles: list[str]) -> None:
    done = run(own, "--out", "mine", "--column", "structure", "--json", "out.json", *WORDS)
    assert (done.code, done.out) == (0, "")
    about = json.loads(Path("out.json").read_text())
    assert (about["own"], about["known"], about["symbols"]) == (31, 30, ["[N+1]"])
    assert about["after"] == MolVAE.from_pretrained("mine").checkpoint.figures
    for words in ("31 molecules", "1 refused: not a SMILES", "30 of the 31 molecules were in the training set already", "[N+1]",
                  "samples that are own molecules", "molvae sample --model mine", "step 0:", "untuned"):  # fmt: skip
        assert words in done.err
    assert "molvae finetune" in Path("mine/README.md").read_text()


def test_parts_that_fit_no_longer_are_named(run: Run, trained: Path, own: Path) -> None:
    model = MolVAE.from_pretrained(trained)
    from molvae.nn.prior import Flow, FlowSizes

    model.checkpoint.prior = Flow(FlowSizes(4))
    model.save_pretrained("with")
    done = partial(run.func, "finetune", "with")(own, "--out", "mine", "--column", "structure", *WORDS)
    assert "left out, for they fit the tuned weights no longer: prior" in done.err


def test_an_interrupted_run_says_how_to_go_on(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = Trainer._report

    def stop(self: Trainer, run: Any, log: Any) -> None:
        report(self, run, log)
        if run.progress.step == 1:
            os.kill(os.getpid(), signal.SIGINT)

    words = [own, "--out", "mine", "--column", "structure", *WORDS]
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_report", stop)
        done = run(*words)
    assert done.code == 130
    assert "go on with: molvae finetune" in done.err
    assert "--resume" in done.err
    assert run(*words, "--resume").code == 0


BAD = {
    "no file": (["none.csv", "--out", "mine"], "none.csv: no such file"),
    "column": (["own.csv", "--out", "mine", "--column", "smi"], "no column 'smi'; the file has: id, structure"),
    "few": (["few.smi", "--out", "mine"], "holds 2 usable molecules (refused: none); at least 10 are needed"),
    "folder": (["own.csv", "--out", "own.csv"], "own.csv cannot be written"),
    "mix": (["own.csv", "--out", "mine", "--mix", "1"], "mix is 1.0, expected"),
    "time": (["own.csv", "--out", "mine", "--column", "structure", "--max-time", "soon"], "'soon' is not a duration"),
    "devices": (["own.csv", "--out", "mine", "--devices", "two"], "--devices is 'two', expected auto or a number"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_is_told(what: str, run: Run, own: Path) -> None:
    Path("few.smi").write_text("CCO\nCCN\n")
    words, message = BAD[what]
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_the_model_itself_is_not_written_over(run: Run, own: Path, trained: Path) -> None:
    done = run(own, "--out", trained)
    assert done.code == 2
    assert "holds a run already" in done.err
