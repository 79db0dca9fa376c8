"""A compact index of the molecules a model was trained on: is this one new?"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from molvae.errors import CheckpointError


def fingerprint64(smiles: str) -> int:
    """First 64 bits of BLAKE2b of a canonical SMILES."""
    return int.from_bytes(blake2b(smiles.encode(), digest_size=8).digest(), "big")


def fingerprints64(smiles: Sequence[str]) -> NDArray[np.uint64]:
    """`fingerprint64` of each SMILES."""
    return np.fromiter((fingerprint64(s) for s in smiles), dtype=np.uint64, count=len(smiles))


class TrainingIndex:
    """Set of 32-bit hashes of canonical SMILES, about two bytes a molecule on disk.

    A molecule of the set is always found. One outside it is taken for a member with probability n / 2**32 (4 in 10,000 for the
    1.6 million molecules of MOSES), so novelty is never overstated.

    >>> index = TrainingIndex.of(fingerprints64(["CCO", "CCN"]))
    >>> index.contains(["CCO", "CCC"]).tolist()
    [True, False]
    """

    def __init__(self, hashes: NDArray[np.uint32]) -> None:
        self._hashes = np.unique(hashes)

    @classmethod
    def of(cls, fingerprints: NDArray[np.uint64]) -> TrainingIndex:
        """From 64-bit fingerprints, of which the high half is kept."""
        return cls((fingerprints >> np.uint64(32)).astype(np.uint32))

    def __or__(self, other: TrainingIndex) -> TrainingIndex:
        """The molecules of both."""
        return TrainingIndex(np.concatenate([self._hashes, other._hashes]))

    def __len__(self) -> int:
        return len(self._hashes)

    def contains(self, smiles: Sequence[str]) -> NDArray[np.bool_]:
        """For each canonical SMILES, whether it is in the set: (n,)."""
        return self.holds(fingerprints64(smiles))

    def holds(self, fingerprints: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """For each 64-bit fingerprint, whether its molecule is in the set: (n,)."""
        wanted = (fingerprints >> np.uint64(32)).astype(np.uint32)
        if not len(self._hashes):
            return np.zeros(len(wanted), dtype=np.bool_)
        at = np.minimum(np.searchsorted(self._hashes, wanted), len(self._hashes) - 1)
        return np.asarray(self._hashes[at] == wanted)

    def save(self, path: Path) -> None:
        """Write the sorted hashes: how many share each high half, and the low halves."""
        counts = np.bincount(self._hashes >> np.uint32(16), minlength=2**16).astype(np.int32)
        low = (self._hashes & np.uint32(0xFFFF)).astype(np.uint16)
        path.write_bytes(safetensors.numpy.save({"counts": counts, "low": low}))

    @classmethod
    def load(cls, path: Path) -> TrainingIndex:
        """Read what `save` wrote; raises CheckpointError where it is missing or damaged."""
        try:
            parts = safetensors.numpy.load_file(path)
            high = np.repeat(np.arange(2**16, dtype=np.uint32), parts["counts"])
            return cls((high << np.uint32(16)) | parts["low"])
        except (OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
            raise CheckpointError(f"{path} is not a readable training index: {error}") from error
