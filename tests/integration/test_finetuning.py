"""Tuning a model to one's own molecules: what the new model knows, what it keeps, and what is refused."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from molvae import MolVAE
from molvae.data.corpus import CorpusSettings, build_corpus
from molvae.errors import CheckpointError, DataError, Interrupted
from molvae.finetuning import Tuned, finetune
from molvae.latent.likelihood import writing_cost
from molvae.nn.critic import Critic, CriticSizes
from molvae.training.mixing import Material

#: Molecules of symbols that the tiny model does not know; some twice.
NEW = [f"C[N+](C)(C){'C' * n}{end}" for n in range(2, 11) for end in ("Br", "[Si](C)C", "[C@H](O)F", "C[C@@H](N)O", "Br", "I")]
OPTIONS: dict[str, Any] = {"accelerator": "cpu", "jobs": 1, "epochs": 20, "learning_rate": 5e-3}


def file_of(folder: Path, rows: list[str], name: str = "own.smi") -> Path:
    path = folder / name
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module", autouse=True)
def few_samples() -> Iterator[None]:
    """Tuning compares a tenth of the samples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("molvae.finetuning._JUDGED", 100)
        yield


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, smiles: list[str]) -> Path:
    """The user's file: with repeats, and rows that are refused."""
    return file_of(tmp_path_factory.mktemp("own"), [*NEW, *smiles[:6], "aspirin", "CC*", NEW[0]])


@pytest.fixture(scope="module")
def untuned(trained: Path) -> MolVAE:
    """The tiny model, with a critic that nobody trained."""
    model = MolVAE.from_pretrained(trained)
    model.checkpoint.critic = Critic(CriticSizes(65_616))
    return model


@pytest.fixture(scope="module")
def tuned(untuned: MolVAE, own: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tuned, Path]:
    folder = tmp_path_factory.mktemp("tuned") / "model"
    return finetune(untuned, own, folder, command="the command", **OPTIONS), folder


def test_the_vocabulary_grows_and_the_old_ids_stay(untuned: MolVAE, tuned: tuple[Tuned, Path]) -> None:
    done, _ = tuned
    old, new = untuned.checkpoint.tokenizer, done.model.checkpoint.tokenizer
    assert {"[N+1]", "[Br]", "[I]", "[C@@H1]"} <= set(done.symbols)
    assert new.symbols == [*old.symbols, *done.symbols]
    assert [new.symbols_of([i]) for i in range(len(old))] == [old.symbols_of([i]) for i in range(len(old))]
    assert done.model.checkpoint.vae.sizes.vocabulary == len(new) == len(old) + len(done.symbols)
    assert np.isnan(untuned.encode(NEW, refused="nan")).all()
    assert np.isfinite(done.model.encode(NEW)).all()


def test_it_learns_the_own_molecules(tuned: tuple[Tuned, Path]) -> None:
    done, _ = tuned
    unique = len(set(NEW)) + 6
    assert (done.own, done.known) == (unique, 6)
    assert done.after["held_out_elbo"] < 0.7 * done.before["held_out_elbo"]
    assert done.after["similarity"] > done.before["similarity"]
    assert done.after["copies"] < 1
    for figures in (done.before, done.after):
        assert all(0 <= figures[name] <= 1 for name in ("exact_reconstruction", "similarity_of_held_out", "surviving"))


def test_the_untuned_model_stays_as_it_was(untuned: MolVAE, trained: Path, tuned: tuple[Tuned, Path]) -> None:
    fresh = MolVAE.from_pretrained(trained).checkpoint.vae.state_dict()
    assert all(torch.equal(fresh[name], tensor) for name, tensor in untuned.checkpoint.vae.state_dict().items())


def test_the_folder_is_a_whole_model(untuned: MolVAE, tuned: tuple[Tuned, Path], smiles: list[str]) -> None:
    done, folder = tuned
    loaded = MolVAE.from_pretrained(folder)
    assert loaded.checkpoint.figures == done.after
    assert loaded.checkpoint.index.contains([*smiles, *loaded.encode_all(NEW).smiles]).all(), "old and new molecules are known"
    assert len(loaded.checkpoint.index) == len(untuned.checkpoint.index) + done.own - done.known
    assert loaded.checkpoint.critic is None
    assert not loaded.checkpoint.sampling.critic
    assert done.dropped == ("critic",)
    recipe = loaded.checkpoint.recipe
    assert recipe["rate"]["target"] == [[0.0, 8.0]], "the rate is held where the model's own recipe ended"
    assert recipe["data"]["source"].endswith("own.smi")
    card = (folder / "README.md").read_text()
    for words in ("Tuned to 51 molecules of `own.smi`", "not a SMILES: 1", "the command", "[N+1]", "left out: critic", "knew 6",
                  "| copies |", "## The model it was tuned from", "Trained on 444 molecules of `molecules.smi`"):  # fmt: skip
        assert words in card


def test_what_was_tuned_can_be_tuned_again(tuned: tuple[Tuned, Path], tmp_path: Path, smiles: list[str]) -> None:
    done, _ = tuned
    again = done.model.finetune(file_of(tmp_path, ["CC[P]", "CP(C)C", *smiles[:20]]), tmp_path / "out", **OPTIONS | {"epochs": 1})
    before, after = (each.model.checkpoint.tokenizer.symbols for each in (done, again))
    assert after[: len(before)] == before
    assert any("P" in symbol for symbol in again.symbols)


