"""A Gaussian process on fingerprints that judges proposals before they cost a call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit.Chem import rdFingerprintGenerator

from molvae.chem.molecules import parse
from molvae.chem.similarity import BITS, RADIUS

_LEVELS = (1, 2, 3)  # occurrences of an environment that are told apart
_NOISES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # variance of the noise over that of the function; the likeliest is taken
_Floats = NDArray[np.float64]


def features(smiles: Sequence[str]) -> NDArray[np.uint8]:
    """Counts of Morgan environments (radius 2) as bits: whether each occurs once, twice, three times: (n, 3 * 1024).

    The Tanimoto similarity of such bits is the min-max similarity of the counts, capped at three (Ralaivola et al. 2005,
    doi:10.1016/j.neunet.2005.07.009), a valid kernel.

    >>> [int(bits.sum()) for bits in features(["C", "CC", "CCC"])]
    [1, 3, 6]
    """
    morgan = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    counts = [np.asarray(morgan.GetCountFingerprintAsNumPy(parse(text))) for text in smiles]
    rows = np.stack(counts) if counts else np.zeros((0, BITS), dtype=np.uint32)
    return np.concatenate([rows >= level for level in _LEVELS], axis=1).astype(np.uint8)


@dataclass(frozen=True)
class Belief:
    """What is expected of some molecules, in the unit of the scores.

    Attributes:
        mean: expected scores, (n,).
        deviation: standard deviations of the function there, (n,).
    """

    mean: _Floats
    deviation: _Floats


class TanimotoProcess:
    """Exact Gaussian process with the Tanimoto kernel and a constant mean (Rasmussen and Williams 2006, algorithm 2.1).

    The variance of the function follows in closed form from each share of noise, and the share is chosen by marginal likelihood.

    Args:
        bits: of the molecules with known scores, (n, B) of 0 and 1; the cost grows with n^3, so at most about 2,000.
        scores: (n,).
    """

    def __init__(self, bits: NDArray[np.uint8], scores: _Floats) -> None:
        self._columns = bits.any(axis=0)  # bits that no molecule here has are never shared
        self._bits, self._sizes = bits[:, self._columns].astype(np.float32), bits.sum(axis=1)
        self._centre = float(scores.mean())
        kernel, residuals = (torch.from_numpy(each) for each in (self._kernel(bits), scores - self._centre))
        self._fit = max((_Fit.of(kernel, residuals, noise) for noise in _NOISES), key=lambda fit: fit.likelihood)

    def __call__(self, bits: NDArray[np.uint8]) -> Belief:
        """What is expected of molecules with these bits, (m, B)."""
        kernel = torch.from_numpy(self._kernel(bits))  # (m, n)
        known = torch.linalg.solve_triangular(self._fit.factor, kernel.T, upper=False).square().sum(dim=0)
        deviation = (self._fit.variance * (1 - known).clamp(min=1e-10)).sqrt()
        return Belief(self._centre + (kernel @ self._fit.weights).numpy(), deviation.numpy())

    def _kernel(self, bits: NDArray[np.uint8]) -> _Floats:
        """Tanimoto similarity to each molecule with a known score, (m, n)."""
        both = bits[:, self._columns].astype(np.float32) @ self._bits.T
        either = bits.sum(axis=1)[:, None] + self._sizes[None, :] - both
        return np.asarray(np.where(either > 0, both / np.maximum(either, 1), 1), dtype=np.float64)


@dataclass(frozen=True)
class _Fit:
    """A process for one share of noise.

    Attributes:
        likelihood: log marginal likelihood but for a constant, nats.
        factor: Cholesky factor of kernel and noise, (n, n).
        weights: the two of them inverted times the residuals, (n,).
        variance: of the function.
    """

    likelihood: float
    factor: torch.Tensor
    weights: torch.Tensor
    variance: float

    @classmethod
    def of(cls, kernel: torch.Tensor, residuals: torch.Tensor, noise: float) -> _Fit:
        n = len(residuals)
        factor = torch.linalg.cholesky(kernel + noise * torch.eye(n, dtype=kernel.dtype))
        weights = torch.cholesky_solve(residuals[:, None], factor)[:, 0]
        variance = max(float(residuals @ weights) / n, 1e-12)
        return cls(-0.5 * n * math.log(variance) - float(factor.diagonal().log().sum()), factor, weights, variance)
