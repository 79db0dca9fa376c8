"""Everything needed to go on training exactly where it stopped, in one safetensors file."""

from __future__ import annotations

import json
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
    """

    step: int = 0
    elapsed: float = 0.0
    molecules: int = 0
    log_beta: float | None = None
    setting: str = ""


def save_state(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
    """Write weights, optimizer moments and progress; the file that was there stays whole until the new one is."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"optimizer.{key}": value for key, value in _moments(optimizer).items()}
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    with replacing(path) as partial:
        partial.write_bytes(safetensors.torch.save(tensors, metadata={"progress": json.dumps(asdict(progress))}))


def load_state(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """Put back what `save_state` wrote; raises CheckpointError where the file is damaged or of another model."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            progress = Progress(**json.loads(file.metadata()["progress"]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
        model.load_state_dict({name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")})
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
