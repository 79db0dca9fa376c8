"""A learned prior and a critic, fitted to the tiny model and used by its samples; a start from a model; the plain autoencoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from molvae import MolVAE
from molvae.errors import DataError, RecipeError
from molvae.fitting import fit

Tiny = Callable[..., Any]


@pytest.fixture
def fresh(trained: Path) -> MolVAE:
    """A model of the test's own, so that the others' stays as it is."""
    return MolVAE.from_pretrained(trained)


def test_a_learned_prior_is_drawn_from_and_saved(fresh: MolVAE, training_file: Path, tmp_path: Path) -> None:
    before = fresh.sample(20, seed=1, raw=True)["smiles"].tolist()
    fitted = fresh.fit_prior(training_file, steps=20)
    assert fitted.gain >= fitted.moments_gain
    assert fresh.checkpoint.sampling.prior in ("gaussian", "learned")
    assert fresh.checkpoint.figures["prior_gain"] == fitted.gain
    gaussian, learned = (fresh.sample(20, seed=1, raw=True, prior=prior)["smiles"].tolist() for prior in ("gaussian", "learned"))
    assert gaussian == before
    assert learned != gaussian
    fresh.save_pretrained(tmp_path)
    again = MolVAE.from_pretrained(tmp_path)
    assert again.sample(5, seed=1, raw=True, prior="learned").attrs["prior"] == "learned"


def test_a_critic_keeps_some_of_the_survivors(fresh: MolVAE, training_file: Path, tmp_path: Path) -> None:
    fitted = fresh.fit_critic(training_file, draws=4_096, keep=0.5)
    assert fitted.auc > 0.6, "a model trained for seconds is easily told from the truth"
    assert fitted.kept == pytest.approx(0.5, abs=0.01)
    kept = fresh.sample(30, seed=1)
    assert kept.attrs["critic"]
    assert kept.attrs["accepted"] < 0.8 * kept.attrs["surviving"]
    all_of_them = fresh.sample(30, seed=1, critic=False)
    assert all_of_them.attrs["accepted"] == all_of_them.attrs["surviving"]
    assert fresh.sample(600, seed=1, raw=True).attrs["critic"] is False
    pd.testing.assert_frame_equal(kept.head(10), fresh.sample(10, seed=1))
    fresh.save_pretrained(tmp_path)
    assert MolVAE.from_pretrained(tmp_path).sample(5, seed=1)["smiles"].tolist() == fresh.sample(5, seed=1)["smiles"].tolist()


def test_what_a_model_lacks_is_named(fresh: MolVAE) -> None:
    with pytest.raises(DataError, match="no learned prior; fit one"):
        fresh.sample(5, prior="learned")
    with pytest.raises(DataError, match="no critic; fit one"):
        fresh.sample(5, critic=True)
    with pytest.raises(ValueError, match="prior is 'flat', expected one of gaussian, learned, written, none"):
        fresh.sample(5, prior="flat")  # type: ignore[arg-type]


def test_training_may_start_from_a_model(trained: Path, training_file: Path, tiny: Tiny, tmp_path: Path) -> None:
    recipe = tiny(train={"max_steps": 1, "learning_rate": 1e-9})
    begun = fit(training_file, tmp_path / "begun", recipe, start=trained, accelerator="cpu", jobs=1)
    source = MolVAE.from_pretrained(trained)
    for name, tensor in source.checkpoint.vae.state_dict().items():
        torch.testing.assert_close(begun.checkpoint.vae.state_dict()[name], tensor, atol=1e-6, rtol=0)
    assert begun.checkpoint.tokenizer.to_json() == source.checkpoint.tokenizer.to_json()


def test_a_start_may_be_given_more_dimensions(trained: Path, training_file: Path, tiny: Tiny, smiles: list[str], tmp_path: Path) -> None:
    recipe = tiny(model={"latent_size": 7}, train={"max_steps": 1, "learning_rate": 1e-9})
    begun = fit(training_file, tmp_path / "begun", recipe, start=trained, accelerator="cpu", jobs=1)
    before = MolVAE.from_pretrained(trained).encode(smiles[:20])
    np.testing.assert_allclose(begun.encode(smiles[:20]), np.pad(before, ((0, 0), (0, 3))), atol=1e-5)


def test_a_start_on_other_molecules_keeps_the_tokens(trained: Path, tiny: Tiny, tmp_path: Path) -> None:
    other = tmp_path / "other.smi"
    other.write_text("\n".join(["CCO", "CCN", "CCF", "CCCO", "CCCN", "OCCO", "NCCN", "CC#N"]))
    begun = fit(other, tmp_path / "run", tiny(train={"max_steps": 1}), start=trained, accelerator="cpu", jobs=1, cache=tmp_path)
    assert begun.checkpoint.tokenizer.to_json() == MolVAE.from_pretrained(trained).checkpoint.tokenizer.to_json()


def test_a_start_of_other_sizes_is_refused(trained: Path, training_file: Path, tiny: Tiny, tmp_path: Path) -> None:
    recipe = tiny(model={"latent_size": 3, "embedding": 17})
    with pytest.raises(RecipeError, match="latent_size is 3 in the recipe, 4 in the model; embedding is 17 in the recipe, 16 in the model"):
        fit(training_file, tmp_path, recipe, start=trained, accelerator="cpu", jobs=1)


def test_a_plain_autoencoder_trains_and_needs_a_learned_prior(training_file: Path, tiny: Tiny, tmp_path: Path) -> None:
    recipe = tiny(model={"latent": "deterministic"}, train={"max_steps": 100, "corruption": 0.1})
    model = fit(training_file, tmp_path, recipe, accelerator="cpu", jobs=1)
    assert model.checkpoint.figures["held_out_rate"] == 0
    codes = model.encode(["NCCF", "NCCO"], sample=True)
    np.testing.assert_array_equal(codes, model.encode(["NCCF", "NCCO"]))
    fitted = model.fit_prior(training_file, steps=50)
    assert fitted.moments_gain > 1, "codes of a plain autoencoder are spread far from N(0, I)"
    assert model.sample(3, seed=1, raw=True, prior="learned")["valid"].any()
