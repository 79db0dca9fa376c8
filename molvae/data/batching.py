"""Batches of molecules of equal length, so that nothing is padded or packed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class EqualLengthBatches:
    """The batches of every epoch, each a function of the seed and the epoch alone, so that any step can be found again.

    Args:
        lengths: length in tokens of each molecule, (n,).
        batch_size: molecules a batch; the last batch of a length may be smaller.
        seed: of the order.

    >>> batches = EqualLengthBatches(np.array([3, 3, 3, 5]), batch_size=2, seed=0)
    >>> sorted(len(batch) for batch in batches.epoch(0))
    [1, 1, 2]
    """

    def __init__(self, lengths: NDArray[np.integer], batch_size: int, seed: int = 0) -> None:
        self._lengths = np.asarray(lengths)
        self.batch_size = batch_size
        self._seed = seed
        counts = np.bincount(self._lengths) if len(self._lengths) else np.zeros(1, dtype=int)
        self._starts = _cuts(counts, batch_size)
        self._cached: tuple[int, list[NDArray[np.int64]]] = (-1, [])

    def __len__(self) -> int:
        """Batches an epoch."""
        return len(self._starts)

    def epoch(self, epoch: int) -> list[NDArray[np.int64]]:
        """Batches of one epoch in order; each is an array of molecule numbers, each molecule stands in just one."""
        random = np.random.default_rng([self._seed, epoch])
        order = np.lexsort((random.random(len(self._lengths)), self._lengths))
        batches = np.split(order, self._starts[1:])
        return [batches[i] for i in random.permutation(len(batches))]

    def at(self, step: int) -> NDArray[np.int64]:
        """The batch of a step counted from the start of training."""
        epoch, place = divmod(step, len(self))
        if self._cached[0] != epoch:
            self._cached = (epoch, self.epoch(epoch))
        return self._cached[1][place]


def _cuts(counts: NDArray[np.integer], batch_size: int) -> NDArray[np.int64]:
    """Where each batch starts in an order sorted by length, given how many molecules have each length."""
    firsts = np.cumsum(counts) - counts
    starts = [np.arange(first, first + count, batch_size) for first, count in zip(firsts, counts, strict=True) if count]
    return np.concatenate(starts) if starts else np.zeros(0, dtype=np.int64)
