"""Predicted activity on DRD2, GSK3B and JNK3: the three PMO tasks with a model behind them."""

from __future__ import annotations

import math
from functools import cache
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molvae.optimize.oracles.models import Activity, Arrays, arrays_of
from molvae.optimize.oracles.terms import Term, fingerprint

#: The three tasks.
ACTIVITIES: tuple[Activity, ...] = get_args(Activity)
_BITS = 2048


@cache
def activity(name: Activity) -> Term:
    """Probability that a molecule is active; the model is fetched the first time.

    Raises:
        DataError: the model cannot be had.
    """
    arrays = arrays_of(name)
    if name == "drd2":
        return lambda mol: machine_probability(arrays, feature_counts(mol))
    morgan = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=_BITS)
    return lambda mol: forest_probability(arrays, morgan.GetFingerprintAsNumPy(mol).astype(bool))


def feature_counts(mol: Chem.Mol) -> NDArray[np.float64]:
    """Counts of functional-class features of radius 3 (FCFP6), folded by the remainder of their number: (2048,)."""
    counts = np.zeros(_BITS)
    for number, count in fingerprint("FCFP6")(mol).GetNonzeroElements().items():
        counts[number % _BITS] += count
    return counts


def forest_probability(arrays: Arrays, bits: NDArray[np.bool_]) -> float:
    """The mean over the trees of the probability at the leaf that the bits (bits,) lead to."""
    at = arrays["roots"]  # (trees,)
    while True:
        below = np.where(bits[arrays["feature"][at]], arrays["right"][at], arrays["left"][at])
        if np.array_equal(below, at):
            return float(arrays["probability"][at].mean())
        at = below


def machine_probability(arrays: Arrays, counts: NDArray[np.float64]) -> float:
    """Probability of the second class for counts (bits,), as libsvm (Chang and Lin 2011) gives it.

    f = sum of w exp(-gamma |x - v|^2) over the vectors + the intercept; Platt's probability of the first class, 1 / (1 + exp(A f + B)), at
    least 1e-7 away from 0 and 1; and that coupled by `coupled`, which the published values carry the inexactness of.
    """
    gamma, intercept, a, b = arrays["numbers"]
    some = np.flatnonzero(counts)
    distances = arrays["squares"] + counts @ counts - 2 * (arrays["vectors"][:, some] @ counts[some])  # (vectors,)
    exponent = a * float(arrays["weights"] @ np.exp(-gamma * distances) + intercept) + b
    first = 1 / (1 + math.exp(min(exponent, 700.0)))  # beyond 709 exp overflows, and the bound holds long before
    return coupled(min(max(first, 1e-7), 1 - 1e-7))


def coupled(first: float) -> float:
    """Probability of the second class of two by pairwise coupling (Wu, Lin and Weng 2004, algorithm 2), stopped where libsvm stops.

    With two classes the exact answer is 1 - `first`; the iteration ends within .0025 of stationarity, so near 0 and 1 the answer differs
    in the third digit.

    >>> coupled(0.5), round(coupled(0.3), 2)
    (0.5, 0.7)
    """
    second = 1 - first
    matrix = np.array([[second**2, -first * second], [-first * second, first**2]])  # (2, 2)
    chances = np.array([0.5, 0.5])
    for _ in range(100):
        if np.abs(matrix @ chances - chances @ matrix @ chances).max() < 0.005 / 2:
            break
        for each in range(2):
            slope = matrix @ chances
            chances[each] += (chances @ slope - slope[each]) / matrix[each, each]
            chances /= chances.sum()
    return float(chances[1])