@pytest.mark.parametrize("source", [None, "old.smi"])
def test_mixing_in_old_molecules_keeps_more_of_what_the_model_knew(
    source: str | None,
    untuned: MolVAE,
    tuned: tuple[Tuned, Path],
    own: Path,
    tmp_path: Path,
    smiles: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("molvae.finetuning._FEWEST_OLD", 200)
    old = source and file_of(tmp_path, smiles, source)
    mixed = finetune(untuned, own, tmp_path / "out", mix=0.6, mix_data=old, **OPTIONS)
    lost, kept = (distortion_of(model, smiles[:200]) for model in (tuned[0].model, mixed.model))
    assert kept < lost
    assert (tmp_path / "out" / "training" / "mixed.smi").read_text().count("\n") == 200
    assert "60% of the molecules of training were" in mixed.model.checkpoint.card


def distortion_of(model: MolVAE, molecules: list[str]) -> float:
    """Nats it takes to write molecules from their codes."""
    return float(np.mean(writing_cost(model, model.encode(molecules), molecules)))


def test_the_share_of_old_molecules_is_the_one_asked_for(tmp_path: Path) -> None:
    chains = [file_of(tmp_path, ["C" * length for length in range(1, n + 1)], f"{n}.smi") for n in (50, 20, 200)]
    corpora = [build_corpus(path, tmp_path, CorpusSettings(0), jobs=1) for path in chains]
    for mixed, mix in ((corpora[1], 0.5), (corpora[2], 0.5), (corpora[2], 0.9), (corpora[1], 0.1)):
        material = Material(corpora[0], mixed, mix, seed=1)
        turns, parts = material.turns, material.parts
        assert np.mean(turns.train >= 50) == pytest.approx(mix, abs=0.01)
        assert set(turns.train[turns.train < 50]) == set(parts.train)
        assert set(turns.validation) == set(parts.validation)
        assert set(turns.train[turns.train >= 50]) <= set(range(50, 50 + len(mixed)))


def test_a_stopped_run_goes_on_to_the_very_same_weights(
    untuned: MolVAE, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molvae.finetuning._FEWEST_OLD", 60)
    options = OPTIONS | {"epochs": 3, "mix": 0.5}
    whole = finetune(untuned, own, tmp_path / "whole", **options)

    def stop(figures: dict[str, float]) -> None:
        if figures["step"] == 6 and "held_out_elbo" in figures:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted, match="everything is saved"):
        finetune(untuned, own, tmp_path / "broken", listener=stop, **options)
    assert MolVAE.from_pretrained(tmp_path / "broken").encode(NEW).shape == (len(NEW), 4)
    with pytest.raises(CheckpointError, match="holds a run already"):
        finetune(untuned, own, tmp_path / "broken", **options)
    with pytest.raises(CheckpointError, match="another recipe or other data"):
        finetune(untuned, own, tmp_path / "broken", resume=True, **options | {"epochs": 4})
    resumed = finetune(untuned, own, tmp_path / "broken", resume=True, **options)
    a, b = (done.model.checkpoint.vae.state_dict() for done in (whole, resumed))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert resumed.after == whole.after


def test_ten_molecules_are_enough_and_a_model_that_writes_nothing_is_told(
    untuned: MolVAE, tmp_path: Path, smiles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object, **__: object) -> None:
        raise DataError("only 0 of 1,000 molecules found")

    monkeypatch.setattr(MolVAE, "sample", nothing)
    done = finetune(untuned, file_of(tmp_path, smiles[:10]), tmp_path / "out", **OPTIONS)
    assert done.own == 10
    assert done.after["surviving"] == 0
    assert "copies" not in done.after


BAD: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "few": (["C" * n for n in range(1, 10)], {}, r"holds 9 usable molecules \(refused: none\); at least 10 are needed"),
    "refusals": ([*("C" * n for n in range(1, 10)), "C", "CC*"], {}, r"9 usable molecules \(refused: duplicate of an earlier row: 1, att"),
    "none": (["aspirin"] * 12, {}, r"no usable molecule; refused: not a SMILES \(12\)"),
    "mix": (["C"], {"mix": 1.0}, "mix is 1.0, expected the share"),
    "mix below 0": (["C"], {"mix": -0.1}, "mix is -0.1, expected the share"),
    "mix data without mix": (["C"], {"mix_data": "moses"}, "moses is given to be mixed in, but mix is 0"),
    "no mix data": (["C"], {"mix": 0.5, "mix_data": "none.smi"}, "none.smi: no such file"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_used_is_told(what: str, untuned: MolVAE, tmp_path: Path) -> None:
    rows, options, message = BAD[what]
    with pytest.raises(DataError, match=message):
        finetune(untuned, file_of(tmp_path, rows), tmp_path / "out", jobs=1, accelerator="cpu", **options)
    assert not (tmp_path / "out" / "config.json").exists()


def test_a_missing_file_is_told(untuned: MolVAE, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: no such file"):
        finetune(untuned, tmp_path / "none.csv", tmp_path / "out", jobs=1, accelerator="cpu")


def test_a_model_is_not_written_over(untuned: MolVAE, own: Path, tmp_path: Path) -> None:
    untuned.save_pretrained(tmp_path / "mine")
    before = (tmp_path / "mine" / "config.json").read_bytes()
    with pytest.raises(CheckpointError, match="mine holds a model already; choose another folder"):
        finetune(untuned, own, tmp_path / "mine", **OPTIONS)
    assert (tmp_path / "mine" / "config.json").read_bytes() == before


def test_the_same_seed_gives_the_same_model(untuned: MolVAE, own: Path, tmp_path: Path) -> None:
    one, two = (finetune(untuned, own, tmp_path / name, **OPTIONS | {"epochs": 1}) for name in "ab")
    assert json.dumps(one.after) == json.dumps(two.after)
