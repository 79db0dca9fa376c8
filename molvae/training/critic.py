"""Fits the critic that stands behind the sampler."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from molvae.errors import DataError
from molvae.nn.critic import Bags, Critic, CriticSizes

_LEAST = 100  # molecules of each kind
_HELD_OUT = 0.1


@dataclass(frozen=True)
class FittedCritic:
    """A critic and what it is worth.

    Attributes:
        critic: the critic, its level set.
        auc: probability that it ranks a held-out real molecule above a written one; .5 is chance.
        kept: share of written molecules it keeps.
    """

    critic: Critic
    auc: float
    kept: float


def fit_critic(
    real: Bags,
    written: Bags,
    sizes: CriticSizes,
    *,
    keep: float = 0.5,
    epochs: int = 4,
    batch_size: int = 512,
    learning_rate: float = 1e-2,
    seed: int = 1,
    listener: Callable[[int, float], None] | None = None,
) -> FittedCritic:
    """Learn to tell real from written molecules; the epoch of the least cross-entropy on a tenth held out is kept.

    Args:
        real: molecules of the training set.
        written: molecules the model wrote.
        sizes: of the critic.
        keep: share of written molecules to keep, which sets the critic's level.
        epochs: passes over both sets.
        batch_size: molecules a step.
        learning_rate: at the start; it falls to nothing.
        seed: of the order and the molecules held out.
        listener: told the epochs done and the AUC.

    Raises:
        DataError: fewer than 100 molecules of either kind.
    """
    if min(len(real), len(written)) < _LEAST:
        raise DataError(f"{len(real)} real and {len(written)} written molecules were given; a critic needs at least {_LEAST} of each")
    critic = Critic(sizes)
    random = np.random.default_rng(seed)
    parts = [_split(len(bags), random) for bags in (real, written)]
    optimizer = torch.optim.Adam(critic.parameters(), learning_rate)
    best, auc, kept = math.inf, 0.5, critic.state_dict()
    for epoch in range(epochs):
        optimizer.param_groups[0]["lr"] = learning_rate * (1 - epoch / epochs)
        _epoch(critic, optimizer, (real, written), (parts[0][0], parts[1][0]), batch_size, random)
        held_out = _logits(critic, real, parts[0][1]), _logits(critic, written, parts[1][1])
        loss = _loss(*held_out).item()
        if loss < best:
            best, auc, kept = loss, _auc(*held_out), {name: value.clone() for name, value in critic.state_dict().items()}
        if listener:
            listener(epoch + 1, auc)
    critic.load_state_dict(kept)
    logits = _logits(critic, written, parts[1][1])
    critic.level.fill_(level_for(logits, keep))
    return FittedCritic(critic.eval(), auc, float(critic.acceptance(logits).mean()))


def level_for(logits: Tensor, keep: float) -> float:
    """The level at which a critic keeps a share of molecules: logits (n,).

    >>> level_for(torch.zeros(5), 0.5)
    0.6931...
    """
    low, high = float(logits.min()), float(logits.max()) + 1 - math.log(keep)
    for _ in range(60):  # the share kept falls as the level rises
        level = (low + high) / 2
        low, high = (level, high) if float((logits - level).clamp(max=0).exp().mean()) > keep else (low, level)
    return low


def _split(n: int, random: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = random.permutation(n)
    held_out = math.ceil(_HELD_OUT * n)
    return order[held_out:], order[:held_out]


def _epoch(critic: Critic, optimizer: torch.optim.Optimizer, bags: tuple[Bags, Bags], rows: tuple[NDArray[np.int64], NDArray[np.int64]],
           batch_size: int, random: np.random.Generator) -> None:  # fmt: skip
    """One pass over the larger set, the other repeated; every batch holds as many of one as of the other."""
    half, longest = batch_size // 2, max(len(r) for r in rows)
    orders = [np.concatenate([random.permutation(r) for _ in range(-(-longest // len(r)))])[:longest] for r in rows]
    for start in range(0, longest, half):
        loss = _loss(*(critic(*bag.batch(order[start : start + half])) for bag, order in zip(bags, orders, strict=True)))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


@torch.inference_mode()
def _logits(critic: Critic, bags: Bags, rows: NDArray[np.int64]) -> Tensor:
    return torch.cat([critic(*bags.batch(part)) for part in np.array_split(rows, -(-len(rows) // 4096))])


def _loss(real: Tensor, written: Tensor) -> Tensor:
    """Cross-entropy of the two kinds, each with the same weight: logits (n,), (m,)."""
    return nn.functional.softplus(-real).mean() + nn.functional.softplus(written).mean()


def _auc(real: Tensor, written: Tensor) -> float:
    """Area under the ROC curve: the share of pairs ranked right, ties counting half: logits (n,), (m,)."""
    below, not_above = (torch.searchsorted(written.sort().values, real, right=right).double() for right in (False, True))
    return float((below + not_above).mean() / (2 * len(written)))
