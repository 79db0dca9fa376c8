"""Training: it learns, it stops when asked, and what is resumed ends where an uninterrupted run does, to the bit."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from molvae import MolVAE, fitting
from molvae.chem.selfies import to_symbols
from molvae.errors import CheckpointError, DataError, Interrupted
from molvae.fitting import fit, new_vae
from molvae.training.engine import make_fabric
from molvae.training.recipe import Recipe
from molvae.training.state import Progress, load_state, save_state
from molvae.training.trainer import Trainer

Tiny = Callable[..., Recipe]
OFTEN = "0.0001s"


def state(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors of a run's state (weights and optimizer moments) and its progress, without the time it took."""
    path = folder / "training" / "state.safetensors"
    with safetensors.safe_open(path, framework="pt") as file:
        progress = json.loads(file.metadata()["progress"])
    progress.pop("elapsed")
    progress.pop("setting")
    return safetensors.torch.load(path.read_bytes()), progress


def lines(folder: Path, kind: str) -> list[dict[str, float]]:
    every = [json.loads(line) for line in (folder / "training" / "metrics.jsonl").read_text().splitlines()]
    return [line for line in every if line["kind"] == kind]


def at_step(step: int, act: Callable[[], object]) -> Callable[[dict[str, float]], None]:
    """A listener that acts once, at the evaluation of a step."""

    def listener(figures: dict[str, float]) -> None:
        if figures["step"] == step and "held_out_elbo" in figures:
            act()

    return listener


def crash() -> None:
    raise RuntimeError("power cut")


# --- learning


def test_a_tiny_model_overfits_32_molecules(smiles: list[str], tmp_path: Path) -> None:
    by_length: dict[int, list[str]] = {}
    for text in smiles:
        by_length.setdefault(len(to_symbols(text)), []).append(text)
    few = max(by_length.values(), key=len)[:33]  # of one length, so that a step sees all; one is held out
    path = tmp_path / "few.smi"
    path.write_text("\n".join(few) + "\n")
    recipe = Recipe.of(
        {
            "data": {"vocabulary": 0, "validation": 1},
            "model": {"latent_size": 16, "embedding": 32, "encoder_hidden": 64, "decoder_hidden": 64},
            "rate": {"target": [[0.0, 40.0]], "beta_start": 0.02, "beta_max": 0.05},
            "train": {"batch_size": 32, "learning_rate": 1e-2, "max_steps": 300, "precision": "32-true", "evaluate_every": "1h"},
        }
    )
    model = MolVAE.fit(path, tmp_path / "run", recipe, accelerator="cpu", jobs=1)
    assert model.reconstruct(few)["exact"].sum() >= 28


def test_training_lowers_the_elbo_on_molecules_held_out(training_file: Path, tiny: Tiny, tmp_path: Path) -> None:
    found = []
    for steps in (1, 60):
        model = fit(training_file, tmp_path / str(steps), tiny(train={"max_steps": steps}), accelerator="cpu", jobs=1)
        found.append(model.checkpoint.figures["held_out_elbo"])
    assert found[1] < 0.8 * found[0]


def test_the_rate_comes_near_its_target(trained: Path, tiny: Tiny) -> None:
    target = tiny().rate.target[0][1]
    assert lines(trained, "evaluate")[-1]["held_out_rate"] == pytest.approx(target, rel=0.5)


def test_the_same_seed_gives_the_same_weights_and_another_others(training_file: Path, tiny: Tiny, tmp_path: Path) -> None:
    before = torch.get_rng_state()
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        fit(training_file, tmp_path / name, tiny(train={"max_steps": 3, "seed": seed}), accelerator="cpu", jobs=1)
    a, b, c = ((tmp_path / name / "model.safetensors").read_bytes() for name in "abc")
    assert a == b
    assert a != c
    assert torch.equal(torch.get_rng_state(), before), "the global random state is the user's"


# --- figures


