"""The Frechet ChemNet distance (FCD; Preuer et al. 2018, doi:10.1021/acs.jcim.8b00234).

ChemNet itself comes with the package `fcd` (LGPL), an extra; everything else is here.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import NDArray

from molvae.errors import MissingExtraError
from molvae.evaluate.metrics import Progress

#: Numbers ChemNet gives of one molecule.
WIDTH = 512
#: What to tell those who have no ChemNet.
MISSING = "needs the extra: pip install 'molvae[evaluate]'"

_BATCH = 256
_LENGTH = 350  # characters, to which ChemNet's input is padded; a longer molecule gets what it needs


@dataclass(frozen=True)
class Gaussian:
    """What the FCD knows of a set of molecules.

    Attributes:
        mean: of ChemNet's activations, (512,).
        covariance: of the same, (512, 512).
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def available() -> bool:
    """Whether ChemNet is installed."""
    return importlib.util.find_spec("fcd") is not None


@cache
def _net() -> Any:
    if not available():
        raise MissingExtraError(f"the FCD {MISSING}")
    import fcd  # type: ignore[import-untyped]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves a temporary folder to the garbage collector
        return fcd.load_ref_model()


@torch.inference_mode()
def activations(smiles: Sequence[str], progress: Progress | None = None) -> NDArray[np.float32]:
    """ChemNet's activations on SMILES: (n, 512). As many threads work as torch is set to use.

    Args:
        smiles: canonical SMILES; ChemNet sees the letters, so two spellings of a molecule differ.
        progress: told after each batch.

    Raises:
        MissingExtraError: `fcd` is not installed.
    """
    net, found, done = _net(), np.zeros((len(smiles), WIDTH), dtype=np.float32), 0
    for rows, length in _batches(smiles):
        found[rows] = net(_one_hot([smiles[row] for row in rows], length)).numpy()
        done += len(rows)
        if progress is not None:
            progress("ChemNet", done, len(smiles))
    return found


def _batches(smiles: Sequence[str]) -> Iterator[tuple[list[int], int]]:
    """Rows to take together, and the length they are padded to.

    The padding shifts the activations, so a long molecule goes with those as long and leaves all others as they are.
    """
    by_length: dict[int, list[int]] = {}
    for row, text in enumerate(smiles):
        by_length.setdefault(max(_LENGTH, len(text) + 1), []).append(row)
    for length, rows in by_length.items():
        for start in range(0, len(rows), _BATCH):
            yield rows[start : start + _BATCH], length


def _one_hot(smiles: Sequence[str], length: int) -> torch.Tensor:
    """ChemNet's input: (n, 35, length)."""
    from fcd.utils import get_one_hot  # type: ignore[import-untyped]

    rows = np.stack([get_one_hot(text, pad_len=length) for text in smiles])
    return torch.from_numpy(rows / rows.shape[2]).transpose(1, 2).float()


def statistics(smiles: Sequence[str], progress: Progress | None = None) -> Gaussian:
    """Mean and covariance of the activations on at least two molecules; see `activations`."""
    return gaussian(activations(smiles, progress))


def gaussian(rows: NDArray[np.float32]) -> Gaussian:
    """Mean and covariance of activations (n, 512) of at least two molecules."""
    exact = rows.astype(np.float64)
    return Gaussian(exact.mean(axis=0), np.cov(exact.T))


def frechet(a: Gaussian, b: Gaussian) -> float:
    """Frechet distance of two normal distributions: |mean - mean|² + tr(A + B - 2 (AB)^½).

    The trace of the root of AB is the sum of the roots of the eigenvalues of A^½ B A^½, which are real.

    >>> unit = Gaussian(np.zeros(2), np.eye(2))
    >>> round(frechet(unit, Gaussian(np.array([3.0, 0.0]), 4 * np.eye(2))), 9)
    11.0
    """
    values, vectors = np.linalg.eigh(a.covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    product = np.linalg.eigvalsh(root @ b.covariance @ root)
    roots = np.sqrt(np.maximum(product, 0)).sum()
    return float(np.sum((a.mean - b.mean) ** 2) + np.trace(a.covariance) + np.trace(b.covariance) - 2 * roots)


def moses_statistics(name: Literal["test", "test_scaffolds"]) -> Gaussian:
    """Statistics of a MOSES set as its authors published them; see moses_chemnet.md beside this file."""
    arrays = safetensors.numpy.load(files("molvae.evaluate").joinpath("moses_chemnet.safetensors").read_bytes())
    return Gaussian(arrays[f"{name}_mean"].astype(np.float64), symmetric(arrays[f"{name}_covariance"]))


def triangle(matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """The upper triangle of a symmetric matrix, row by row: (n, n) to (n (n + 1) / 2,)."""
    return matrix[np.triu_indices(len(matrix))].astype(np.float32)


def symmetric(upper: NDArray[np.float32]) -> NDArray[np.float64]:
    """The matrix of which `triangle` made this.

    >>> symmetric(triangle(np.array([[1.0, 2.0], [2.0, 3.0]]))).tolist()
    [[1.0, 2.0], [2.0, 3.0]]
    """
    size = int(np.sqrt(2 * len(upper)))
    matrix = np.zeros((size, size))
    matrix[np.triu_indices(size)] = upper
    return np.asarray(matrix + np.triu(matrix, 1).T)
