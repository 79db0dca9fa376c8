"""A model on disk: one folder, nothing in it a pickle.

config.json                 sizes, tokens, SELFIES constraints, sampling defaults, recipe, figures, library versions
tokenizer.json              symbols and merges
model.safetensors           weights, fp16
prior.safetensors           weights of the learned prior, fp16, where there is one
critic.safetensors          weights of the critic, fp16, where there is one
heads.safetensors           weights of the property heads, fp16, where there are any
training_index.safetensors  hashes of the molecules trained on
README.md                   the model card
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import safetensors.torch
import torch
from torch import Tensor, nn

from molvae.chem.molecules import Standardizer
from molvae.chem.selfies import CONSTRAINTS
from molvae.data.novelty import TrainingIndex
from molvae.data.tokenizer import Tokenizer
from molvae.errors import CheckpointError
from molvae.files import replacing
from molvae.nn.critic import Critic, CriticSizes
from molvae.nn.gaussian_process import GaussianProcessHeads, GaussianProcessSizes
from molvae.nn.heads import EnsembleHeads, Heads, HeadSizes
from molvae.nn.prior import Flow, FlowSizes
from molvae.nn.sampling import SamplingSettings
from molvae.nn.vae import VAE, Sizes

FORMAT = 2
_HEADS: dict[str, tuple[type[Any], Callable[[Any], Heads]]] = {
    EnsembleHeads.kind: (HeadSizes, EnsembleHeads),
    GaussianProcessHeads.kind: (GaussianProcessSizes, GaussianProcessHeads),
}
_LIBRARIES = ("molvae", "torch", "rdkit", "selfies", "tokenizers", "numpy", "safetensors")


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries a model depends on."""
    return {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES}


