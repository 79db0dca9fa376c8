"""A Gaussian process on fingerprints and descriptors that judges proposals before they cost a call."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors

from molvae.chem.molecules import parse
from molvae.chem.similarity import BITS, RADIUS

_LEVELS = (1, 2, 3)  # occurrences of an environment that are told apart
_NOISES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # variance of the noise over that of the function; the likeliest is taken
_SHARES = (0.0, 0.3, 0.6)  # of the kernel that looks at descriptors; the likeliest is taken
_LENGTHS = (1.5, 4.0)  # of the kernel on descriptors, standard deviations of all of them together; the likeliest is taken
_WEIGHED = 400  # molecules that the likeliest are found on
_ELEMENTS = ("C", "H", "N", "O", "F", "P", "S", "Cl", "Br", "I")
_COUNTS = re.compile(r"([A-Z][a-z]?)(\d*)")
_Floats = NDArray[np.float64]
_Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Features:
    """What the process sees of some molecules.

    Attributes:
        bits: counts of Morgan environments as bits, (n, 3 * 1024); see `environments`.
        descriptors: counts of elements, rings and the like, logP, TPSA and weight, (n, 19); see `described`.
    """

    bits: NDArray[np.uint8]
    descriptors: _Singles

    @classmethod
    def of(cls, smiles: Sequence[str]) -> Features:
        """Of canonical SMILES."""
        mols = [parse(text) for text in smiles]
        return cls(environments(mols), described(mols))

    def __len__(self) -> int:
        return len(self.bits)

    def rows(self, rows: NDArray[np.int64] | Sequence[int]) -> Features:
        """Those of some molecules."""
        return Features(self.bits[rows], self.descriptors[rows])


def environments(mols: Sequence[Chem.Mol]) -> NDArray[np.uint8]:
    """Counts of Morgan environments (radius 2) as bits: whether each occurs once, twice, three times: (n, 3 * 1024).

    The Tanimoto similarity of such bits is the min-max similarity of the counts, capped at three (Ralaivola et al. 2005,
    doi:10.1016/j.neunet.2005.07.009), a valid kernel.

    >>> [int(bits.sum()) for bits in environments([parse(text) for text in ("C", "CC", "CCC")])]
    [1, 3, 6]
    """
    morgan = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    counts = [np.asarray(morgan.GetCountFingerprintAsNumPy(mol)) for mol in mols]
    rows = np.stack(counts) if counts else np.zeros((0, BITS), dtype=np.uint32)
    return np.concatenate([rows >= level for level in _LEVELS], axis=1).astype(np.uint8)


def described(mols: Sequence[Chem.Mol]) -> _Singles:
    """What fingerprints show badly, (n, 19).

    Numbers of ten elements, rings, aromatic rings, rotatable bonds, donors and acceptors, the charge, logP, TPSA and weight.
    """
    return np.array([_described(mol) for mol in mols], dtype=np.float32).reshape(len(mols), len(_ELEMENTS) + 9)


def _described(mol: Chem.Mol) -> list[float]:
    d = rdMolDescriptors
    counts = {element: int(count or 1) for element, count in _COUNTS.findall(d.CalcMolFormula(mol))}  # quicker than a walk over atoms
    return [
        *(counts.get(element, 0) for element in _ELEMENTS), d.CalcNumRings(mol), d.CalcNumAromaticRings(mol), d.CalcNumRotatableBonds(mol),
        d.CalcNumHBD(mol), d.CalcNumHBA(mol), Chem.GetFormalCharge(mol), d.CalcCrippenDescriptors(mol)[0], d.CalcTPSA(mol),
        d.CalcExactMolWt(mol),
    ]  # fmt: skip


@dataclass(frozen=True)
class Belief:
    """What is expected of some molecules, in the unit of the scores.

    Attributes:
        mean: expected scores, (n,).
        deviation: standard deviations of the function there, (n,).
    """

    mean: _Floats
    deviation: _Floats


class Surrogate:
    """Exact Gaussian process with a constant mean (Rasmussen and Williams 2006, algorithm 2.1).

    Its kernel is (1 - share) * Tanimoto similarity of the bits + share * exp(-|d - d'|^2 / (2 * length^2)) of the standardised
    descriptors. Share, length and noise are the likeliest of a few, on a part of the molecules; the variance of the function follows.

    Args:
        known: the molecules with known scores; the cost grows with n^3, so at most about 2,000.
        scores: (n,).
    """

    def __init__(self, known: Features, scores: _Floats) -> None:
        self._columns = known.bits.any(axis=0)  # bits that no molecule here has are never shared
        self._bits, self._sizes = known.bits[:, self._columns].astype(np.float32), known.bits.sum(axis=1, dtype=np.float32)
        self._middle, self._scale = known.descriptors.mean(axis=0), known.descriptors.std(axis=0)
        self._scale[self._scale == 0] = 1
        self._descriptors = self._standard(known)
        self._centre = float(scores.mean())
        residuals = torch.from_numpy(scores - self._centre)
        tanimoto, distances = self._parts(known)
        part = np.linspace(0, len(known) - 1, min(_WEIGHED, len(known))).astype(np.int64)
        self._share, self._length, noise = likeliest(tanimoto[np.ix_(part, part)], distances[np.ix_(part, part)], residuals[part])
        kernel = torch.from_numpy(self._mixed(tanimoto, distances).astype(np.float64))
        fit = Fit.of(kernel, residuals, noise)
        self._weights, self._variance, self._factor = fit.weights.float(), fit.variance, fit.factor.float()

    def __call__(self, asked: Features) -> Belief:
        """What is expected of molecules."""
        kernel = torch.from_numpy(self._mixed(*self._parts(asked)))  # (m, n)
        known = torch.linalg.solve_triangular(self._factor, kernel.T, upper=False).square().sum(dim=0)
        deviation = (self._variance * (1 - known).clamp(min=1e-6)).sqrt()
        return Belief(self._centre + (kernel @ self._weights).double().numpy(), deviation.double().numpy())

    def _parts(self, asked: Features) -> tuple[_Singles, _Singles]:
        """Tanimoto similarity and squared distance of descriptors to each molecule with a known score, (m, n) each."""
        both = asked.bits[:, self._columns].astype(np.float32) @ self._bits.T
        either = asked.bits.sum(axis=1, dtype=np.float32)[:, None] + self._sizes[None, :] - both
        mine = self._standard(asked)
        apart = np.square(mine).sum(axis=1)[:, None] + np.square(self._descriptors).sum(axis=1)[None, :] - 2 * mine @ self._descriptors.T
        return np.where(either > 0, both / np.maximum(either, 1), np.float32(1)), np.maximum(apart, 0)

    def _standard(self, asked: Features) -> _Singles:
        plain = (asked.descriptors - self._middle) / self._scale / math.sqrt(asked.descriptors.shape[1])
        return np.asarray(plain, dtype=np.float32)

    def _mixed(self, tanimoto: _Singles, distances: _Singles) -> _Singles:
        return mixed(tanimoto, distances, self._share, self._length)


def mixed(tanimoto: _Singles, distances: _Singles, share: float, length: float) -> _Singles:
    """The kernel from its parts, (m, n)."""
    if not share:
        return tanimoto
    return np.asarray((1 - share) * tanimoto + share * np.exp(distances * np.float32(-0.5 / length**2)), dtype=np.float32)


def likeliest(tanimoto: _Singles, distances: _Singles, residuals: torch.Tensor) -> tuple[float, float, float]:
    """Share, length and noise with the largest marginal likelihood for parts of the kernel (n, n) and residuals (n,)."""
    best, chosen = -math.inf, (0.0, _LENGTHS[0], _NOISES[-1])
    for share, length in product(_SHARES, _LENGTHS):
        if not share and length != _LENGTHS[0]:
            continue
        kernel = torch.from_numpy(mixed(tanimoto, distances, share, length).astype(np.float64))
        for noise in _NOISES:
            if (found := Fit.of(kernel, residuals, noise).likelihood) > best:
                best, chosen = found, (share, length, noise)
    return chosen


@dataclass(frozen=True)
class Fit:
    """A process for one kernel and one share of noise.

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
    def of(cls, kernel: torch.Tensor, residuals: torch.Tensor, noise: float) -> Fit:
        """Kernel (n, n), residuals (n,) from the mean, and the variance of the noise over that of the function."""
        n = len(residuals)
        factor = torch.linalg.cholesky(kernel + noise * torch.eye(n, dtype=kernel.dtype))
        weights = torch.cholesky_solve(residuals[:, None], factor)[:, 0]
        variance = max(float(residuals @ weights) / n, 1e-12)
        return cls(-0.5 * n * math.log(variance) - float(factor.diagonal().log().sum()), factor, weights, variance)
