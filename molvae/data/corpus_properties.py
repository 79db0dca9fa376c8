"""Properties of the molecules of a corpus, computed once, in parallel, resumable after a kill, then memory-mapped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import joblib
import numpy as np
import rdkit
from numpy.typing import NDArray

from molvae.chem.properties import compute, lookup
from molvae.chem.selfies import pinned, to_smiles
from molvae.data.corpus import Corpus
from molvae.errors import DataError

_CHUNK = 10_000


def corpus_properties(
    corpus: Corpus, names: Sequence[str], molecules: int, jobs: int = -1, progress: Callable[[int], None] | None = None
) -> NDArray[np.float32]:
    """Computed properties of molecules, kept in the folder of the corpus.

    Args:
        corpus: the molecules.
        names: of the properties, see `molvae.chem.properties.PROPERTIES`.
        molecules: at most so many have them computed, drawn at random, always the same.
        jobs: processes; -1 for all cores.
        progress: told the molecules done.

    Returns:
        (n, P) in the units of the properties, memory-mapped; NaN for a molecule that was not drawn.

    Raises:
        DataError: an unknown property, or the folder cannot be written; what is done is kept.
    """
    lookup(names)
    key = sha256(json.dumps([list(names), molecules, rdkit.__version__]).encode()).hexdigest()[:12]
    path = corpus.folder / f"properties-{key}.npy"
    if not path.exists():
        parts = corpus.folder / f"properties-{key}.partial"
        try:
            parts.mkdir(exist_ok=True)
            drawn = np.sort(np.random.default_rng(0).permutation(len(corpus))[:molecules])
            _compute_chunks(corpus, drawn, names, parts, jobs, progress)
            _join(parts, path, drawn, len(corpus))
        except OSError as error:
            raise DataError(f"properties could not be written to {parts}: {error}; what is done is kept") from error
    values: NDArray[np.float32] = np.load(path, mmap_mode="r")
    return values


def _compute_chunks(corpus: Corpus, drawn: NDArray[np.int64], names: Sequence[str], folder: Path, jobs: int,
                    progress: Callable[[int], None] | None) -> None:  # fmt: skip
    """A file a chunk; those already there are kept."""
    parts = {start: drawn[start : start + _CHUNK] for start in range(0, len(drawn), _CHUNK)}
    todo = (joblib.delayed(_compute_chunk)(corpus.folder, part, names, folder / f"{start:010}.npy") for start, part in parts.items())
    done = 0
    for count in joblib.Parallel(n_jobs=jobs if len(parts) > 1 else 1, return_as="generator_unordered")(todo):
        done += count
        if progress:
            progress(done)


def _compute_chunk(source: Path, molecules: NDArray[np.int64], names: Sequence[str], path: Path) -> int:
    """Compute one chunk unless its file is there; returns its number of molecules."""
    if not path.exists():
        corpus = Corpus(source)
        with pinned():
            smiles = [to_smiles(corpus.tokenizer.symbols_of(corpus[number].tolist())) for number in molecules.tolist()]
        with path.with_suffix(".tmp").open("wb") as file:
            np.save(file, compute(smiles, names).to_numpy(dtype=np.float32))
        path.with_suffix(".tmp").replace(path)
    return len(molecules)


def _join(parts: Path, path: Path, drawn: NDArray[np.int64], count: int) -> None:
    """All chunks in one file; they are removed when it is whole."""
    chunks = sorted(parts.glob("*.npy"))
    values = np.concatenate([np.load(chunk) for chunk in chunks])
    whole = np.full((count, values.shape[1]), np.nan, dtype=np.float32)
    whole[drawn] = values
    with path.with_suffix(".tmp").open("wb") as file:
        np.save(file, whole)
    path.with_suffix(".tmp").replace(path)
    for chunk in chunks:
        chunk.unlink()
    parts.rmdir()
