"""The MOSES VAE and CharRNN (Polykovskiy et al. 2020, doi:10.3389/fphar.2020.565644): their own code, fetched, patched, timed.

Nothing of them is part of this repository. The wheel molsets 0.3.1 is fetched into a cache folder and checked; its modules are
imported without the package's own `__init__`, which needs libraries that no longer exist. One thing is changed on import: the
masks of `VAE.sample` are made boolean, since current torch reads the uint8 of old as row numbers.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import safetensors
import safetensors.torch
import torch
from moses_wheel import fetch_wheel, moses_rows, reference_statistics

from molvae.errors import CheckpointError, DataError
from molvae.files import replacing

__all__ = ["PeerTraining", "Peers", "char_rnn_training", "load_peers", "moses_rows", "reference_statistics", "trained", "vae_training"]

_PATCHES = {"moses.vae.model": (b"dtype=torch.uint8", b"dtype=torch.bool")}
_ONLY_FOR_SHOW = ("matplotlib", "tqdm")  # imported by the peers, not needed by what is measured


class _Patching(importlib.abc.SourceLoader):
    """Loads one source file with one text in it replaced; leaves no bytecode behind."""

    def __init__(self, path: Path, old: bytes, new: bytes) -> None:
        self._path, self._old, self._new = path, old, new

    def get_filename(self, fullname: str) -> str:
        return str(self._path)

    def get_data(self, path: str | bytes) -> bytes:
        source = self._path.read_bytes()
        if source.count(self._old) != 1:
            raise DataError(f"{self._path} holds {self._old.decode()!r} {source.count(self._old)} times, expected once")
        return source.replace(self._old, self._new)


@dataclass(frozen=True)
class Peers:
    """The peers' modules.

    Attributes:
        vae: `moses.vae`.
        annealing: `moses.vae.misc`.
        char_rnn: `moses.char_rnn`.
        utils: `moses.utils`.
    """

    vae: ModuleType
    annealing: ModuleType
    char_rnn: ModuleType
    utils: ModuleType


def load_peers(cache: Path) -> Peers:
    """Import the peers' code from the wheel."""
    folder = _unpack(fetch_wheel(cache), cache / "molsets-0.3.1")
    for name in _ONLY_FOR_SHOW:
        if importlib.util.find_spec(name) is None:
            _stand_in(name, {"pyplot": None} if name == "matplotlib" else {"auto": iter})
    package = ModuleType("moses")
    package.__path__ = [str(folder / "moses")]
    sys.modules["moses"] = package
    for name, (old, new) in _PATCHES.items():
        _load_patched(name, folder / f"{name.replace('.', '/')}.py", old, new)
    return Peers(*(importlib.import_module(f"moses.{name}") for name in ("vae", "vae.misc", "char_rnn", "utils")))


def _unpack(wheel: Path, folder: Path) -> Path:
    """Unpack the code of the wheel, not its data."""
    with zipfile.ZipFile(wheel) as archive:
        code = [name for name in archive.namelist() if name.startswith("moses/") and name.endswith(".py")]
        if not all((folder / name).exists() for name in code):
            archive.extractall(folder, code)
    return folder


def _stand_in(name: str, parts: dict[str, Any]) -> None:
    """An empty library with the submodules the peers import from; `tqdm.auto.tqdm` passes its rows through."""
    sys.modules[name] = ModuleType(name)
    for part, content in parts.items():
        module = ModuleType(f"{name}.{part}")
        module.__dict__[name] = content
        sys.modules[f"{name}.{part}"] = module
        setattr(sys.modules[name], part, module)


def _load_patched(name: str, path: Path, old: bytes, new: bytes) -> None:
    loader = _Patching(path, old, new)
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None  # a loader was given
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)


class TimedBatches:
    """Feeds a peer's own training epoch for a while and times it; it stands where the peer expects its progress bar.

    Args:
        loader: the peer's own loader; started again when it is used up.
        warmup: steps not counted.
        seconds: time after which the epoch ends, with the step under way.
    """

    def __init__(self, loader: Any, warmup: int, seconds: float) -> None:
        self._loader, self._warmup, self._seconds = loader, warmup, seconds
        self.molecules = self.steps = 0
        self.elapsed = 0.0

    def __iter__(self) -> Iterator[Any]:
        batches = self._endless()
        for _ in range(self._warmup):
            yield next(batches)
        start = time.perf_counter()
        while self.elapsed < self._seconds:
            batch = next(batches)
            yield batch
            self.molecules += len(batch[-1]) if isinstance(batch, tuple) else len(batch)
            self.steps += 1
            self.elapsed = time.perf_counter() - start

    def _endless(self) -> Iterator[Any]:
        while True:
            yield from self._loader

    def set_postfix(self, figures: object) -> None:
        """Ignored, as is everything meant for the bar."""

    set_postfix_str = set_postfix

    def speed(self) -> float:
        """Molecules a second."""
        return self.molecules / self.elapsed


