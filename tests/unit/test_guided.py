"""Codes laid out by properties during training, and the properties of a corpus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from molvae import MolVAE
from molvae.chem.properties import compute
from molvae.chem.selfies import to_smiles
from molvae.data import corpus_properties as module
from molvae.data.corpus_properties import corpus_properties
from molvae.errors import CheckpointError, DataError
from molvae.nn.heads import Column, Guided
from molvae.nn.vae import VAE, Sizes
from molvae.training.heads import fit_ensemble
from molvae.training.trainer import Split, with_turns


def test_properties_of_a_corpus_are_those_of_its_molecules(corpus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 100)  # several chunks
    told: list[int] = []
    values = corpus_properties(corpus, ["MW", "rings"], 10_000, jobs=1, progress=told.append)
    smiles = [to_smiles(corpus.tokenizer.symbols_of(corpus[i].tolist())) for i in (0, 150, len(corpus) - 1)]
    assert values.shape == (len(corpus), 2)
    assert np.allclose(values[[0, 150, -1]], compute(smiles, ["MW", "rings"]).to_numpy())
    assert told[-1] == len(corpus)


def test_properties_are_computed_once_and_resumed_after_a_kill(corpus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 100)
    real, calls = module.compute, []

    def dies(smiles: list[str], names: list[str]) -> Any:
        calls.append(len(smiles))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(smiles, names)

    monkeypatch.setattr(module, "compute", dies)
    with pytest.raises(KeyboardInterrupt):
        corpus_properties(corpus, ["TPSA"], 10_000, jobs=1)
    first = corpus_properties(corpus, ["TPSA"], 10_000, jobs=1)
    again = corpus_properties(corpus, ["TPSA"], 10_000, jobs=1)
    assert sum(calls) == len(corpus) + 100, "the two whole chunks are not computed again, nor is anything the second time"
    assert np.array_equal(first, again)


def test_molecules_that_were_not_drawn_have_none(corpus: Any) -> None:
    values = corpus_properties(corpus, ["rings"], 50, jobs=1)
    known = np.flatnonzero(~np.isnan(values[:, 0]))
    assert len(known) == 50
    smiles = [to_smiles(corpus.tokenizer.symbols_of(corpus[int(i)].tolist())) for i in known]
    assert np.array_equal(values[known], compute(smiles, ["rings"]).to_numpy())


def test_unknown_property_is_named(corpus: Any) -> None:
    with pytest.raises(DataError, match=r"unknown property .logp.*nearest: logP"):
        corpus_properties(corpus, ["logp"], 10)


def test_missing_targets_have_no_error_and_no_gradient() -> None:
    torch.manual_seed(0)
    guided = Guided(VAE(Sizes(9, 4, embedding=8, encoder_hidden=8, decoder_hidden=8)), 2, hidden=8)
    ids = torch.randint(2, 9, (3, 5))
    targets = torch.tensor([[1.0, torch.nan], [torch.nan, torch.nan], [0.0, 2.0]])
    _, error = guided(ids, torch.Generator().manual_seed(0), 0.0, targets)
    assert error.shape == (3, 2)
    assert (error[1] == 0).all()
    assert (error[[0, 2]] > 0).all()
    error.sum().backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in guided.parameters())


def test_properties_of_the_last_dimensions_move_no_other() -> None:
    torch.manual_seed(0)
    guided = Guided(VAE(Sizes(9, 6, embedding=8, encoder_hidden=8, decoder_hidden=8)), 1, dimensions=2, hidden=8)
    _, error = guided(torch.randint(2, 9, (3, 5)), torch.Generator().manual_seed(0), 0.0, torch.ones(3, 1))
    error.sum().backward()
    gradient = guided.vae.encoder.to_code.weight.grad
    assert gradient is not None
    moved = gradient.abs().sum(dim=1) > 0  # rows: six means, six log-variances
    assert moved.tolist() == ([False] * 4 + [True] * 2) * 2


GUIDED = {"columns": ("MW", "logP"), "weight": 20.0, "sampled_weight": 20.0}


@pytest.fixture(scope="module")
def laid_out(training_file: Path, tiny: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model trained with properties."""
    from molvae.fitting import fit

    folder = tmp_path_factory.mktemp("guided") / "model"
    fit(training_file, folder, tiny(train={"max_steps": 150}, properties=GUIDED), accelerator="cpu", jobs=1)
    return folder


def test_properties_can_be_read_off_codes_that_were_laid_out_by_them(laid_out: Path, model: MolVAE, smiles: list[str]) -> None:
    targets = compute(smiles, ["MW"]).to_numpy()
    found = []
    for each in (MolVAE.from_pretrained(laid_out), model):
        codes = each.encode(smiles, sample=True)
        found.append(fit_ensemble(codes, targets, [Column("MW")], hidden=16, members=1, steps=300).figures["MW"]["r2"])
    assert found[0] > found[1] + 0.1, found


def test_a_property_that_is_the_same_for_all_is_refused(training_file: Path, tiny: Callable[..., Any], tmp_path: Path) -> None:
    from molvae.fitting import fit

    path = tmp_path / "chains.smi"
    path.write_text("".join(f"{'C' * n}O\n" for n in range(1, 30)))
    with pytest.raises(DataError, match="'rings' is the same for all"):
        fit(path, tmp_path / "out", tiny(properties={"columns": ("MW", "rings")}), accelerator="cpu", jobs=1)


def test_a_guided_run_resumes_exactly(training_file: Path, tiny: Callable[..., Any], tmp_path: Path) -> None:
    from molvae.fitting import fit

    halves = tmp_path / "halves"
    schedule = {"warmup": 0.0, "final_learning_rate": 1.0}  # does not depend on the budget
    short, long = (tiny(train={"max_steps": steps} | schedule, properties=GUIDED) for steps in (10, 20))
    fit(training_file, halves, short, accelerator="cpu", jobs=1)
    other = fit(training_file, halves, long, resume=True, accelerator="cpu", jobs=1)
    straight = fit(training_file, tmp_path / "straight", long, accelerator="cpu", jobs=1)
    for name, weight in straight.checkpoint.vae.state_dict().items():
        assert torch.equal(weight, other.checkpoint.vae.state_dict()[name]), name
    with pytest.raises(CheckpointError, match="another recipe"):
        fit(training_file, halves, tiny(train={"max_steps": 30} | schedule), resume=True, accelerator="cpu", jobs=1)


def test_favoured_molecules_have_more_turns() -> None:
    split = with_turns(Split(np.array([0, 2, 3]), np.array([1, 4])), np.array([True, True, False, True, False]), 3)
    assert split.train.tolist() == [0, 0, 0, 2, 3, 3, 3]
    assert split.validation.tolist() == [1, 4]
