"""The molecules trained on, as novelty and GuacaMol compare with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray
from rdkit import rdBase

from molvae.data.cache import cache_folder
from molvae.data.formats import read_rows
from molvae.data.moses import COUNTS, moses_file
from molvae.data.novelty import TrainingIndex, fingerprints64
from molvae.errors import CheckpointError, DataError
from molvae.evaluate import chemnet
from molvae.evaluate.chemnet import Gaussian
from molvae.evaluate.metrics import Known, Progress
from molvae.evaluate.samples import Samples
from molvae.files import replacing
from molvae.model import MolVAE


@dataclass(frozen=True, eq=False)
class Training:
    """Molecules trained on.

    Attributes:
        molecules: canonical SMILES of all of them, or of some drawn at random.
        index: knows all of them; None where `molecules` are all.
    """

    molecules: list[str]
    index: Known | None = None

    @property
    def known(self) -> Known | AbstractSet[str]:
        """What the novelty of MOSES asks."""
        return set(self.molecules) if self.index is None else self.index


def draw(rows: Sequence[str], count: int, seed: int) -> list[str]:
    """At most `count` of the rows, by chance, in an order by chance.

    >>> sorted(draw(["C", "CC", "CCC"], 5, seed=0)), len(draw(["C", "CC", "CCC"], 2, seed=0))
    (['C', 'CC', 'CCC'], 2)
    """
    return [rows[at] for at in np.random.default_rng(seed).permutation(len(rows))[:count].tolist()]


def of_file(path: str | Path, column: str | None, jobs: int, progress: Progress | None) -> Training:
    """A user's file of molecules taken as the training set.

    Raises:
        DataError: the file cannot be read or holds no valid molecule.
    """
    samples = Samples.read(path, column, jobs, progress)
    if not samples.smiles:
        raise DataError(f"{path} holds no valid molecule in {samples.rows} rows, so there is nothing to compare with")
    return Training(samples.smiles)


def of_moses(model: MolVAE | None, count: int, seed: int, folder: Path | None, jobs: int, progress: Progress | None) -> Training:
    """The MOSES training set: `count` molecules drawn from it, and an index of all.

    Args:
        model: one trained on MOSES carries the index already.
        count: molecules to draw.
        seed: of the draw.
        folder: where the index is kept; see `kept_folder`.
        jobs: processes; -1 is one a core.
        progress: told of what is done.
    """
    file = moses_file("train")
    texts = [row.text for row in read_rows(file)]
    index = _carried(model) or _kept_index(kept_folder(folder) / f"moses-train-{rdBase.rdkitVersion}.safetensors", texts, jobs, progress)
    return Training(Samples.of(draw(texts, count, seed), jobs).smiles, index)


def kept_folder(folder: Path | None) -> Path:
    """Where what is computed of reference and training sets is kept: references/ in the cache unless told otherwise."""
    return folder or cache_folder() / "references"


def _carried(model: MolVAE | None) -> TrainingIndex | None:
    """The index of a model that was trained on all of MOSES, under the same RDKit: another one writes other canonical SMILES."""
    if model is None:
        return None
    saved = model.checkpoint
    source, same = saved.recipe.get("data", {}).get("source"), saved.made_with.get("rdkit") == version("rdkit")
    return saved.index if source == "moses" and same and len(saved.index) > 0.99 * COUNTS["train"] else None


def _kept_index(path: Path, texts: Sequence[str], jobs: int, progress: Progress | None) -> TrainingIndex:
    try:
        return TrainingIndex.load(path)
    except CheckpointError:  # none yet, or a damaged one
        index = TrainingIndex.of(fingerprints64(Samples.of(texts, jobs, progress).smiles))
    with replacing(path) as partial:
        index.save(partial)
    return index


def kept_statistics(smiles: Sequence[str], folder: Path | None, progress: Progress | None) -> Gaussian:
    """`chemnet.statistics` of molecules, from the cache where they are; found by the molecules themselves.

    Raises:
        MissingExtraError: `fcd` is not installed.
    """
    path = kept_folder(folder) / f"chemnet-{sha256(json.dumps(list(smiles)).encode()).hexdigest()[:32]}.safetensors"
    try:
        return _gaussian(safetensors.numpy.load_file(path))
    except (OSError, KeyError, ValueError, safetensors.SafetensorError):
        found = chemnet.statistics(smiles, progress)
    with replacing(path) as partial:
        partial.write_bytes(safetensors.numpy.save({"mean": found.mean, "covariance": np.ascontiguousarray(found.covariance)}))
    return found


def _gaussian(arrays: dict[str, NDArray[np.float64]]) -> Gaussian:
    return Gaussian(arrays["mean"], arrays["covariance"])
