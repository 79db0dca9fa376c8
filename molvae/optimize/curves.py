"""How good a campaign was, call by call."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molvae.errors import DataError


def auc_top(scores: Sequence[float | None], budget: int, k: int = 10, every: int = 100) -> float:
    """Area under the mean of the k best scores against calls, divided by the budget, as in PMO (Gao et al. 2022, arXiv:2206.12411).

    The mean is taken after each `every` calls and after the last one, joined by straight lines that start at 0; where fewer than k
    scores are known it is the mean of those. Calls that were not made count with the last value.

    Args:
        scores: in the order of the calls, one a different molecule; None is a failure, which costs a call and has no score.
        budget: calls that could be made.
        k: how many of the best.
        every: calls between two points of the curve.

    Returns:
        0 for no call.

    Raises:
        DataError: more scores than the budget, or a number below 1.

    >>> auc_top([1.0] * 50, budget=100), auc_top([0.5] * 100, budget=100)
    (0.75, 0.25)
    """
    if min(budget, k, every) < 1 or len(scores) > budget:
        raise DataError(
            f"{len(scores)} scores, budget {budget}, k {k}, every {every}: expected at most as many scores as the budget, others from 1"
        )
    if not scores:
        return 0.0
    calls = [*range(every, len(scores), every), len(scores)]
    means = top_means(scores, k)[[call - 1 for call in calls]]
    x, y = np.array([0, *calls]), np.array([0.0, *means])
    area = float((np.diff(x) * (y[1:] + y[:-1]) / 2).sum())
    return (area + (budget - len(scores)) * float(means[-1])) / budget


def top_means(scores: Sequence[float | None], k: int) -> NDArray[np.float64]:
    """Mean of the k best scores after each call, of fewer where fewer are known, and 0 before the first: (n,).

    >>> top_means([None, 1.0, 3.0, 2.0], 2).tolist()
    [0.0, 1.0, 2.0, 2.5]
    """
    best: list[float] = []  # ascending
    means = []
    for score in scores:
        if score is not None:
            bisect.insort(best, score)
            best = best[-k:]
        means.append(sum(best) / len(best) if best else 0.0)
    return np.array(means)


@dataclass(frozen=True)
class Curves:
    """A campaign against its calls; each (n,).

    Attributes:
        best: best score so far; 0 before the first.
        top: mean of the ten best so far.
        auc: what the area would be had the budget been the calls so far, see `molvae.optimize.campaign.Outcome.auc`.
    """

    best: NDArray[np.float64]
    top: NDArray[np.float64]
    auc: NDArray[np.float64]

    @classmethod
    def of(cls, scores: Sequence[float | None]) -> Curves:
        """The curves of scores in the order of the calls."""
        auc = np.array([auc_top(scores[:calls], calls, every=max(calls // 100, 1)) for calls in _places(len(scores))])
        return cls(top_means(scores, 1), top_means(scores, 10), np.interp(np.arange(1, len(scores) + 1), _places(len(scores)), auc))


def _places(n: int) -> list[int]:
    """About a hundred numbers of calls, the last is n."""
    return sorted({max(1, round(n * share / 100)) for share in range(1, 101)})
