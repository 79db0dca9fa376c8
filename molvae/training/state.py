"""Everything needed to go on training exactly where it stopped, in one safetensors file."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from molvae.errors import CheckpointError
from molvae.files import replacing


@dataclass
class Progress:
    """Where training stands.

    Attributes:
        step: steps done.
        elapsed: seconds spent in the loop, over all runs.
        molecules: molecules seen.
        log_beta: of the rate control.
        setting: text that must be the same to go on (recipe and corpus).
        best: least held-out ELBO so far, nats a molecule; counted only where the recipe has patience.
        stale: evaluations since.
    """

    step: int = 0
    elapsed: float = 0.0
    molecules: int = 0
    log_beta: float | None = None
    setting: str = ""
    best: float = math.inf
    stale: int = 0


def save_state(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress, best: nn.Module | None = None) -> None:
    """Write weights, the best ones so far, optimizer moments and progress; the file that was there stays whole until the new one is."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in best.state_dict().items()} if best else {}
    tensors |= {f"optimizer.{key}": value for key, value in _moments(optimizer).items()}
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    with replacing(path) as partial:
        partial.write_bytes(safetensors.torch.save(tensors, metadata={"progress": json.dumps(asdict(progress))}))


def load_state(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, setting: str, best: nn.Module | None = None) -> Progress:
    """Put back what `save_state` wrote; raises CheckpointError where the file is damaged or of a run with another setting."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            progress = Progress(**json.loads(file.metadata()["progress"]))
            if progress.setting != setting:
                raise CheckpointError(f"{path} is of a run with another recipe or other data than the one to resume")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
        for prefix, module in (("model.", model), ("best.", best)):
            if module:
                module.load_state_dict({name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)})
        _put_moments(optimizer, tensors)
    except (OSError, KeyError, TypeError, RuntimeError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be resumed from: {error}") from error
    return progress


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for number, parameter in enumerate(_parameters(optimizer)):
        found |= {f"{number}.{key}": torch.as_tensor(value) for key, value in optimizer.state.get(parameter, {}).items()}
    return found


def _put_moments(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    parameters = _parameters(optimizer)
    for name, value in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimizer":
            number, _, key = rest.partition(".")
            parameter = parameters[int(number)]
            optimizer.state[parameter][key] = value.to(parameter.device)
