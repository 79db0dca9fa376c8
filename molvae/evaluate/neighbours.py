"""Tanimoto similarities of many fingerprints to many, by matrix products."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from molvae.chem.similarity import unpack
from molvae.evaluate.metrics import Progress
from molvae.training.engine import cpu_has_bf16

_AT_ONCE = 2_048  # rows of either side in one product: their counts, 16 MB, stay in a cache
Packed = NDArray[np.uint8]


def nearest(samples: Packed, reference: Packed, progress: Progress | None = None) -> NDArray[np.float64]:
    """Tanimoto similarity of each sample to its nearest neighbour in the reference: (n, 128) and (m, 128) packed bits to (n,).

    Among reference rows with equally many bits the nearest is the one with the most bits in common, so only the largest count
    of each such group is turned into a similarity.
    """
    groups = _by_count(reference)
    best = np.zeros(len(samples))
    for start in range(0, len(samples), _AT_ONCE):
        rows = _floats(samples[start : start + _AT_ONCE])
        mine, found = rows.sum(dim=1, dtype=torch.float32), torch.zeros(len(rows))
        for count, group in groups:
            both = torch.mm(rows, _floats(group).to(rows.dtype).T).amax(dim=1).float()
            found = torch.maximum(found, _similarity(both, mine + count))
        best[start : start + len(rows)] = found.numpy()
        if progress is not None:
            progress("nearest neighbours", start + len(rows), len(samples))
    return best


def _by_count(packed: Packed) -> list[tuple[int, Packed]]:
    """The rows in pieces of rows with equally many bits, with that number."""
    counts = unpack(packed).sum(axis=1, dtype=np.int64)
    groups = ((int(count), packed[counts == count]) for count in np.unique(counts))
    return [(count, group[at : at + _AT_ONCE]) for count, group in groups for at in range(0, len(group), _AT_ONCE)]


def _floats(packed: Packed) -> torch.Tensor:
    """The bits as numbers whose products count exactly: bfloat16 holds whole numbers up to 256, more than most rows have bits."""
    bits = torch.from_numpy(unpack(packed))
    small = len(bits) > 0 and int(bits.sum(dim=1, dtype=torch.int64).max()) <= 256
    return bits.to(torch.bfloat16 if small and cpu_has_bf16() else torch.float32)


def _similarity(both: torch.Tensor, sum_of_bits: torch.Tensor) -> torch.Tensor:
    """Tanimoto similarity from the bits in common and the sum of the bits of both; 1 for two rows without bits."""
    either = sum_of_bits - both
    return torch.where(either > 0, both / either, 1.0)


def mean_similarities(packed: Packed, progress: Progress | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean of the similarity, and of its square, of each row to all rows, itself included: (n, 128) to (n,) and (n,)."""
    total, squares = np.zeros(len(packed)), np.zeros(len(packed))
    for start in range(0, len(packed), _AT_ONCE):
        left = _floats(packed[start : start + _AT_ONCE])
        for at in range(0, len(packed), _AT_ONCE):
            right = _floats(packed[at : at + _AT_ONCE]).to(left.dtype)
            bits = left.sum(dim=1, dtype=torch.float32)[:, None] + right.sum(dim=1, dtype=torch.float32)[None, :]
            similar = _similarity(torch.mm(left, right.T).float(), bits)
            total[start : start + len(left)] += similar.sum(dim=1, dtype=torch.float64).numpy()
            squares[start : start + len(left)] += similar.square().sum(dim=1, dtype=torch.float64).numpy()
        if progress is not None:
            progress("internal diversity", start + len(left), len(packed))
    return total / len(packed), squares / len(packed)
