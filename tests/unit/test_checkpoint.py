"""Checkpoints: what is saved comes back, whatever is wrong is told, and nothing is ever unpickled."""

from __future__ import annotations

import ast
import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

import molvae
from molvae.checkpoint import Checkpoint
from molvae.data.novelty import TrainingIndex, fingerprints64
from molvae.data.tokenizer import Tokenizer
from molvae.errors import CheckpointError, DataError
from molvae.nn.critic import Critic, CriticSizes
from molvae.nn.prior import Flow, FlowSizes
from molvae.nn.sampling import SamplingSettings
from molvae.nn.vae import VAE, Sizes

TOKENIZER = Tokenizer.train([["[C]", "[C]", "[O]"]] * 9, vocabulary=6, symbols=["[N]"])


def checkpoint(seed: int = 0) -> Checkpoint:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        vae = VAE(Sizes(len(TOKENIZER), latent_size=2, embedding=4, encoder_hidden=4, decoder_hidden=4))
    return Checkpoint(
        vae, TOKENIZER, TrainingIndex.of(fingerprints64(["CCO", "CCN"])), 40, {"neutralize": True}, SamplingSettings(0.9, 0.95),
        {"train": {"seed": seed}}, {"valid": 1.0}, f"# model {seed}\nβ",
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checkpoint().save(tmp_path / "model")
    return tmp_path / "model"


def test_save_and_load_are_inverse_up_to_half_precision(folder: Path) -> None:
    saved, loaded = checkpoint(), Checkpoint.load(folder)
    own, found = saved.vae.state_dict(), loaded.vae.state_dict()
    assert own.keys() == found.keys()
    for name, tensor in own.items():
        assert found[name].dtype == torch.float32
        assert torch.equal(found[name], tensor.half().float()), name
    assert loaded.config() == saved.config()
    assert loaded.card == saved.card
    assert loaded.tokenizer.to_json() == saved.tokenizer.to_json()
    assert loaded.index.contains(["CCO", "CCN", "CCC"]).tolist() == [True, True, False]
    assert not loaded.vae.training


def test_a_loaded_checkpoint_saves_to_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    Checkpoint.load(folder).save(tmp_path / "again")
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    assert all((folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in names)


def test_the_model_card_may_be_missing(folder: Path) -> None:
    (folder / "README.md").unlink()
    assert Checkpoint.load(folder).card == ""


def edit(folder: Path, change: Callable[[dict], object]) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    path = folder / "model.safetensors"
    tensors = safetensors.torch.load(path.read_bytes())
    change(tensors)
    path.write_bytes(safetensors.torch.save(tensors))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "no such folder"),
    "no config": (lambda f: (f / "config.json").unlink(), "has no config.json"),
    "bad JSON": (lambda f: cut(f / "config.json"), r"config\.json is damaged"),
    "binary config": (lambda f: (f / "config.json").write_bytes(b"\xff\x00"), r"config\.json is damaged"),
    "another JSON": (lambda f: (f / "config.json").write_text("[]"), r"config\.json is damaged or of another kind"),
    "no format": (lambda f: edit(f, lambda c: c.pop("format")), r"config\.json is damaged or of another kind: 'format'"),
    "other format": (lambda f: edit(f, lambda c: c.update(format=99)), "has format 99; this version of molvae reads format 2"),
    "missing key": (lambda f: edit(f, lambda c: c.pop("max_tokens")), r"config\.json lacks.*max_tokens"),
    "no model": (lambda f: edit(f, lambda c: c.pop("model")), r"config\.json lacks.*model"),
    "unknown size": (lambda f: edit(f, lambda c: c["model"].update(depth=3)), r"config\.json lacks or misnames.*depth"),
    "missing size": (lambda f: edit(f, lambda c: c["model"].pop("vocabulary")), r"config\.json lacks.*vocabulary"),
    "a text for a size": (lambda f: edit(f, lambda c: c["model"].update(latent_size="two")), r"config\.json"),
    "a negative size": (lambda f: edit(f, lambda c: c["model"].update(latent_size=-2)), r"config\.json"),
    "unknown standardizer": (lambda f: edit(f, lambda c: c["standardizer"].update(tidy=1)), r"config\.json.*tidy"),
    "bad temperature": (lambda f: edit(f, lambda c: c["sampling"].update(temperature=-1)), r"config\.json.*temperature"),
    "other constraints": (lambda f: edit(f, lambda c: c["selfies_constraints"].update(S=4)), "other SELFIES constraints"),
    "no constraints": (lambda f: edit(f, lambda c: c.pop("selfies_constraints")), "other SELFIES constraints"),
    "other vocabulary": (lambda f: edit(f, lambda c: c["model"].update(vocabulary=99)), r"the tokenizer has 6 ids, the model 99"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), r"tokenizer\.json is missing"),
    "damaged tokenizer": (lambda f: cut(f / "tokenizer.json"), r"tokenizer\.json is not a molvae tokenizer"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), r"model\.safetensors is missing or damaged"),
    "damaged weights": (lambda f: cut(f / "model.safetensors"), r"model\.safetensors is missing or damaged"),
    "empty weights": (lambda f: (f / "model.safetensors").write_bytes(b""), r"model\.safetensors is missing or damaged"),
    "missing weights": (
        lambda f: weights(f, lambda w: w.pop("decoder.embed.weight")), r"does not fit config\.json: missing: decoder\.embed\.weight",
    ),
    "unexpected weights": (lambda f: weights(f, lambda w: w.update(x=torch.ones(1))), r"unexpected: x"),
    "wrong shape": (
        lambda f: weights(f, lambda w: w.update({"decoder.from_code.bias": torch.ones(9)})), r"of another shape: decoder\.from_code\.bias",
    ),
    "wider than its weights": (lambda f: edit(f, lambda c: c["model"].update(decoder_hidden=8)), r"of another shape: .*decoder\.gru"),
    "no index": (lambda f: (f / "training_index.safetensors").unlink(), r"training_index\.safetensors"),
    "damaged index": (lambda f: cut(f / "training_index.safetensors"), r"training_index\.safetensors"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_wrong_is_told(damage: str, folder: Path) -> None:
    harm, message = DAMAGES[damage]
    harm(folder)
    with pytest.raises(CheckpointError, match=message):
        Checkpoint.load(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "training_index.safetensors", "model.safetensors", "config.json", "README.md"])