@dataclass
class Checkpoint:
    """All of a model that is kept.

    Attributes:
        vae: weights.
        tokenizer: symbols and ids.
        index: molecules trained on.
        max_tokens: the longest sequence sampling writes.
        standardizer: options of `molvae.chem.molecules.Standardizer` used in training.
        sampling: how molecules are drawn unless asked otherwise.
        prior: the learned prior, where one was fitted.
        critic: the critic, where one was fitted.
        heads: groups of property heads; a later group comes before an earlier one where both have a property.
        recipe: the recipe it was trained by.
        figures: what was measured on it, by name.
        card: text of the model card.
        made_with: versions of the libraries it was made with.
    """

    vae: VAE
    tokenizer: Tokenizer
    index: TrainingIndex
    max_tokens: int
    standardizer: dict[str, Any] = field(default_factory=dict)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    recipe: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    card: str = ""
    made_with: dict[str, str] = field(default_factory=versions)
    prior: Flow | None = None
    critic: Critic | None = None
    heads: nn.ModuleList = field(default_factory=nn.ModuleList)

    @property
    def head_groups(self) -> list[Heads]:
        """The groups of property heads."""
        return [cast(Heads, group) for group in self.heads]

    def config(self) -> dict[str, Any]:
        """What config.json holds."""
        return {
            "format": FORMAT,
            "model": asdict(self.vae.sizes),
            "max_tokens": self.max_tokens,
            "standardizer": self.standardizer,
            "sampling": asdict(self.sampling),
            "prior": asdict(self.prior.sizes) if self.prior else None,
            "critic": asdict(self.critic.sizes) if self.critic else None,
            "heads": [{"kind": group.kind} | asdict(group.sizes) for group in self.head_groups],
            "selfies_constraints": CONSTRAINTS,
            "recipe": self.recipe,
            "figures": self.figures,
            "versions": self.made_with,
        }

    def save(self, folder: Path) -> None:
        """Write all files; each replaces its forerunner only when whole. Raises DataError where the disk refuses."""
        modules = {"model": self.vae, "prior": self.prior, "critic": self.critic, "heads": self.heads}
        writers: dict[str, Callable[[Path], object]] = {
            "tokenizer.json": self.tokenizer.save,
            "training_index.safetensors": self.index.save,
            **{f"{name}.safetensors": partial(_write_weights, module) for name, module in modules.items() if module},
            "config.json": lambda path: path.write_text(json.dumps(self.config(), indent=1) + "\n", encoding="utf-8"),
            "README.md": lambda path: path.write_text(self.card, encoding="utf-8"),
        }
        for name, write in writers.items():
            with replacing(Path(folder) / name) as unfinished:
                write(unfinished)

    @classmethod
    def load(cls, folder: Path) -> Checkpoint:
        """Read a checkpoint; raises CheckpointError that says which file is missing, damaged or of another kind."""
        folder = Path(folder)
        if not folder.is_dir():
            raise CheckpointError(f"{folder} is no checkpoint: no such folder")
        config = _read_config(folder / "config.json")
        tokenizer = Tokenizer.load(folder / "tokenizer.json")
        try:
            vae = VAE(Sizes(**config["model"]))
            kept = {key: config[key] for key in ("max_tokens", "standardizer", "recipe", "figures")}
            kept |= {"made_with": config["versions"], "sampling": SamplingSettings(**config["sampling"])}
            kept["prior"] = Flow(FlowSizes(**config["prior"])) if config["prior"] else None
            kept["critic"] = Critic(CriticSizes(**config["critic"])) if config["critic"] else None
            kept["heads"] = nn.ModuleList(_empty_heads(**group) for group in config.get("heads", []))
            Standardizer(**kept["standardizer"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"{folder / 'config.json'} lacks or misnames {error}") from error
        if len(tokenizer) != vae.sizes.vocabulary:
            raise CheckpointError(f"{folder}: the tokenizer has {len(tokenizer)} ids, the model {vae.sizes.vocabulary}")
        for name, module in (("model", vae), *((name, kept[name]) for name in ("prior", "critic", "heads"))):
            if module:
                _put_weights(module.eval(), folder / f"{name}.safetensors")
        card = folder / "README.md"
        text = card.read_text(encoding="utf-8") if card.exists() else ""
        return cls(vae, tokenizer, TrainingIndex.load(folder / "training_index.safetensors"), card=text, **kept)


def _empty_heads(kind: str, **sizes: Any) -> Heads:
    sizes_of, heads_of = _HEADS[kind]
    return heads_of(sizes_of.of(sizes))


def _write_weights(module: nn.Module, path: Path) -> None:
    learned = {name for name, _ in module.named_parameters()}  # buffers, such as the mean of a user's column, need not fit into fp16
    weights = {name: _plain(tensor, torch.float16 if name in learned else tensor.dtype) for name, tensor in module.state_dict().items()}
    path.write_bytes(safetensors.torch.save(weights, metadata={"format": "pt"}))


def _plain(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.detach().cpu().to(dtype).contiguous()


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        found = config["format"]
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} is no molvae checkpoint: it has no config.json") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged or of another kind: {error}") from error
    if found != FORMAT:
        raise CheckpointError(f"{path} has format {found}; this version of molvae reads format {FORMAT}")
    if config.get("selfies_constraints") != CONSTRAINTS:
        raise CheckpointError(f"{path} was made under other SELFIES constraints than this version of molvae decodes with")
    return dict(config)


def _put_weights(module: nn.Module, path: Path) -> None:
    try:
        weights = safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{path} is missing or damaged: {error}") from error
    own = module.state_dict()
    wrong = _differences({n: t.shape for n, t in own.items()}, {n: t.shape for n, t in weights.items()})
    if wrong:
        raise CheckpointError(f"{path} does not fit config.json: {wrong}")
    module.load_state_dict({name: tensor.to(own[name].dtype) for name, tensor in weights.items()})


def _differences(own: Mapping[str, torch.Size], found: Mapping[str, torch.Size]) -> str:
    parts = {
        "missing": sorted(own.keys() - found.keys()),
        "unexpected": sorted(found.keys() - own.keys()),
        "of another shape": sorted(n for n in own.keys() & found.keys() if own[n] != found[n]),
    }
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts.items() if names)
