"""Desirabilities: how good a value is, from 0 (not at all) to 1 (as wished), and their weighted geometric mean.

After Derringer and Suich 1980 (doi:10.1080/00224065.1980.11980968). Their exponent of a curve is what the weight of a term is here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: How desirability rises with progress from the bad value (0) to the good one (1).
Curve = Literal["linear", "sigmoid", "gaussian", "step"]

_AT_BAD = 0.05  # what a sigmoid and a gaussian are at the bad value; a sigmoid is 1 minus this at the good value


def towards(values: ArrayLike, bad: float, good: float) -> NDArray[np.float64]:
    """Progress of values (n,) from a bad one (0) to a good one (1), which may be the lower; below 0 and above 1 beyond them: (n,).

    >>> towards([1, 2, 5], bad=5, good=1).tolist()
    [1.0, 0.75, 0.0]
    """
    return (np.asarray(values, dtype=np.float64) - bad) / (good - bad) + 0.0  # no -0


def within(values: ArrayLike, low: float, high: float, tolerance: float) -> NDArray[np.float64]:
    """Progress of values (n,) into a range: 1 on its edges, 0 at the tolerance outside, above 1 inside: (n,).

    >>> within([0, 1, 2, 4], low=1, high=3, tolerance=2).tolist()
    [0.5, 1.0, 1.5, 0.5]
    """
    array = np.asarray(values, dtype=np.float64)
    return 1 + np.minimum(array - low, high - array) / tolerance


def desirability(progress: ArrayLike, curve: Curve) -> NDArray[np.float64]:
    """Desirability of a progress (n,): (n,) of 0 to 1.

    - "linear": the progress itself, cut off at 0 and 1;
    - "sigmoid": a logistic curve, .05 at 0 and .95 at 1, never quite 0 or 1;
    - "gaussian": 1 from 1 on, below the left half of a normal curve, .05 at 0, never quite 0;
    - "step": 1 from 1 on, 0 below.

    >>> [desirability([0, 0.5, 1, 2], curve).round(3).tolist() for curve in ("linear", "sigmoid", "gaussian", "step")]
    [[0.0, 0.5, 1.0, 1.0], [0.05, 0.5, 0.95, 1.0], [0.05, 0.473, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]
    """
    x = np.asarray(progress, dtype=np.float64)
    if curve == "linear":
        return x.clip(0, 1)
    if curve == "sigmoid":
        return np.asarray(1 / (1 + np.exp(np.minimum((1 - 2 * x) * math.log(1 / _AT_BAD - 1), 700))))  # exp(710) is too large
    if curve == "gaussian":
        return np.asarray(_AT_BAD ** ((1 - x).clip(min=0) ** 2))
    return (x >= 1).astype(np.float64)


def geometric_mean(desirabilities: Sequence[float], weights: Sequence[float]) -> float:
    """Weighted geometric mean; 0 as soon as one is 0.

    >>> round(geometric_mean([0.25, 1.0], [1, 1]), 6), round(geometric_mean([0.25, 1.0], [1, 3]), 6), geometric_mean([0.0, 1.0], [1, 1])
    (0.5, 0.707107, 0.0)
    """
    if min(desirabilities) <= 0:
        return 0.0
    logs = [weight * math.log(value) for value, weight in zip(desirabilities, weights, strict=True)]
    return math.exp(math.fsum(logs) / math.fsum(weights))