def test_a_full_disk_leaves_a_checkpoint_that_loads(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes, write_text = Path.write_bytes, Path.write_text

    def full(path: Path, data: bytes | str, write: Callable, **options: str) -> int:
        if name in path.name:
            write(path, data[: len(data) // 2], **options)
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", lambda path, data: full(path, data, write_bytes))
        patch.setattr(Path, "write_text", lambda path, data, **options: full(path, data, write_text, **options))
        with pytest.raises(DataError, match=rf"{name} cannot be written: No space left on device"):
            checkpoint(seed=1).save(folder)
    loaded = Checkpoint.load(folder)
    old, new = (checkpoint(seed).vae.state_dict() for seed in (0, 1))
    found = loaded.vae.state_dict()
    which = new if name in ("config.json", "README.md") else old
    assert all(torch.equal(found[key], which[key].half().float()) for key in found), "all weights of one model, not of two"
    assert not [path for path in folder.iterdir() if path.name.endswith(".part")]


# --- nothing is unpickled

SOURCES = sorted(Path(molvae.__file__).parent.rglob("*.py"))
UNPICKLERS = {"pickle", "cloudpickle", "dill", "shelve", "marshal", "_pickle"}
LOADERS = {"torch.load", "joblib.load", "pd.read_pickle", "pandas.read_pickle", "torch.save", "joblib.dump"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_module_can_unpickle(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name.split(".")[0] for alias in node.names} | {(getattr(node, "module", None) or "").split(".")[0]}
            assert not names & UNPICKLERS, f"line {node.lineno}"
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in LOADERS, f"line {node.lineno}"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant) and node.value.value is False, f"line {node.value.lineno}"


def test_prior_and_critic_are_saved_with_the_model(tmp_path: Path) -> None:
    made = checkpoint()
    made.prior, made.critic = Flow(FlowSizes(2, 3, 4)), Critic(CriticSizes(10))
    made.critic.level.fill_(0.5)
    made.sampling = SamplingSettings(prior="learned", critic=True)
    made.save(tmp_path)
    loaded = Checkpoint.load(tmp_path)
    assert loaded.config() == made.config()
    for own, found in ((made.prior, loaded.prior), (made.critic, loaded.critic)):
        assert found is not None
        assert not found.training
        assert all(torch.equal(found.state_dict()[name].half(), tensor.half()) for name, tensor in own.state_dict().items())
    (tmp_path / "critic.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"critic\.safetensors is missing or damaged"):
        Checkpoint.load(tmp_path)


def test_a_prior_of_another_name_is_refused(folder: Path) -> None:
    edit(folder, lambda c: c["sampling"].update(prior="uniform"))
    with pytest.raises(CheckpointError, match="expected one of gaussian, learned, written, none"):
        Checkpoint.load(folder)