def test_the_metrics_hold_what_one_wants_to_know(training_file: Path, tiny: Tiny, tmp_path: Path) -> None:
    recipe = tiny(train={"max_steps": 1_000_000, "max_time": "1.5s"})
    heard: list[dict[str, float]] = []
    fit(training_file, tmp_path, recipe, accelerator="cpu", jobs=1, listener=heard.append)
    running, measured = lines(tmp_path, "train"), lines(tmp_path, "evaluate")
    assert running
    assert measured
    for line in running:
        assert line["elbo"] == pytest.approx(line["rate"] + line["distortion"])
        assert line["molecules_per_second"] > 0
        assert {"step", "epoch", "elapsed", "beta", "target_rate", "gradient_norm", "learning_rate"} <= line.keys()
    for line in measured:
        assert line["held_out_elbo"] == pytest.approx(line["held_out_rate"] + line["held_out_distortion"])
        assert 0 <= line["active_units"] <= recipe.model.latent_size
        assert all(0 <= line[name] <= 1 for name in ("exact_reconstruction", "valid", "survives", "unique", "novel"))
    assert measured[-1]["elapsed"] == pytest.approx(1.5, abs=0.7), "the budget of time is kept"
    assert len(heard) == len(running) + len(measured)


def test_the_model_card_and_config_tell_how_it_was_made(trained: Path) -> None:
    config = json.loads((trained / "config.json").read_text())
    assert config["recipe"]["train"]["max_steps"] == 150
    assert config["figures"].keys() >= {"held_out_elbo", "valid", "novel", "exact_reconstruction"}
    assert "444 molecules of `molecules.smi`" in (trained / "README.md").read_text()


# --- stopping and going on


