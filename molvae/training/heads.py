"""Fits property heads to codes and values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from molvae.errors import DataError
from molvae.nn.heads import Column, EnsembleHeads, Heads, HeadSizes

#: Half the width of the central 90% of a standard normal.
NINETY = 1.6448536
_LEAST = 10  # labelled rows of a column


@dataclass(frozen=True)
class FittedHeads:
    """Heads and what they are worth.

    Attributes:
        heads: from codes (B, D) to mean and standard deviation (B, P).
        figures: by column: `labelled` rows, and on rows held out `r2`, `rmse` (in the unit) and `coverage` of the 90% interval.
    """

    heads: Heads
    figures: dict[str, dict[str, float]]


@dataclass(frozen=True)
class _Rows:
    """Codes (n, D) and their log-variances, standardised targets (n, P) with NaN where missing."""

    codes: Tensor
    log_variances: Tensor | None
    targets: Tensor

    def __getitem__(self, rows: Tensor) -> _Rows:
        return _Rows(self.codes[rows], None if self.log_variances is None else self.log_variances[rows], self.targets[rows])

    def __len__(self) -> int:
        return len(self.codes)

    def drawn(self, noise: torch.Generator) -> Tensor:
        """A code drawn from each posterior; the codes themselves where no posteriors are known."""
        if self.log_variances is None:
            return self.codes
        return self.codes + torch.randn(self.codes.shape, generator=noise) * (self.log_variances / 2).exp()


def fit_ensemble(
    codes: NDArray[np.float32],
    targets: NDArray[np.float64],
    columns: Sequence[Column],
    *,
    log_variances: NDArray[np.float32] | None = None,
    hidden: int = 384,
    layers: int = 2,
    members: int = 4,
    steps: int | None = None,
    batch_size: int = 512,
    learning_rate: float = 1e-3,
    seed: int = 1,
    listener: Callable[[int, float], None] | None = None,
) -> FittedHeads:
    """Learn properties of codes; the weights of the least error on rows held out are kept.

    A tenth of the rows is held out; half of them set the width of the intervals, the figures come from the other half.

    Args:
        codes: (n, D).
        targets: (n, P) in the user's units, NaN where a value is missing; 0 and 1 in binary columns.
        columns: the P properties.
        log_variances: (n, D) of the posteriors; when given, as many networks again learn from draws, so that the heads serve both molecules
            and optimizers.
        hidden: width of a layer.
        layers: hidden layers of a network.
        members: networks in the ensemble.
        steps: of the optimizer; by the number of rows when None.
        batch_size: rows a step and network.
        learning_rate: at the start; it falls to nothing along a cosine.
        seed: of everything random.
        listener: told the steps done and the mean error on rows held out, in standardised units.

    Raises:
        DataError: a column has fewer than 10 values, or only one.
    """
    _check(targets, columns)
    center, scale = _standard(targets, columns)
    order = np.random.default_rng(seed).permutation(len(codes))
    held_out = max(len(codes) // 10, 2)
    noise = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        heads = EnsembleHeads(HeadSizes(codes.shape[1], tuple(columns), hidden, layers, members, log_variances is not None))
    heads.center.copy_(torch.from_numpy(center))
    heads.scale.copy_(torch.from_numpy(scale))
    spread = None if log_variances is None else torch.from_numpy(log_variances)
    rows = _Rows(torch.from_numpy(codes), spread, torch.from_numpy((targets - center) / scale).float())
    train, rest = rows[torch.from_numpy(order[held_out:])], rows[torch.from_numpy(order[:held_out])]
    steps = steps or min(max(20 * len(codes) // batch_size, 500), 20_000)
    _descend(heads, train, rest, steps, min(batch_size, len(train)), learning_rate, noise, listener)
    calibrating, judged = np.array_split(order[:held_out], 2)
    heads.stretch[0] = _stretch(heads, codes[calibrating], targets[calibrating])
    if heads.sizes.draws:
        drawn = rows[torch.from_numpy(calibrating)].drawn(noise).numpy()
        heads.stretch[1] = _stretch(heads, drawn, targets[calibrating], drawn=True)
    return FittedHeads(heads, judge_heads(heads, codes[judged], targets[judged], targets))


def _check(targets: NDArray[np.float64], columns: Sequence[Column]) -> None:
    for column, values in zip(columns, targets.T, strict=True):
        known = values[~np.isnan(values)]
        if len(known) < _LEAST:
            raise DataError(f"column {column.name!r} has {len(known)} values, at least {_LEAST} are needed")
        if known.min() == known.max():
            raise DataError(f"column {column.name!r} is {known[0]:g} in every row, so there is nothing to learn")


def _standard(targets: NDArray[np.float64], columns: Sequence[Column]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each column; 0 and 1 for a binary one."""
    numbers = np.array([column.kind == "number" for column in columns])
    return np.where(numbers, np.nanmean(targets, axis=0), 0.0), np.where(numbers, np.nanstd(targets, axis=0), 1.0)


