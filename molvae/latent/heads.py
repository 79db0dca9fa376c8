"""What the property heads of a model say of codes."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from molvae.errors import DataError
from molvae.nn.heads import Column, Heads

if TYPE_CHECKING:
    from molvae.model import MolVAE

_BATCH = 8_192  # codes at a time


def columns(model: MolVAE) -> list[Column]:
    """The properties a model has heads for; of two heads for one property the later fitted counts."""
    return [group.sizes.columns[at] for group, at in _by_name(model).values()]


def predict_codes(
    model: MolVAE, codes: ArrayLike, names: Sequence[str] | None = None, *, drawn: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Properties of codes, without writing the molecules.

    Args:
        model: with heads for these properties.
        codes: (n, D) or (D,); a row that holds NaN gives NaN.
        names: properties wanted, in this order; all the model has heads for when None.
        drawn: whether the codes were drawn, from the prior or from posteriors, and are not the means that `MolVAE.encode` gives.

    Returns:
        Mean and standard deviation, (n, P) each, in the unit of each property.

    Raises:
        DataError: the codes have another size, or there is no head for a name.
    """
    heads = _by_name(model)
    wanted = list(heads) if names is None else list(names)
    _check_names(wanted, heads)
    array = np.atleast_2d(np.asarray(codes, dtype=np.float32))
    if array.ndim != 2 or array.shape[1] != model.latent_size:
        raise DataError(f"codes have shape {array.shape}, expected (n, {model.latent_size})")
    said = {id(group): _said(group, array, drawn) for group, _ in heads.values()}
    parts = [np.stack([said[id(heads[name][0])][kind][:, heads[name][1]] for name in wanted], axis=1) if wanted else array[:, :0]
             for kind in (0, 1)]  # fmt: skip
    return parts[0].astype(np.float64), parts[1].astype(np.float64)


def _by_name(model: MolVAE) -> dict[str, tuple[Heads, int]]:
    """Group of heads and place in it of every property."""
    return {column.name: (group, at) for group in model.checkpoint.head_groups for at, column in enumerate(group.sizes.columns)}


def _check_names(wanted: Sequence[str], known: Sequence[str] | dict[str, tuple[Heads, int]]) -> None:
    unknown = [name for name in wanted if name not in known]
    if not unknown:
        return
    near = [found for name in unknown for found in get_close_matches(name, list(known), cutoff=0.5)]
    there = f"it has {', '.join(known)}" if known else "it has none; molvae fit-properties adds them"
    raise DataError(f"the model has no head for {', '.join(map(repr, unknown))}: {there}{f'; nearest: {near[0]}' if near else ''}")


@torch.inference_mode()
def _said(group: Heads, codes: NDArray[np.float32], drawn: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    device = next(group.buffers()).device
    parts = [group(torch.from_numpy(codes[start : start + _BATCH]).to(device), drawn) for start in range(0, len(codes), _BATCH)]
    if not parts:
        empty = np.zeros((0, len(group.sizes.columns)), np.float32)
        return empty, empty
    mean, deviation = (torch.cat([part[kind] for part in parts]).cpu().numpy() for kind in (0, 1))
    return mean, deviation