@pytest.fixture(scope="module")
def whole(training_file: Path, tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 8 steps that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    fit(training_file, folder, tiny(train={"max_steps": 8}), accelerator="cpu", jobs=1)
    return folder


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "crash"])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does_to_the_bit(
    how: str, whole: Path, training_file: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"accelerator": "cpu", "jobs": 1}
    monkeypatch.setattr(
        fitting, "judge_model", lambda *_: {}
    )  # of the broken run alone, and its evaluations are more: they must not matter
    broken = tiny(train={"max_steps": 8, "evaluate_every": OFTEN, "save_every": OFTEN if how == "crash" else "1000d"})
    act = crash if how == "crash" else lambda: os.kill(os.getpid(), getattr(signal, how))
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(RuntimeError if how == "crash" else Interrupted) as caught:
        fit(training_file, tmp_path, broken, listener=at_step(4, act), **options)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    if how != "crash":
        assert "stopped at step 5; everything is saved" in str(caught.value)
    assert 0 < state(tmp_path)[1]["step"] < 8

    fit(training_file, tmp_path, broken, resume=True, **options)
    (tensors, progress), (wanted, wanted_progress) = state(tmp_path), state(whole)
    assert progress == wanted_progress
    assert progress["step"] == 8
    assert tensors.keys() == wanted.keys()
    assert any(name.endswith("exp_avg_sq") for name in tensors)
    assert all(torch.equal(tensors[name], wanted[name]) for name in wanted)
    assert (tmp_path / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert [line["step"] for line in lines(tmp_path, "evaluate")][-1] == 8


def test_a_run_that_was_stopped_can_be_loaded_as_a_model(training_file: Path, tiny: Tiny, tmp_path: Path) -> None:
    recipe = tiny(train={"max_steps": 8, "evaluate_every": OFTEN})
    stop = at_step(1, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted):
        fit(training_file, tmp_path, recipe, accelerator="cpu", jobs=1, listener=stop)
    assert MolVAE.from_pretrained(tmp_path).encode("CCCN").shape == (1, 4)


def test_a_run_that_is_done_can_be_resumed_and_changes_nothing(training_file: Path, tiny: Tiny, tmp_path: Path) -> None:
    recipe = tiny(train={"max_steps": 3})
    fit(training_file, tmp_path, recipe, accelerator="cpu", jobs=1)
    before = (tmp_path / "model.safetensors").read_bytes()
    fit(training_file, tmp_path, recipe, accelerator="cpu", jobs=1, resume=True)
    assert (tmp_path / "model.safetensors").read_bytes() == before


def test_a_finished_run_goes_on_with_a_larger_budget(training_file: Path, tiny: Tiny, tmp_path: Path) -> None:
    fit(training_file, tmp_path, tiny(train={"max_steps": 3}), accelerator="cpu", jobs=1)
    model = fit(training_file, tmp_path, tiny(train={"max_steps": 5}), accelerator="cpu", jobs=1, resume=True)
    assert model.checkpoint.figures["step"] == 5


def test_resuming_with_another_recipe_or_other_data_is_refused(training_file: Path, tiny: Tiny, smiles: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    fit(training_file, folder, tiny(train={"max_steps": 3}), accelerator="cpu", jobs=1)
    other = tmp_path / "other.smi"
    other.write_text("\n".join(smiles[1:]) + "\n")
    for source, recipe in ((training_file, tiny(train={"max_steps": 3, "clip": 1.0})), (other, tiny(train={"max_steps": 3}))):
        with pytest.raises(CheckpointError, match="another recipe or other data"):
            fit(source, folder, recipe, resume=True, accelerator="cpu", jobs=1)


def test_a_run_is_not_overwritten_and_none_is_made_up(training_file: Path, tiny: Tiny, trained: Path, tmp_path: Path) -> None:
    before = (trained / "training" / "state.safetensors").read_bytes()
    with pytest.raises(CheckpointError, match="holds a run already"):
        fit(training_file, trained, tiny(), jobs=1)
    assert (trained / "training" / "state.safetensors").read_bytes() == before
    with pytest.raises(CheckpointError, match="holds no run to resume"):
        fit(training_file, tmp_path / "none", tiny(), resume=True, jobs=1)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_a_damaged_state_is_a_checkpoint_error(damage: str, training_file: Path, tiny: Tiny, tmp_path: Path) -> None:
    recipe = tiny(train={"max_steps": 2})
    fit(training_file, tmp_path, recipe, accelerator="cpu", jobs=1)
    path = tmp_path / "training" / "state.safetensors"
    content = {"cut": path.read_bytes()[:-20], "empty": b"", "other": safetensors.torch.save({"x": torch.ones(1)})}
    path.write_bytes(content[damage])
    with pytest.raises(CheckpointError, match=r"state\.safetensors cannot be resumed from"):
        fit(training_file, tmp_path, recipe, resume=True, accelerator="cpu", jobs=1)


def test_a_full_disk_while_saving_leaves_the_state_before(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vae, path = new_vae(tiny(), 30), tmp_path / "state.safetensors"
    optimizer = torch.optim.AdamW(vae.parameters())
    vae(torch.full((2, 3), 5), torch.Generator()).distortion.sum().backward()
    optimizer.step()
    save_state(path, vae, optimizer, Progress(step=1, log_beta=-0.5, setting="s"))
    before = {name: tensor.clone() for name, tensor in vae.state_dict().items()}
    optimizer.step()

    def full(target: Path, data: bytes) -> int:
        with target.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(DataError, match=r"state\.safetensors cannot be written: No space left"):
            save_state(path, vae, optimizer, Progress(step=2))
    assert list(tmp_path.iterdir()) == [path]

    other = new_vae(tiny(train={"seed": 9}), 30)
    fresh = torch.optim.AdamW(other.parameters())
    progress = load_state(path, other, fresh, "s")
    assert (progress.step, progress.log_beta, progress.setting) == (1, -0.5, "s")
    assert all(torch.equal(other.state_dict()[name], tensor) for name, tensor in before.items())


def test_a_full_disk_in_the_middle_of_training_ends_it_with_a_state_to_go_on_from(
    training_file: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, write, saved = tiny(train={"max_steps": 6, "save_every": OFTEN}), Path.write_bytes, []

    def full(path: Path, data: bytes) -> int:
        saved.append(path)
        if sum("state.safetensors" in place.name for place in saved) > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(DataError, match="No space left"):
            fit(training_file, tmp_path, recipe, accelerator="cpu", jobs=1)
    assert state(tmp_path)[1]["step"] == 3
    fit(training_file, tmp_path, recipe, accelerator="cpu", jobs=1, resume=True)
    assert state(tmp_path)[1]["step"] == 6


# --- early stopping


def patient(tiny: Tiny, **train: Any) -> Recipe:
    """Learns too fast to go on becoming better: it must stop early and keep the best."""
    return tiny(train={"max_steps": 400, "learning_rate": 0.05, "evaluate_steps": 5, "patience": 4} | train)


@pytest.fixture(scope="module")
def stopped(training_file: Path, tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stopped")
    fit(training_file, folder, patient(tiny), accelerator="cpu", jobs=1)
    return folder


def test_training_ends_when_patience_does_and_the_best_weights_are_kept(stopped: Path) -> None:
    *measured, last = lines(stopped, "evaluate")
    elbos = [line["held_out_elbo"] for line in measured]
    best = int(np.argmin(elbos))
    assert [line["step"] for line in measured] == list(range(0, 5 * len(measured), 5))
    assert len(measured) - 1 == best + 4, "four evaluations were no better"
    assert 0 < measured[-1]["step"] < 400
    assert last["held_out_elbo"] == pytest.approx(elbos[best])
    assert json.loads((stopped / "config.json").read_text())["figures"]["held_out_elbo"] == pytest.approx(elbos[best])


def test_a_resumed_run_keeps_its_patience_and_its_best_weights(stopped: Path, training_file: Path, tiny: Tiny, tmp_path: Path) -> None:
    middle = lines(stopped, "evaluate")[-3]["step"]  # after the best one
    with pytest.raises(Interrupted):
        stop = at_step(int(middle), lambda: os.kill(os.getpid(), signal.SIGTERM))
        fit(training_file, tmp_path, patient(tiny), accelerator="cpu", jobs=1, listener=stop)
    loaded = MolVAE.from_pretrained(tmp_path).checkpoint.vae.state_dict()
    kept = MolVAE.from_pretrained(stopped).checkpoint.vae.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in kept.items()), "what is saved on the way is the best so far"
    fit(training_file, tmp_path, patient(tiny), accelerator="cpu", jobs=1, resume=True)
    (tensors, progress), (wanted, wanted_progress) = state(tmp_path), state(stopped)
    assert progress == wanted_progress
    assert any(name.startswith("best.") for name in wanted)
    assert all(torch.equal(tensors[name], wanted[name]) for name in wanted)


# --- the loop itself


def test_the_trainer_knows_nothing_of_molecules(tiny: Tiny, tmp_path: Path) -> None:
    """Any source of tokens will do."""

    class Numbers:
        lengths = np.repeat([3, 5], 40)

        def batch(self, molecules: np.ndarray) -> np.ndarray:
            return np.full((len(molecules), int(self.lengths[molecules[0]])), 2) + molecules[:, None] % 5

    recipe = tiny(train={"max_steps": 20})
    vae = new_vae(recipe, 8)
    figures = Trainer(recipe, make_fabric(recipe, "cpu"), tmp_path).fit(vae, Numbers())
    assert figures["held_out_elbo"] < 3 * 5 * np.log(8)


@pytest.mark.parametrize("rows", [["CCO"], ["CCO", "OCC", "aspirin"]])
def test_one_molecule_is_too_few(rows: list[str], tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / "one.smi"
    path.write_text("\n".join(rows) + "\n")
    with pytest.raises(DataError, match=r"holds 1 usable molecule \(refused: .*\); at least 2 are needed"):
        fit(path, tmp_path / "run", tiny(), jobs=1)


def test_two_molecules_are_enough(tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / "two.smi"
    path.write_text("CCO\nCCN\n")
    model = fit(path, tmp_path / "run", tiny(train={"max_steps": 2}), accelerator="cpu", jobs=1)
    assert model.encode(["CCO", "CCN"]).shape == (2, 4)


def test_two_processes_train_by_the_same_command(training_file: Path, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "tiny.toml").write_text(
        '[data]\nvocabulary = 48\nvalidation = 16\n[train]\nbatch_size = 31\nmax_time = "10m"\nprecision = "32-true"\n'
        "[model]\nlatent_size = 4\nembedding = 16\nencoder_hidden = 32\ndecoder_hidden = 32\n"
    )
    command = [sys.executable, "-m", "molvae", "train", "tiny.toml", "--data", str(training_file), "--devices", "2", "--max-steps", "5",
               "--accelerator", "cpu", "--out", "run"]  # fmt: skip
    environment = os.environ | {"MOLVAE_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert lines(tmp_path / "run", "evaluate")[-1]["step"] == 5
    assert len(MolVAE.from_pretrained(tmp_path / "run").sample(5, raw=True, seed=1)) == 5
    assert done.stderr.count("done") == 1, "one process speaks for all"