@dataclass(frozen=True)
class PeerTraining:
    """A peer ready to train.

    Attributes:
        model: its network.
        loader: its own loader, with its own collation.
        epoch: its own epoch (forward, loss, backward, clip, optimizer step), over the batches given.
    """

    model: Any
    loader: Any
    epoch: Callable[[TimedBatches], object]

    def train(self, seconds: float, warmup: int = 1, bf16: bool = False) -> float:
        """Train for `seconds` after `warmup` steps; molecules a second."""
        batches = TimedBatches(self.loader, warmup, seconds)
        with _autocast(bf16):
            self.epoch(batches)
        return batches.speed()

    def parameters(self) -> int:
        """Number of weights."""
        return sum(weight.numel() for weight in self.model.parameters())


def _autocast(bf16: bool) -> AbstractContextManager[Any]:
    return torch.autocast("cpu", torch.bfloat16) if bf16 else nullcontext()


def vae_training(peers: Peers, rows: list[str], kl_weight: float | None = None) -> PeerTraining:
    """The MOSES VAE at its published sizes and settings.

    Args:
        peers: the peers' modules.
        rows: SMILES to train on.
        kl_weight: that of its first epoch when None.
    """
    config = peers.vae.vae_parser().parse_args([])
    trainer = peers.vae.VAETrainer(config)
    torch.manual_seed(0)
    model = peers.vae.VAE(trainer.get_vocabulary(rows), config)
    optimizer = torch.optim.Adam(trainer.get_optim_params(model), lr=config.lr_start)
    weight = peers.annealing.KLAnnealer(trainer._n_epoch(), config)(0) if kl_weight is None else kl_weight
    loader = trainer.get_dataloader(model, rows)
    return PeerTraining(model, loader, lambda batches: trainer._train_epoch(model, 0, batches, weight, optimizer))


def char_rnn_training(peers: Peers, rows: list[str], batch_size: int | None = None) -> PeerTraining:
    """The MOSES CharRNN at its published sizes and settings; its published batch size when None."""
    config = peers.char_rnn.char_rnn_parser().parse_args([])
    config.n_batch = batch_size or config.n_batch
    trainer = peers.char_rnn.CharRNNTrainer(config)
    torch.manual_seed(0)
    model = peers.char_rnn.CharRNN(trainer.get_vocabulary(rows), config)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr)
    loss = torch.nn.CrossEntropyLoss()
    loader = trainer.get_dataloader(model, rows)
    return PeerTraining(model, loader, lambda batches: trainer._train_epoch(model, batches, loss, optimizer))


def trained(name: str, cache: Path, seconds: float, training: PeerTraining) -> Any:
    """The peer's model after `seconds` of training, in evaluation mode; kept in the cache as safetensors and used again.

    The rows (their number and so the vocabulary) must be the same as when it was kept, or CheckpointError is raised.
    """
    path = cache / f"{name}-{seconds:g}s.safetensors"
    vocabulary = "".join(islice(training.model.vocabulary.c2i, len(training.model.vocabulary) - 4))
    if path.exists():
        _load_weights(path, training.model, vocabulary)
    else:
        speed = training.train(seconds, warmup=0)
        weights = {
            name: weight.detach().contiguous() for name, weight in training.model.named_parameters()
        }  # each once: modules share them
        with replacing(path) as partial:
            metadata = {"vocabulary": vocabulary, "molecules_per_second": f"{speed:.1f}"}
            partial.write_bytes(safetensors.torch.save(weights, metadata=metadata))
    return training.model.eval()


def _load_weights(path: Path, model: Any, vocabulary: str) -> None:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            kept = file.metadata()["vocabulary"]
        if kept != vocabulary:
            raise CheckpointError(f"{path} was trained on other rows (its characters differ); remove it to train the peer again")
        weights = safetensors.torch.load_file(path)
        with torch.no_grad():
            for name, weight in model.named_parameters():
                weight.copy_(weights[name])
    except (OSError, KeyError, TypeError, RuntimeError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be used: {error}; remove it to train the peer again") from error