def _descend(heads: EnsembleHeads, train: _Rows, rest: _Rows, steps: int, batch_size: int, learning_rate: float, noise: torch.Generator,
             listener: Callable[[int, float], None] | None) -> None:  # fmt: skip
    """AdamW over random batches, of its own for each network; the best weights are put back at the end."""
    optimizer = torch.optim.AdamW(heads.parameters(), learning_rate, weight_decay=1e-4, fused=True)
    best, kept = math.inf, heads.state_dict()
    every = max(steps // 20, 1)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = learning_rate * (1 + math.cos(math.pi * step / steps)) / 2
        batch = train[torch.randint(len(train), (heads.sizes.members, batch_size), generator=noise)]
        loss = _loss(heads, batch.codes, batch.targets)
        if heads.sizes.draws:
            loss = loss + _loss(heads, batch.drawn(noise), batch.targets, drawn=True)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if (step + 1) % every == 0 or step + 1 == steps:
            with torch.inference_mode():
                error = float(_loss(heads, rest.codes, rest.targets))
            if error < best:
                best, kept = error, {name: value.clone() for name, value in heads.state_dict().items()}
            if listener:
                listener(step + 1, error)
    heads.load_state_dict(kept)
    heads.eval().requires_grad_(False)


def _loss(heads: EnsembleHeads, codes: Tensor, targets: Tensor, drawn: bool = False) -> Tensor:
    """Squared error of the means, and the likelihood of the variances given these means; cross-entropy where binary.

    Kept apart, the noise of a property cannot excuse a poor mean (Seitzer et al. 2022, arXiv:2203.09168).
    """
    known = ~targets.isnan()
    wanted = targets.nan_to_num()
    mean, log_variance = heads.members(codes, drawn)
    wanted = wanted.expand_as(mean)
    squared = (mean - wanted).square()
    number = squared / 2 + (squared.detach() * (-log_variance).exp() + log_variance) / 2
    binary = nn.functional.binary_cross_entropy_with_logits(mean, wanted, reduction="none")
    return (torch.where(heads.binary, binary, number) * known).sum() / known.expand_as(mean).sum().clamp(min=1)


@torch.inference_mode()
def _said(heads: Heads, codes: NDArray[np.float32], drawn: bool = False) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    parts = [heads(part, drawn) for part in torch.split(torch.from_numpy(codes), 4096)]
    mean, deviation = (torch.cat([part[i] for part in parts]).double().numpy() for i in (0, 1))
    return mean, deviation


def _stretch(heads: Heads, codes: NDArray[np.float32], targets: NDArray[np.float64], drawn: bool = False) -> Tensor:
    """Factor of each standard deviation with which the 90% interval holds 90% of some rows; 1 where there are too few to say."""
    mean, deviation = _said(heads, codes, drawn)
    ratios = np.abs(targets - mean) / deviation / NINETY
    known = [row[~np.isnan(row)] for row in ratios.T]
    return torch.tensor([np.quantile(row, 0.9) if len(row) >= _LEAST else 1.0 for row in known], dtype=torch.float32)


def judge_heads(
    heads: Heads, codes: NDArray[np.float32], targets: NDArray[np.float64], labelled: NDArray[np.float64] | None = None
) -> dict[str, dict[str, float]]:
    """R², root mean squared error and coverage of the 90% interval by column, on rows that were not learned from.

    Args:
        heads: with `sizes.columns`.
        codes: (n, D).
        targets: (n, P), NaN where missing.
        labelled: targets whose known values are counted as `labelled`; `targets` when None.
    """
    mean, deviation = _said(heads, codes)
    counted = (~np.isnan(targets if labelled is None else labelled)).sum(axis=0)
    return {
        column.name: {"labelled": float(counted[i])} | figures(targets[:, i], mean[:, i], deviation[:, i])
        for i, column in enumerate(heads.sizes.columns)
    }


def figures(truth: NDArray[np.float64], mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> dict[str, float]:
    """`r2`, `rmse` and `coverage` of the 90% interval of predictions, (n,) each; rows without truth do not count, NaN where none does."""
    known = ~np.isnan(truth)
    error, spread = (truth - mean)[known], float(np.var(truth[known])) if known.any() else 0.0
    if not len(error):
        return dict.fromkeys(("r2", "rmse", "coverage"), math.nan)
    within = np.abs(error) <= NINETY * deviation[known]
    squared = float(np.mean(error**2))
    return {"r2": 1 - squared / spread if spread else math.nan, "rmse": squared**0.5, "coverage": float(within.mean())}
